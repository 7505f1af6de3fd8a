"""Bulk writes: COPY into a temporary table, then one statement into the real one.

A batch of thousands of rows costs a handful of statements. Each call is one transaction and safe
to repeat: rows that did not change are left alone, events that are stored are not stored again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from catalog.derive import derive
from catalog.event_kinds import EventKind
from catalog.locks import wait_for
from catalog.models import Person
from catalog.partitions import ensure_partitions
from catalog.people import person_ids
from catalog.types import EventInput, ItemInput

Columns = tuple[Any, ...]

ITEM_BATCH = 2_000
EVENT_BATCH = 10_000
# Two imports of the same events at the same time must not both find them missing.
EVENT_LOCK_SPACE = 7_140_331

_ITEM_COLUMNS = {
    "external_id": "text",
    "title": "text",
    "description": "text",
    "category_paths": "text[]",
    "creators": "text[]",
    "attributes": "jsonb",
    "image_url": "text",
    "price": "numeric",
    "currency": "text",
    "countries": "text[]",
    "released_on": "date",
    "available_from": "timestamptz",
    "available_until": "timestamptz",
    "is_hidden": "boolean",
    "categories": "text[]",
    "year": "smallint",
    "keywords": "text",
    "content_hash": "text",
}
_EVENT_COLUMNS = {
    "item": "text",
    "person_id": "bigint",
    "time": "timestamptz",
    "kind": "smallint",
    "anonymous_id": "text",
    "session_id": "text",
    "query_id": "uuid",
    "surface": "text",
    "position": "smallint",
    "value": "double precision",
    "properties": "jsonb",
    "event_id": "text",
}


@dataclass(slots=True)
class Counts:
    """What became of the rows of one or more batches."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, other: "Counts") -> None:
        """Count another batch in."""
        mine = zip(astuple(self), astuple(other), strict=True)
        self.created, self.updated, self.unchanged = (a + b for a, b in mine)


def batches(rows: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Lists of at most `size` rows, in order, without holding more than one of them."""
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def copy_items(*, items: Sequence[ItemInput], keep_hidden: bool = True) -> Counts:
    """Create or update the items of one batch; the last of two with one id stands.

    Args:
        items: validated items.
        keep_hidden: the source says nothing of visibility, so what an editor hid stays hidden.
    """
    unique = {item.external_id: item for item in items}
    with transaction.atomic(), connection.cursor() as cursor:
        _begin(cursor, "foray_import_item", _ITEM_COLUMNS)
        rows = [_item_row(item) for item in unique.values()]
        _copy(cursor, "foray_import_item", _ITEM_COLUMNS, rows)
        cursor.execute(_write_items_sql(keep_hidden=keep_hidden))
        created, updated = cursor.fetchone()
    return Counts(created=created, updated=updated, unchanged=len(items) - created - updated)


@dataclass(slots=True, kw_only=True)
class EventCounts:
    """What became of a batch of events; `unknown_items` are positions in the batch."""

    accepted: int
    duplicate: int
    unknown_items: list[int]


def copy_events(*, events: Sequence[EventInput], is_demo: bool = False) -> EventCounts:
    """Store one batch of events, each once, however often it is sent.

    An event with an `event_id` is known by it. One without is the same event when item, person or
    visitor, session, kind, time, query and position are the same.
    """
    positions = {_event_identity(event): n for n, event in reversed(list(enumerate(events)))}
    kept = [events[n] for n in sorted(positions.values())]
    ensure_partitions(event.time for event in kept)
    with transaction.atomic(), connection.cursor() as cursor:
        wait_for(EVENT_LOCK_SPACE)
        _begin(cursor, "foray_import_event", _EVENT_COLUMNS)
        people = person_ids({event.user_id for event in kept if event.user_id})
        if is_demo:
            Person.objects.filter(pk__in=people.values(), is_demo=False).update(is_demo=True)
        rows = [_event_row(event, people) for event in kept]
        _copy(cursor, "foray_import_event", _EVENT_COLUMNS, rows)
        unknown = _unknown_items(cursor)
        bounds = [min(e.time for e in kept), max(e.time for e in kept)] if kept else [None, None]
        cursor.execute(_WRITE_EVENTS, bounds)
        accepted = cursor.rowcount
    unknown_positions = [n for n, event in enumerate(events) if event.item_id in unknown]
    return EventCounts(
        accepted=accepted,
        duplicate=len(events) - accepted - len(unknown_positions),
        unknown_items=unknown_positions,
    )


def _begin(cursor: Any, table: str, columns: dict[str, str]) -> None:
    definition = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    # A batch may take longer than a request is allowed to.
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute("SET LOCAL client_min_messages = warning")
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} (ordinal integer, {definition}) "
        "ON COMMIT DROP"
    )
    # Batches inside one outer transaction share the table.
    cursor.execute(f"TRUNCATE {table}")


def _copy(
    cursor: Any, table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    with cursor.copy(f"COPY {table} (ordinal, {', '.join(columns)}) FROM STDIN") as copy:
        for ordinal, row in enumerate(rows):
            copy.write_row((ordinal, *row))


def _item_row(item: ItemInput) -> Columns:
    derived = derive(item)
    return (
        item.external_id,
        item.title,
        item.description,
        list(item.category_paths),
        list(item.creators),
        Jsonb(dict(item.attributes)),
        item.image_url,
        item.price,
        item.currency,
        list(item.countries),
        item.released_on,
        item.available_from,
        item.available_until,
        item.is_hidden,
        derived.categories,
        derived.year,
        derived.keywords,
        derived.content_hash,
    )


def _write_items_sql(*, keep_hidden: bool) -> str:
    left = {"external_id", "is_hidden"} if keep_hidden else {"external_id"}
    compared = [column for column in _ITEM_COLUMNS if column not in left]
    columns = ", ".join(_ITEM_COLUMNS)
    old = ", ".join(f"item.{c}" for c in compared)
    new = ", ".join(f"EXCLUDED.{c}" for c in compared)
    # xmax is 0 on a row that this statement inserted, and not on one that it updated.
    return f"""
        WITH written AS (
            INSERT INTO catalog_item AS item ({columns}, created_at, updated_at)
            SELECT {columns}, now(), now() FROM foray_import_item ORDER BY ordinal
            ON CONFLICT (external_id) DO UPDATE
            SET ({", ".join(compared)}, updated_at) = ({new}, now())
            WHERE ({old}) IS DISTINCT FROM ({new})
            RETURNING (xmax = 0) AS is_new)
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written"""  # noqa: S608  our own columns


def _event_identity(event: EventInput) -> Columns:
    if event.event_id:
        return (event.event_id,)
    return (
        event.item_id,
        event.user_id,
        event.anonymous_id,
        event.session_id,
        event.kind,
        event.time,
        event.query_id,
        event.position,
    )


def _event_row(event: EventInput, people: dict[str, int]) -> Columns:
    return (
        event.item_id,
        people.get(event.user_id),
        event.time,
        EventKind[event.kind.upper()].value,
        event.anonymous_id or None,
        event.session_id or None,
        event.query_id or None,
        event.surface,
        event.position,
        event.value,
        Jsonb(dict(event.properties)) if event.properties else None,
        event.event_id or None,
    )


def _unknown_items(cursor: Any) -> set[str]:
    cursor.execute(
        "SELECT DISTINCT given.item FROM foray_import_event given "
        "WHERE NOT EXISTS (SELECT 1 FROM catalog_item WHERE external_id = given.item)"
    )
    return {row[0] for row in cursor.fetchall()}


# The bounds let the planner leave out the partitions that the batch does not touch.
_WRITE_EVENTS = """
    WITH given AS (
        SELECT given.*, item.id AS item_id
        FROM foray_import_event given JOIN catalog_item item ON item.external_id = given.item),
    fresh AS (
        INSERT INTO catalog_eventkey (event_id, received_at)
        SELECT event_id, now() FROM given WHERE event_id IS NOT NULL
        ON CONFLICT DO NOTHING RETURNING event_id)
    INSERT INTO catalog_event (time, kind, person_id, anonymous_id, session_id, item_id, query_id,
                               surface, position, value, properties)
    SELECT time, kind, person_id, anonymous_id, session_id, item_id, query_id, surface, position,
           value, properties
    FROM given
    WHERE event_id IN (SELECT event_id FROM fresh)
       OR event_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM catalog_event stored
            WHERE stored.time BETWEEN %s AND %s
              AND stored.item_id = given.item_id AND stored.time = given.time
              AND stored.kind = given.kind
              AND stored.person_id IS NOT DISTINCT FROM given.person_id
              AND stored.anonymous_id IS NOT DISTINCT FROM given.anonymous_id
              AND stored.session_id IS NOT DISTINCT FROM given.session_id
              AND stored.query_id IS NOT DISTINCT FROM given.query_id
              AND stored.position IS NOT DISTINCT FROM given.position)
    ORDER BY time, ordinal"""
