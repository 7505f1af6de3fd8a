from dataclasses import replace

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.sequence_data import RunOptions, Sample, SequenceData, TrainOptions, hold_back


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


def test_further_questions_are_drawn_with_the_others():
    further = Sample(Histories.of_lists([[1, 2], [3]], ["a", "b"]), np.array([4, 5]))
    of = replace(data([[1], [2]], [2, 0]), further=further)
    everything = of.sample(10, seed=0)
    assert everything.histories.people == ("0", "a", "b")
    assert [list(items) for items in everything.histories] == [[1], [1, 2], [3]]
    assert everything.targets.tolist() == [2, 4, 5]
    assert len(of.sample(2, seed=0).targets) == 2


def test_of_many_people_the_last_event_is_held_back():
    whole = Histories.of_lists([list(range(1, 31)), [1, 2], [3], []])
    learned, targets, further = hold_back(whole, questions=1)
    assert further is None
    assert [list(items) for items in learned] == [list(range(1, 30)), [1], [], []]
    assert targets.tolist() == [30, 2, 3, 0]


def test_of_few_people_more_is_held_back_but_no_more_than_every_tenth():
    long, longer = list(range(1, 31)), list(range(1, 101))
    whole = Histories.of_lists([long, [1, 2], longer], ["long", "short", "longer"])
    learned, targets, further = hold_back(whole, questions=100, most_each=4)
    assert [len(items) for items in learned] == [27, 1, 96]
    # What came next after what is learned from, then what came after that.
    assert targets.tolist() == [28, 2, 97]
    assert further.histories.people == ("long", "long", "longer", "longer", "longer")
    assert further.targets.tolist() == [29, 30, 98, 99, 100]
    for items, target in zip(further.histories, further.targets, strict=True):
        assert list(items) == list(range(1, target))


def test_nobody_has_nothing_held_back():
    learned, targets, further = hold_back(Histories.of_lists([]), questions=5)
    assert (len(learned), len(targets), further) == (0, 0, None)


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
