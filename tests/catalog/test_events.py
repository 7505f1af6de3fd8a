from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog.event_kinds import EventKind
from catalog.events import (
    EventRow,
    copy_events,
    events_per_day,
    prune_event_keys,
    record_events,
)
from catalog.models import Event, EventKey, Person
from catalog.types import EventInput
from tests.catalog.rows import add_item, add_items

pytestmark = pytest.mark.django_db
TIME = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def event(**fields):
    return EventInput(**{"kind": "view", "item_id": "i1", "user_id": "u1", "time": TIME} | fields)


def statuses(*events):
    return [result.status for result in record_events(events=events)]


def test_an_event_is_stored_with_every_column():
    item = add_item("i1")
    query_id = uuid4()
    given = event(
        kind="rating", anonymous_id="a", session_id="s", query_id=str(query_id), surface="home",
        position=3, value=4.5, properties={"shelf": "new", "n": 1}, event_id="e1",
    )  # fmt: skip
    assert statuses(given) == ["accepted"]
    stored = Event.objects.get()
    assert stored.person == Person.objects.get(external_id="u1")
    assert stored.item_id == item.pk
    assert (stored.time, stored.kind, stored.anonymous_id, stored.session_id) == (
        TIME, EventKind.RATING, "a", "s",
    )  # fmt: skip
    assert (stored.query_id, stored.surface, stored.position, stored.value) == (
        query_id, "home", 3, 4.5,
    )  # fmt: skip
    assert stored.properties == {"shelf": "new", "n": 1}


def test_results_come_in_order_and_good_rows_stay_beside_bad_ones():
    add_item("i1")
    results = record_events(
        events=[event(event_id="1"), event(item_id="no"), event(event_id="1"), event()]
    )
    assert [result.status for result in results] == ["accepted", "error", "duplicate", "accepted"]
    assert results[1].field == "item_id"
    assert "'no'" in results[1].detail
    assert Event.objects.count() == 2


def test_a_repeat_is_told_and_stored_once_even_with_another_time():
    add_item("i1")
    assert statuses(event(event_id="1")) == ["accepted"]
    assert statuses(event(event_id="1", time=TIME + timedelta(days=90))) == ["duplicate"]
    assert Event.objects.count() == 1


def test_a_refused_event_does_not_take_its_event_id():
    assert statuses(event(event_id="1")) == ["error"]
    add_item("i1")
    assert statuses(event(event_id="1")) == ["accepted"]


def test_people_are_created_once_and_anonymous_visitors_are_none():
    add_item("i1")
    statuses(event(), event(user_id="u2"), event(user_id="", anonymous_id="a"))
    assert set(Person.objects.values_list("external_id", flat=True)) == {"u1", "u2"}
    assert Event.objects.filter(person_id__isnull=True).get().anonymous_id == "a"


def test_a_thousand_events_take_as_many_queries_as_one(django_assert_max_num_queries):
    add_items(*(f"i{n}" for n in range(50)))
    batch = [event(item_id=f"i{n % 50}", user_id=f"u{n % 70}", event_id=str(n))
             for n in range(1000)]  # fmt: skip
    statuses(event(item_id="i0"))  # its month's partition is made
    # Within a test's transaction: four for partitions and six for savepoints among them.
    with django_assert_max_num_queries(14):
        assert statuses(*batch) == ["accepted"] * 1000


def test_events_of_decades_find_their_partitions():
    add_item("i1")
    times = [datetime(year, 2, 3, tzinfo=UTC) for year in (1970, 1999, 2000, 2026)]
    assert statuses(*(event(time=time) for time in times)) == ["accepted"] * 4
    assert set(Event.objects.values_list("time", flat=True)) == set(times)


def test_copied_rows_arrive_as_they_are():
    row = EventRow(
        time=TIME, kind=1, person_id=5, anonymous_id=None, session_id="s", item_id=7,
        query_id=None, surface="", position=None, value=0.5, properties=None,
    )  # fmt: skip
    assert copy_events(rows=[row, row._replace(properties={"a": "b\t\\N"})]) == 2
    assert list(Event.objects.order_by("pk").values_list("properties", flat=True)) == [
        None, {"a": "b\t\\N"},
    ]  # fmt: skip


def test_old_event_keys_are_forgotten_and_young_ones_kept():
    now = timezone.now()
    for key, age in (("old", 40), ("young", 1)):
        EventKey.objects.create(event_id=key)
        EventKey.objects.filter(pk=key).update(received_at=now - timedelta(days=age))
    assert prune_event_keys(before=now - timedelta(days=30)) == 1
    assert EventKey.objects.get().event_id == "young"


def test_events_are_counted_by_day_and_kind():
    add_item("i1")
    statuses(event(), event(), event(kind="click"), event(time=TIME + timedelta(days=1)))
    counted = list(events_per_day(since=TIME - timedelta(days=1)))
    assert [(row["day"].day, row["kind"], row["events"]) for row in counted] == [
        (4, EventKind.VIEW, 2), (4, EventKind.CLICK, 1), (5, EventKind.VIEW, 1),
    ]  # fmt: skip
