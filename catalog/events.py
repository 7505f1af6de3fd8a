"""Writing events: what people did. An event that was accepted is on disk."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from psycopg.types.json import Jsonb

from catalog.event_kinds import EventKind
from catalog.models import Event, EventKey
from catalog.partitions import ensure_partitions
from catalog.people import person_ids
from catalog.types import EventInput, WriteResult

PRUNE_CHUNK = 50_000
KIND_NUMBERS = {kind.label: int(kind) for kind in EventKind}


class EventRow(NamedTuple):
    """One row of the event table, our own keys in it."""

    time: datetime
    kind: int
    person_id: int | None
    anonymous_id: str | None
    session_id: str | None
    item_id: int
    query_id: UUID | None
    surface: str
    position: int | None
    value: float | None
    properties: Any  # a mapping or None


COPY = f"COPY catalog_event ({', '.join(EventRow._fields)}) FROM STDIN"


def record_events(*, events: Sequence[EventInput]) -> list[WriteResult]:
    """Store events; what became of each, in the order given.

    "accepted" is committed; "duplicate" repeats an event_id that was stored before or stands
    earlier in the batch; "error" names an item that is not in the catalog. One transaction.
    """
    ensure_partitions(event.time for event in events)
    with transaction.atomic():
        items = _item_ids({event.item_id for event in events})
        results: list[WriteResult | None] = [_unknown_item(event, items) for event in events]
        known = [place for place, result in enumerate(results) if result is None]
        fresh = _first_times(events, known)
        people = person_ids(events[place].user_id for place in fresh)
        _copy(_row(events[place], items, people) for place in sorted(fresh))
    for place in known:
        status = "accepted" if place in fresh else "duplicate"
        results[place] = WriteResult(status=status, id=events[place].event_id)
    return [result for result in results if result is not None]


def copy_events(*, rows: Iterable[EventRow]) -> int:
    """Append rows whose keys are known to be right, at the database's speed; how many.

    The importers' way: no look-ups, no repeats told. Give it some 10,000 rows at a time.
    """
    batch = list(rows)
    ensure_partitions(row.time for row in batch)
    with transaction.atomic():
        return _copy(batch)


def prune_event_keys(*, before: datetime) -> int:
    """Forget the event_ids received before then, some at a time; how many went."""
    deleted = 0
    while True:
        old = EventKey.objects.filter(received_at__lt=before).values("pk")[:PRUNE_CHUNK]
        count, _ = EventKey.objects.filter(pk__in=old).delete()
        deleted += count
        if count < PRUNE_CHUNK:
            return deleted


def events_per_day(*, since: datetime) -> QuerySet[Any, Any]:
    """Counts by day and kind since then: rows with `day`, `kind`, `events`."""
    days: QuerySet[Any, Any] = Event.objects.filter(time__gte=since).annotate(day=TruncDate("time"))
    counted = days.values("day", "kind").annotate(events=Count("pk")).order_by("day", "kind")
    return cast(QuerySet[Any, Any], counted)


def estimated_count() -> int:
    """About how many events there are, from the planner's statistics: counting takes too long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(SUM(GREATEST(reltuples, 0)), 0)::bigint FROM pg_class "
            "JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'catalog_event'::regclass"
        )
        return int(cursor.fetchone()[0])


def _item_ids(external_ids: set[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, id FROM catalog_item WHERE external_id = ANY(%s)",
            [list(external_ids)],
        )
        return dict(cursor.fetchall())


def _unknown_item(event: EventInput, items: dict[str, int]) -> WriteResult | None:
    if event.item_id in items:
        return None
    return WriteResult(
        status="error",
        id=event.event_id,
        field="item_id",
        detail=f"There is no item '{event.item_id}': send the item first.",
    )


def _first_times(events: Sequence[EventInput], places: Sequence[int]) -> set[int]:
    """The places whose event was not stored before; their event_ids are taken from now on."""
    first: dict[str, int] = {}
    for place in places:
        if events[place].event_id:
            first.setdefault(events[place].event_id, place)
    without_id = {place for place in places if not events[place].event_id}
    if not first:
        return without_id
    with connection.cursor() as cursor:
        # Sorted, so that two batches with the same ids never wait for each other in a ring.
        cursor.execute(
            "INSERT INTO catalog_eventkey (event_id, received_at) "
            "SELECT unnest(%s::text[]), now() ON CONFLICT DO NOTHING RETURNING event_id",
            [sorted(first)],
        )
        return without_id | {first[event_id] for (event_id,) in cursor.fetchall()}


def _row(event: EventInput, items: dict[str, int], people: dict[str, int]) -> EventRow:
    return EventRow(
        time=event.time,
        kind=KIND_NUMBERS[event.kind],
        person_id=people.get(event.user_id),
        anonymous_id=event.anonymous_id or None,
        session_id=event.session_id or None,
        item_id=items[event.item_id],
        query_id=UUID(event.query_id) if event.query_id else None,
        surface=event.surface,
        position=event.position,
        value=event.value,
        properties=event.properties,
    )


def _copy(rows: Iterable[EventRow]) -> int:
    count = 0
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for row in rows:
            properties = None if row.properties is None else Jsonb(dict(row.properties))
            copy.write_row((*row[:-1], properties))
            count += 1
    return count
