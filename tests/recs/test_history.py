from datetime import timedelta

import pytest

from catalog.event_kinds import EventKind
from catalog.events import record_events
from catalog.models import Person
from catalog.types import ItemInput, Viewer
from recs.history import history_of, history_of_items, read_history
from tests.recs.conftest import NOON, like, make_items


@pytest.fixture
def ids(db):
    return make_items([ItemInput(external_id=f"i{n}", title=f"Item {n}") for n in range(5)])


def test_history_ignores_events_at_and_after_as_of(ids):
    record_events(
        events=[
            like("ann", "i0", time=NOON - timedelta(seconds=1)),
            like("ann", "i1", time=NOON),
            like("ann", "i2", time=NOON + timedelta(days=1)),
        ]
    )
    viewer = Viewer(person_id=Person.objects.get(external_id="ann").pk)
    assert read_history(viewer=viewer, as_of=NOON).seen == {ids["i0"]}


def test_the_newest_comes_first_and_weighs_most(ids):
    record_events(events=[like("ann", f"i{n}", time=NOON + timedelta(hours=n)) for n in range(3)])
    viewer = Viewer(person_id=Person.objects.get(external_id="ann").pk)
    taste = read_history(viewer=viewer).taste
    assert [item.item_id for item in taste] == [ids["i2"], ids["i1"], ids["i0"]]
    assert taste[0].weight > taste[1].weight > taste[2].weight


def test_a_visitor_without_an_account_has_a_history_of_their_own(ids):
    record_events(
        events=[
            like("ann", "i0", time=NOON),
            like("", "i1", time=NOON, anonymous_id="visitor"),
        ]
    )
    assert read_history(viewer=Viewer(anonymous_id="visitor")).seen == {ids["i1"]}
    assert read_history(viewer=Viewer(anonymous_id="other")).seen == frozenset()


def test_nobody_has_no_history_and_costs_no_query(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert read_history(viewer=Viewer()).seen == frozenset()


def test_the_last_act_on_an_item_decides():
    liked_then_dismissed = [(1, EventKind.DISMISS, None), (1, EventKind.LIKE, None)]
    dismissed_then_liked = [(1, EventKind.LIKE, None), (1, EventKind.DISMISS, None)]
    assert history_of(liked_then_dismissed).taste == ()
    assert history_of(liked_then_dismissed).unwanted == {1}
    assert [t.item_id for t in history_of(dismissed_then_liked).taste] == [1]
    assert history_of(dismissed_then_liked).unwanted == frozenset()


def test_a_low_rating_is_seen_and_no_taste():
    history = history_of([(1, EventKind.RATING, 2.0), (2, EventKind.RATING, 3.5)])
    assert [item.item_id for item in history.taste] == [2]
    assert history.seen == {1, 2}


def test_a_session_given_by_the_caller_counts_its_last_item_first():
    history = history_of_items([5, 6, 5, 7])
    assert [item.item_id for item in history.taste] == [7, 5, 6]
