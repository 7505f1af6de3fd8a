from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from catalog.event_kinds import EventKind
from catalog.events import EventRow, copy_events, record_events
from catalog.models import Event, Item, Person
from catalog.types import ItemInput, Viewer
from recs.features import (
    LONGEST,
    counts,
    interaction_log,
    item_vocabulary,
    person_name,
    time_split,
    user_history,
)
from tests.recs.conftest import NOON, like, make_items

HOUR = timedelta(hours=1)


@pytest.fixture
def ids(db):
    return make_items([ItemInput(external_id=f"i{n}", title=f"Item {n}") for n in range(8)])


def viewer(name):
    return Viewer(person_id=Person.objects.get(external_id=name).pk)


def told(log):
    """{person: [item key]} of a log."""
    return {
        person: [int(key) for key in log.vocabulary.ids(rows)]
        for person, rows in zip(log.histories.people, log.histories, strict=True)
    }


def same(one, other):
    return one.people == other.people and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("offsets", "items", "kinds", "days")
    )


def events_of(name, *items, start=NOON, **changes):
    return [
        like(name, item, time=start + place * HOUR, **changes) for place, item in enumerate(items)
    ]


def test_changing_later_events_changes_nothing_earlier(ids):
    record_events(events=[*events_of("ann", "i0", "i1", "i2"), *events_of("bob", "i3", "i1")])
    as_of = NOON + 2 * HOUR
    log, known, own = interaction_log(as_of=as_of), counts(as_of=as_of), viewer("ann")
    history = user_history(viewer=own, vocabulary=log.vocabulary, as_of=as_of)
    assert history.items.tolist() == log.vocabulary.rows([str(ids["i0"]), str(ids["i1"])]).tolist()

    record_events(events=events_of("ann", "i2", "i5", start=as_of))
    record_events(events=events_of("cem", "i0", "i1", start=as_of))
    Event.objects.filter(time__gte=as_of).update(item_id=ids["i6"])
    for change in (lambda: None, lambda: Event.objects.filter(time__gte=as_of).delete()):
        change()
        assert same(interaction_log(as_of=as_of).histories, log.histories)
        again = user_history(viewer=own, vocabulary=log.vocabulary, as_of=as_of)
        assert same(again, history)
        assert counts(as_of=as_of).item_events.tolist() == known.item_events.tolist()
        assert counts(as_of=as_of).people == known.people


def test_training_and_serving_read_the_same_history(ids):
    record_events(
        events=[
            *events_of("ann", "i0", "i1", "i1", "i2", "i0"),
            *events_of("ann", "i4", "i5", "i6", start=NOON - HOUR, kind="play"),
            *events_of("bob", "i3"),
            like("ann", "i7", time=NOON, kind="rating", value=2.0),
            like("ann", "i3", time=NOON, kind="rating", value=4.5),
            *events_of("", "i6", "i2", anonymous_id="walker", kind="click"),
        ]
    )
    as_of = NOON + 90 * HOUR
    log = interaction_log(as_of=as_of)
    viewers = [viewer("ann"), viewer("bob"), Viewer(anonymous_id="walker")]
    assert set(log.histories.people) == {person_name(one) for one in viewers}
    for one in viewers:
        place = log.histories.people.index(person_name(one))
        own = user_history(viewer=one, vocabulary=log.vocabulary, as_of=as_of)
        assert same(own, log.histories.select([place]))


def test_a_bad_rating_is_no_wish_and_a_good_one_is(ids):
    record_events(
        events=[
            like("ann", "i0", time=NOON, kind="rating", value=2.0),
            like("ann", "i1", time=NOON, kind="rating", value=3.5),
            like("ann", "i2", time=NOON, kind="dislike"),
            like("ann", "i3", time=NOON, kind="view"),
            like("ann", "i4", time=NOON, kind="impression"),
        ]
    )
    (history,) = told(interaction_log(as_of=NOON + HOUR)).values()
    assert history == [ids["i1"]]


def test_repeats_and_runs_on_one_item_are_one_event_with_the_newest_kind(ids):
    twice = events_of("ann", "i0", "i1")
    record_events(
        events=[
            *twice,
            *twice,
            like("ann", "i2", time=NOON + 5 * HOUR, kind="click"),
            like("ann", "i2", time=NOON + 6 * HOUR, kind="purchase"),
        ]
    )
    log = interaction_log(as_of=NOON + 9 * HOUR)
    assert list(told(log).values()) == [[ids["i0"], ids["i1"], ids["i2"]]]
    assert log.histories.kinds.tolist() == [EventKind.LIKE, EventKind.LIKE, EventKind.PURCHASE]


def test_events_that_arrive_out_of_order_stand_in_order_and_future_ones_do_not_count(ids):
    record_events(
        events=[
            like("ann", "i2", time=NOON + 2 * HOUR),
            like("ann", "i0", time=NOON),
            like("ann", "i3", time=datetime.now(UTC) + timedelta(days=300)),
            like("ann", "i1", time=NOON + HOUR),
        ]
    )
    log = interaction_log(as_of=datetime.now(UTC))
    assert list(told(log).values()) == [[ids["i0"], ids["i1"], ids["i2"]]]
    own = user_history(viewer=viewer("ann"), vocabulary=log.vocabulary)
    assert own.items.tolist() == log.histories.items.tolist()


def test_the_order_inside_an_instant_is_not_the_order_of_items_or_of_arrival(db):
    ids = make_items([ItemInput(external_id=f"i{n:03}", title=f"Item {n}") for n in range(64)])
    events = [
        like(person, f"i{n:03}", time=NOON + day * HOUR)
        for day, person in enumerate(("ann", "bob"))
        for n in range(64)
    ]
    record_events(events=events)
    log = interaction_log(as_of=NOON + 9 * HOUR)
    orders = list(told(log).values())
    place = np.array([list(ids.values()).index(key) for key in orders[0]])
    assert abs(np.corrcoef(place, np.arange(64))[0, 1]) < 0.35
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_deleted_items_are_left_out_and_hidden_ones_still_tell_a_taste(ids):
    record_events(events=events_of("ann", "i0", "i1", "i2"))
    Item.objects.filter(pk=ids["i1"]).update(is_hidden=True)
    Item.objects.filter(pk=ids["i2"]).delete()
    log = interaction_log(as_of=NOON + 9 * HOUR)
    assert list(told(log).values()) == [[ids["i0"], ids["i1"]]]
    assert str(ids["i2"]) not in log.vocabulary


def test_an_item_that_the_vocabulary_lacks_is_left_out_of_a_history(ids):
    vocabulary = item_vocabulary()
    late = make_items([ItemInput(external_id="late", title="Late")])
    record_events(events=events_of("ann", "i0", "late", "i1"))
    own = user_history(viewer=viewer("ann"), vocabulary=vocabulary)
    assert [int(key) for key in vocabulary.ids(own.items)] == [ids["i0"], ids["i1"]]
    assert str(late["late"]) not in vocabulary


def test_a_history_of_fifty_thousand_is_cut_to_the_newest_two_thousand(ids):
    keys = list(ids.values())
    person = Person.objects.create(external_id="bot").pk
    copy_events(
        rows=[
            EventRow(
                time=NOON + timedelta(seconds=n), kind=EventKind.CLICK, person_id=person,
                anonymous_id=None, session_id=None, item_id=keys[n % 8], query_id=None,
                surface="", position=None, value=None, properties=None,
            )
            for n in range(50_000)
        ]
    )  # fmt: skip
    log = interaction_log(as_of=NOON + timedelta(days=9))
    assert log.histories.lengths.tolist() == [LONGEST]
    newest = (NOON + timedelta(seconds=49_999)).timestamp() / 86_400
    assert log.histories.days[-1] == pytest.approx(newest)
    own = user_history(viewer=viewer("bot"), vocabulary=log.vocabulary)
    assert same(own, log.histories)
    assert counts(as_of=NOON + timedelta(days=9)).item_events.sum() == 50_000


def test_nothing_at_all_is_a_log_of_nobody(db):
    log = interaction_log(as_of=NOON)
    assert (len(log.histories), len(log.vocabulary)) == (0, 0)
    assert counts(as_of=NOON).item_ids.tolist() == []
    assert len(time_split(at=NOON, horizon=HOUR).future) == 0


def test_nobody_has_an_empty_history(ids, django_assert_num_queries):
    vocabulary = item_vocabulary()
    with django_assert_num_queries(0):
        own = user_history(viewer=Viewer(), vocabulary=vocabulary)
    assert own.lengths.tolist() == [0]


def test_counts_are_of_events_and_of_different_people(ids):
    record_events(
        events=[
            *events_of("ann", "i0", "i1", "i0"),
            *events_of("bob", "i0"),
            *events_of("", "i0", anonymous_id=str(10**6)),
            like("", "i1", time=NOON, session_id="nobody"),
        ]
    )
    known = counts(as_of=NOON + 9 * HOUR)
    by_item = dict(
        zip(
            known.item_ids.tolist(),
            zip(known.item_events, known.item_people, strict=True),
            strict=True,
        )
    )
    assert by_item == {ids["i0"]: (4, 3), ids["i1"]: (1, 1)}
    ann, bob = person_name(viewer("ann")), person_name(viewer("bob"))
    by_person = dict(zip(known.people, known.person_events.tolist(), strict=True))
    assert by_person == {ann: 3, bob: 1, "visitor:1000000": 1}


def test_a_split_keeps_what_comes_later_out_of_what_was_known(ids):
    record_events(
        events=[
            *events_of("ann", "i0", "i1", "i1", "i2", "i3"),
            *events_of("bob", "i5"),
            *events_of("new", "i6", start=NOON + 2 * HOUR),
        ]
    )
    at = NOON + 2 * HOUR  # between two likes of the same item
    split = time_split(at=at, horizon=2 * HOUR)
    past, future = split.train.histories, split.future
    assert past.people == future.people
    rows = split.train.vocabulary.rows
    by_person = {
        person: (before.tolist(), after.tolist())
        for person, before, after in zip(past.people, past, future, strict=True)
    }
    item = {name: rows([str(key)])[0] for name, key in ids.items()}
    assert by_person == {
        person_name(viewer("ann")): ([item["i0"], item["i1"]], [item["i1"], item["i2"]]),
        person_name(viewer("bob")): ([item["i5"]], []),
        person_name(viewer("new")): ([], [item["i6"]]),
    }
    alone = interaction_log(as_of=at)
    assert told(alone) == {k: v for k, v in told(split.train).items() if v}
    assert past.days.max() < at.timestamp() / 86_400 <= future.days.min()


def test_a_log_is_read_in_few_queries_however_long(ids, django_assert_num_queries):
    record_events(events=events_of("ann", *[f"i{n % 8}" for n in range(100)]))
    vocabulary = item_vocabulary()
    with django_assert_num_queries(4):  # a savepoint, its timeout, the read, its release
        interaction_log(as_of=NOON + 900 * HOUR, vocabulary=vocabulary)
