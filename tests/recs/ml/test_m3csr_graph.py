import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.m3csr_graph import EventGraph, FutureCounts, even_picks, scattered_picks


def dated(lists):
    """Histories of (item, day) pairs."""
    events = [event for one in lists for event in one]
    return Histories(
        people=tuple("abcdef"[: len(lists)]),
        offsets=np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64),
        items=np.array([item for item, _ in events], np.int64),
        kinds=np.zeros(len(events), np.int8),
        days=np.array([day for _, day in events], np.float64),
    )


LISTS = [[(1, 1.0), (2, 2.0), (3, 5.0)], [(2, 1.0), (1, 3.0)], [(1, 4.0)]]


def test_counts_are_of_events_strictly_before():
    graph = EventGraph(dated(LISTS), 4)
    items = np.array([1, 1, 1, 1, 4])
    assert graph.counts(items, np.array([1.0, 1.5, 4.0, 9.0, 9.0])).tolist() == [0, 1, 2, 3, 0]


def test_counts_equal_a_plain_loop():
    random = np.random.default_rng(0)
    lists = [
        [
            (int(i), float(d))
            for i, d in zip(
                random.integers(1, 9, 7), np.sort(random.integers(0, 9, 7)), strict=True
            )
        ]
        for _ in range(6)
    ]
    graph = EventGraph(dated(lists), 9)
    items, moments = random.integers(0, 10, 50), random.integers(0, 11, 50).astype(float)
    slow = [
        sum(i == item and d < moment for one in lists for i, d in one)
        for item, moment in zip(items, moments, strict=True)
    ]
    assert graph.counts(items, moments).tolist() == slow


def test_lists_hold_only_what_was_before():
    graph = EventGraph(dated(LISTS), 4)
    moments = np.array([3.5])
    people = graph.people_of(np.array([1]), moments, even_picks(8))
    assert set(people.ravel().tolist()) == {0, 1}
    assert set(graph.items_of(np.array([[0] * 8]), moments, scattered_picks(8)).ravel()) == {1, 2}
    assert graph.newest_of(np.array([[0, 2]]), moments, 3).tolist() == [[[2, 1, 0], [0, 0, 0]]]


def test_nobody_and_no_item_give_padding():
    graph = EventGraph(dated(LISTS), 4)
    moments = np.array([9.0])
    assert graph.people_of(np.array([4]), moments, even_picks(2)).tolist() == [[-1, -1]]
    assert graph.people_of(np.array([0]), moments, even_picks(2)).tolist() == [[-1, -1]]
    assert graph.items_of(np.array([[-1, 0]]), moments, np.array([0.0, 0.0])).tolist() == [[0, 1]]


def test_later_events_change_nothing_earlier():
    random = np.random.default_rng(1)
    later = [[*one, (4, 8.0), (1, 9.0)] for one in LISTS]
    before, after = EventGraph(dated(LISTS), 4), EventGraph(dated(later), 4)
    items, moments = random.integers(0, 5, 40), random.uniform(0, 8, 40)
    picks = random.random((40, 5))
    people = before.people_of(items, moments, picks)
    assert np.array_equal(before.counts(items, moments), after.counts(items, moments))
    assert np.array_equal(people, after.people_of(items, moments, picks))
    assert np.array_equal(
        before.items_of(people, moments, picks), after.items_of(people, moments, picks)
    )
    assert np.array_equal(before.newest_of(people, moments, 3), after.newest_of(people, moments, 3))


def test_items_to_compare_with_had_been_taken_by_then():
    graph = EventGraph(dated(LISTS), 4)
    picks = np.linspace(0, 0.999, 20)
    assert set(graph.known_item(np.full(20, 1.5), picks).tolist()) == {1, 2}
    assert set(graph.known_item(np.full(20, 9.0), picks).tolist()) == {1, 2, 3}


def test_popular_items_are_picked_as_often_as_they_had_been_taken():
    graph = EventGraph(dated(LISTS), 4)
    picks = (np.arange(600) + 0.5) / 600
    found = graph.popular_item(np.full(600, 9.0), picks)
    assert np.bincount(found, minlength=4).tolist() == [0, 300, 200, 100]
    assert set(graph.popular_item(np.full(600, 1.5), picks).tolist()) == {1, 2}


def test_events_without_a_time_are_before_everything():
    graph = EventGraph(Histories.of_lists([[1, 2], [2]]), 2)
    assert graph.counts(np.array([1, 2]), np.array([np.nan, 5.0])).tolist() == [1, 2]


def test_counts_from_after_the_scores_are_refused():
    counts = EventGraph(dated(LISTS), 4).known_counts(4.0)
    assert counts.at(4.0).tolist() == [0, 2, 2, 0, 0]
    assert counts.at(7.0) is counts.counts
    with pytest.raises(FutureCounts):
        counts.at(3.9)
