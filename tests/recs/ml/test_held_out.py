import numpy as np
import pytest

from recs.ml.held_out import HeldOutConfig, held_out
from recs.ml.histories import Histories
from recs.ml.metrics import ndcg_at
from recs.ml.popularity_scorer import PopularityScorer


def histories(*lists, days=None):
    made = Histories.of_lists(lists)
    times = [float(day) for one in days or lists for day in (one if days else range(len(one)))]
    return Histories(
        people=made.people, offsets=made.offsets, items=made.items, kinds=made.kinds,
        days=np.array(times),
    )  # fmt: skip


def test_each_case_has_all_that_was_done_before_its_target_also_after_the_moment():
    found = held_out(histories([1, 2, 3, 4], [5], [6, 7]), since_day=2.0)
    assert [list(items) for items in found.histories] == [[1, 2], [1, 2, 3]]
    assert found.targets.tolist() == [3, 4]
    assert found.people.tolist() == [0, 0]
    assert found.known.tolist() == [2, 2]


def test_an_event_at_the_moment_itself_is_later_and_a_first_event_is_no_case():
    given = histories([1, 2], [3, 4], days=[[1, 5], [5, 6]])
    found = held_out(given, since_day=5.0)
    assert found.targets.tolist() == [2, 4]
    assert found.people.tolist() == [0, 1]
    assert found.known.tolist() == [1, 0]


def test_long_histories_are_cut_to_their_newest_events():
    found = held_out(histories([1, 2, 3, 4]), since_day=3.0, config=HeldOutConfig(longest=2))
    assert [list(items) for items in found.histories] == [[2, 3]]


def test_of_many_people_and_events_some_are_drawn_the_same_ones_each_time():
    rng = np.random.default_rng(0)
    given = histories(*[rng.integers(1, 50, 12) for _ in range(40)])
    config = HeldOutConfig(most_people=10, most_targets=2, seed=3)
    found, again = (held_out(given, since_day=4.0, config=config) for _ in range(2))
    assert np.bincount(found.people).tolist() == [2] * 10
    assert np.array_equal(found.targets, again.targets)
    assert found.histories.people == again.histories.people
    for history, target, name in zip(
        found.histories, found.targets, found.histories.people, strict=True
    ):
        whole = list(given.items_of(int(name)))
        assert whole[: len(history)] == list(history)
        assert whole[len(history)] == target


def test_where_people_are_few_more_of_each_is_asked():
    given = histories(*[list(range(1, 31)) for _ in range(3)])
    config = HeldOutConfig(most_targets=2, cases=15)
    found = held_out(given, since_day=10.0, config=config)
    assert np.bincount(found.people).tolist() == [5, 5, 5]
    # With people enough it is what each is asked at least.
    found = held_out(given, since_day=10.0, config=HeldOutConfig(most_targets=2, cases=3))
    assert np.bincount(found.people).tolist() == [2, 2, 2]


@pytest.mark.parametrize("lists", [[], [[]], [[1]], [[1], [2]]])
def test_nothing_held_out_gives_no_cases(lists):
    assert len(held_out(histories(*lists), since_day=0.0)) == 0


def test_the_metric_is_that_of_full_rankings_without_what_was_seen():
    found = held_out(histories([1, 2, 3], [2, 3], [2]), since_day=1.0)
    assert found.targets.tolist() == [2, 3, 3]
    scorer = PopularityScorer(np.array([0, 1, 3, 2]))
    # 2 is most wanted; 3 comes after 2 unless 2 was seen already.
    assert found.ndcg(scorer) == pytest.approx(ndcg_at(np.array([0, 0, 0]), 10))
