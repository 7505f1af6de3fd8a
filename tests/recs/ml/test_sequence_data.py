import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.sequence_data import RunOptions, SequenceData, TrainOptions


def data(lists, targets, items=5):
    return SequenceData(
        histories=Histories.of_lists(lists),
        targets=np.array(targets, np.int64),
        content=ItemContent.none(items),
    )


def test_a_sample_leaves_out_who_has_no_history_or_no_target():
    sample = data([[1], [], [2], [3, 4]], [2, 3, 0, 5]).sample(10, seed=0)
    assert sample.histories.people == ("0", "3")
    assert sample.targets.tolist() == [2, 5]


def test_a_sample_is_drawn_by_the_seed():
    many = data([[1]] * 50, [2] * 50)
    people = [many.sample(5, seed=seed).histories.people for seed in (0, 0, 1)]
    assert people[0] == people[1]
    assert people[0] != people[2]
    assert len(people[0]) == 5


def test_ndcg_of_a_sample_is_that_of_full_rankings_without_what_was_seen():
    # Popularity: 1 (3 times), 2 (twice), 3 (once). The person of the second history saw 1.
    of = data([[2, 1], [1, 2], [1, 3]], [4, 3, 2])
    sample = of.sample(10, seed=0)
    # Targets: 4 after 3, and 5 is its equal: rank 2; 3 right behind nothing: rank 0; 2: rank 0.
    expected = (1 / np.log2(2 + 2) + 1 + 1) / 3
    assert sample.ndcg(PopularityScorer.of(of.histories, 5)) == pytest.approx(expected)


def test_nobody_to_validate_on_scores_nothing():
    empty = data([[]], [0])
    assert empty.sample(5, seed=0).ndcg(PopularityScorer.of(empty.histories, 5)) == 0.0


def test_data_that_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="1 targets for 2"):
        data([[1], [2]], [1])
    with pytest.raises(ValueError, match="past the 5"):
        data([[6]], [1])
    with pytest.raises(ValueError, match="past the 5"):
        data([[1]], [6])


def test_seconds_reach_the_run():
    assert TrainOptions(seconds=3.0).run_options().seconds == 3.0
    assert TrainOptions(run=RunOptions(seconds=7.0)).run_options().seconds == 7.0
