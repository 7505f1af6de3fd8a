import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recs.ml.batches import known_before
from recs.ml.buckets import KNOWN_BUCKETS, known_bucket
from recs.ml.histories import Histories
from recs.ml.known import known_times

ITEMS = 5


def histories(*lists):
    """Of (item, day) pairs."""
    return Histories(
        people=tuple(str(n) for n in range(len(lists))),
        offsets=np.cumsum([0, *map(len, lists)]).astype(np.int64),
        items=np.array([item for one in lists for item, _ in one], np.int64),
        kinds=np.zeros(sum(map(len, lists)), np.int8),
        days=np.array([day for one in lists for _, day in one], np.float64),
    )


EVENTS = st.lists(
    st.lists(st.tuples(st.integers(1, ITEMS), st.integers(0, 12)), max_size=15).map(
        lambda events: sorted(events, key=lambda event: event[1])
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_dated_events_have_the_bucket_of_what_was_counted_before_them(lists):
    people = histories(*lists)
    found = known_times(people, ITEMS).before(people)
    np.testing.assert_array_equal(known_bucket(found), known_bucket(known_before(people, ITEMS)))


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(0, 12))
def test_nothing_after_the_moment_matters_to_what_came_before_it(lists, day):
    people = histories(*lists)
    earlier = people.before(day)
    whole, part = known_times(people, ITEMS), known_times(earlier, ITEMS)
    np.testing.assert_array_equal(whole.before(earlier), part.before(earlier))
    items = np.arange(ITEMS + 1)
    moment = np.full(ITEMS + 1, float(day))
    np.testing.assert_array_equal(whole.buckets(items, moment), part.buckets(items, moment))


def test_buckets_rise_at_the_events_that_double():
    times = known_times(histories([(1, float(day)) for day in range(10)]), ITEMS)
    assert times.reached[1, :4].tolist() == [0.0, 1.0, 3.0, 7.0]
    assert np.isinf(times.reached[1, 4:]).all()
    asked = times.buckets(np.ones(5, np.int64), np.array([0.0, 0.5, 3.0, 3.5, np.nan]))
    assert asked.tolist() == [0, 1, 2, 3, 4]


def test_events_of_the_same_moment_do_not_count_for_each_other():
    people = histories([(1, 5.0), (1, 5.0)], [(1, 5.0), (1, 6.0)])
    assert known_times(people, ITEMS).before(people).tolist() == [0, 0, 0, 2]


def test_without_times_all_that_is_known_counts():
    people = Histories.of_lists([[1, 2], [1, 3], [1]])
    times = known_times(people, ITEMS)
    assert times.before(people).tolist() == [2, 1, 2, 1, 2]
    assert times.now().tolist() == [0, 2, 1, 1, 0, 0]


def test_undated_events_count_as_having_been_before_dated_ones():
    people = histories([(1, np.nan), (1, np.nan), (1, 4.0)])
    times = known_times(people, ITEMS)
    assert times.buckets(np.array([1, 1]), np.array([0.0, 5.0])).tolist() == [2, 2]


def test_an_item_without_events_is_unknown_at_any_moment():
    times = known_times(histories([(1, 0.0)]), ITEMS)
    assert times.buckets(np.array([3, 3]), np.array([1e9, np.nan])).tolist() == [0, 0]
    assert times.item_count == ITEMS


def test_nobody_did_anything():
    times = known_times(Histories.of_lists([]), ITEMS)
    assert not times.now().any()
    assert len(times.before(Histories.of_lists([[]]))) == 0


def test_an_item_with_more_events_than_buckets_tell_apart():
    events = 2 ** (KNOWN_BUCKETS - 1) + 3
    people = Histories(
        people=("a",),
        offsets=np.array([0, events]),
        items=np.ones(events, np.int64),
        kinds=np.zeros(events, np.int8),
        days=np.arange(events, dtype=np.float64),
    )
    times = known_times(people, 1)
    assert times.now().tolist() == [0, KNOWN_BUCKETS - 1]
    assert times.reached[1, -1] == 2 ** (KNOWN_BUCKETS - 2) - 1
