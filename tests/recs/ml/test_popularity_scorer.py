import numpy as np

from recs.ml.histories import Histories
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import rank


def test_everybody_gets_the_most_wanted_that_they_have_not_had():
    histories = Histories.of_lists([[1, 2, 3], [2, 3], [3], []])
    scorer = PopularityScorer.of(histories, 4)
    assert scorer.item_count == 4
    assert rank(scorer, histories, 3).tolist() == [[4, 0, 0], [1, 4, 0], [2, 1, 4], [3, 2, 1]]
    assert np.isneginf(scorer.score(histories, np.array([0]))[0, 0])
