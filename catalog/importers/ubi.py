"""Importing OpenSearch user behaviour insights (UBI): what people searched for and did then.

The file is NDJSON for the _bulk API, queries and events mixed, with or without the action lines.
Queries become answers, events that are about an item become events with the query's `query_id`.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import connection, transaction
from django.utils import timezone

from catalog import values as checked
from catalog.errors import InvalidInput
from catalog.importers.bulk import copy_items
from catalog.importers.files import JSON_LINES, SourceFile, open_source
from catalog.importers.rows import Row, count_rows, read_rows
from catalog.importers.run import Import, ImportReport, Outcome, run_import
from catalog.importers.settle import settle_events
from catalog.importers.tables import prepare_events, write_events
from catalog.models import Answer, Item
from catalog.people import person_ids
from catalog.progress import NO_PROGRESS, Progress
from catalog.types import EventInput, ItemInput
from catalog.validation import read_event

SURFACE = "import:ubi"
BATCH = 5_000
# What UBI clients call what we know. Everything else (filters, sorting, hovering, leaving) is not
# an act on an item, and is counted in the report.
KINDS = {
    "impression": "impression",
    "product_impression": "impression",
    "click": "click",
    "item_click": "click",
    "product_click": "click",
    "result_click": "click",
    "view": "view",
    "item_view": "view",
    "product_view": "view",
    "add_to_cart": "add",
    "purchase": "purchase",
    "buy": "purchase",
    "like": "like",
    "dislike": "dislike",
    "declined_product": "dismiss",
    "dismiss": "dismiss",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UbiQuery:
    """A query as UBI logs it."""

    query_id: str
    time: datetime
    text: str
    user_id: str
    anonymous_id: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UbiEvent:
    """An event about an item, and how the item is described, where it is."""

    event: EventInput
    description: str


def import_ubi(
    *,
    path: str | Path,
    create_items: bool = False,
    progress: Progress = NO_PROGRESS,
    restart: bool = False,
) -> ImportReport:
    """Import queries and events; those of unknown items are listed, or their items are made.

    Args:
        path: the NDJSON file, may be gzipped.
        create_items: make an item of each unknown id, with the event's description as its title.
        progress: told of each batch.
        restart: begin at the first row, even where an earlier run was interrupted.

    Raises:
        InvalidInput: the file cannot be used.
        Conflict: another process imports it.
    """
    source = open_source(path, format=JSON_LINES)
    reader = _Reader(source)
    report = run_import(
        Import(
            kind="catalog.import_ubi",
            source=source.fingerprint() | {"create_items": create_items},
            rows=reader.rows,
            read=reader.read,
            write=lambda batch: _write(batch, create_items=create_items),
            prepare=lambda batch: prepare_events(
                [read.event for read in batch if isinstance(read, UbiEvent)]
            ),
            total=count_rows(source),
            batch_size=BATCH,
            notes=reader.notes,
            settle=settle_events,
        ),
        progress=progress,
        restart=restart,
    )
    _complete_answers()
    return report


def normalized(query: str) -> str:
    """The form in which queries are counted; search.text.normalize_query gives the same."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", query).casefold())
    kept = "".join(
        char if unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "So" else " "
        for char in plain.replace("'", "")
        if not unicodedata.combining(char)
    )
    return " ".join(kept.split())[:300]


class _Reader:
    """Documents of one file, told apart by what is in them."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._ignored: Counter[str] = Counter()
        # Clients count from 0 or from 1: one that ever says 0 counts from 0.
        self._counts_from_zero = {
            str(row.values.get("application"))
            for row in read_rows(source)
            if row.values and _ordinal(row.values) == 0
        }

    def rows(self) -> Iterator[Row]:
        """The documents; an action line gives its `_id` to the document behind it."""
        self._ignored.clear()
        document_id = ""
        for row in read_rows(self._source):
            if row.values is not None:
                action = row.values.get("index") or row.values.get("create")
                if isinstance(action, dict) and "_index" in action:
                    document_id = str(action.get("_id") or "")
                    continue
                name = row.values.get("action_name")
                if name is not None and name not in KINDS:
                    self._ignored[str(name)] += 1
                    document_id = ""
                    continue
                row.values["_id"] = document_id
            document_id = ""
            yield row

    def read(self, document: Mapping[str, Any]) -> UbiQuery | UbiEvent:
        """A query or an event."""
        if "action_name" in document:
            return self._event(document)
        if "user_query" in document:
            return _query(document)
        raise InvalidInput(
            "This is neither a UBI query (user_query) nor a UBI event (action_name).",
            field="action_name",
        )

    def notes(self) -> list[str]:
        """Which acts were passed over."""
        if not self._ignored:
            return []
        told = ", ".join(f"{name} ({count:,})" for name, count in self._ignored.most_common())
        return [f"not about an item, passed over: {told}"]

    def _event(self, document: Mapping[str, Any]) -> UbiEvent:
        known = _part(document, "event_attributes")
        thing = _part(known, "object")
        ordinal = _ordinal(document)
        if ordinal is not None and str(document.get("application")) in self._counts_from_zero:
            ordinal += 1
        event = read_event(
            {
                "kind": KINDS[str(document["action_name"])],
                "item_id": thing.get("object_id"),
                "time": _time(document),
                "user_id": document.get("user_id"),
                "anonymous_id": document.get("client_id"),
                "session_id": document.get("session_id") or known.get("session_id"),
                "query_id": _query_id(document),
                "surface": SURFACE,
                "position": ordinal if ordinal and ordinal > 0 else None,
                "event_id": f"ubi:{document['_id']}"[:100] if document.get("_id") else None,
            },
            now=timezone.now(),
        )
        described = thing.get("description")
        return UbiEvent(event=event, description=described if isinstance(described, str) else "")


def _query(document: Mapping[str, Any]) -> UbiQuery:
    query_id = _query_id(document)
    if not query_id:
        raise InvalidInput("'query_id' is required.", field="query_id")
    return UbiQuery(
        query_id=query_id,
        time=_time(document),
        text=checked.text(document.get("user_query"), field="user_query", limit=500),
        **{
            ours: checked.identifier(document.get(theirs), field=theirs, limit=100, optional=True)
            for ours, theirs in (
                ("user_id", "user_id"),
                ("anonymous_id", "client_id"),
                ("session_id", "session_id"),
            )
        },
    )


def _write(batch: list[tuple[Row, UbiQuery | UbiEvent]], *, create_items: bool) -> Outcome:
    queries = [read for _, read in batch if isinstance(read, UbiQuery)]
    acts = [(row, read) for row, read in batch if isinstance(read, UbiEvent)]
    if create_items:
        _create_missing_items([read for _, read in acts])
    outcome = write_events([(row, read.event) for row, read in acts])
    stored = _write_queries(queries)
    return Outcome(
        created=outcome.created + stored,
        unchanged=outcome.unchanged + len(queries) - stored,
        problems=outcome.problems,
    )


def _write_queries(queries: list[UbiQuery]) -> int:
    people = person_ids(query.user_id for query in queries)
    ids = [query.query_id for query in queries]
    before = Answer.objects.filter(pk__in=ids).count()
    Answer.objects.bulk_create(
        [
            Answer(
                query_id=query.query_id,
                time=query.time,
                kind=Answer.Kind.SEARCH,
                surface=SURFACE,
                person_id=people.get(query.user_id),
                anonymous_id=query.anonymous_id,
                session_id=query.session_id,
                query=query.text,
                normalized_query=normalized(query.text),
                total=1,
            )
            for query in {query.query_id: query for query in queries}.values()
        ],
        ignore_conflicts=True,
    )
    return Answer.objects.filter(pk__in=ids).count() - before


def _create_missing_items(acts: list[UbiEvent]) -> None:
    described = {act.event.item_id: act.description for act in acts}
    known = set(
        Item.objects.filter(external_id__in=described).values_list("external_id", flat=True)
    )
    copy_items(
        items=[
            ItemInput(external_id=item_id, title=" ".join(text.split())[:500] or item_id)
            for item_id, text in described.items()
            if item_id not in known
        ]
    )


def _complete_answers() -> None:
    """What the events tell of the queries: what was shown, and which were only being typed.

    UBI does not say how many items a query found: the number that was shown stands in for it, and
    1 where nothing is known, for 0 would tell that nothing was found.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_SHOWN, [SURFACE, SURFACE])
        cursor.execute(_TYPING, [SURFACE])


_SHOWN = """
    UPDATE catalog_answer answer SET hits = shown.hits, total = shown.total
    FROM (
        SELECT query_id, count(*) AS total, jsonb_agg(
                   jsonb_build_object('item', item_id, 'position', position, 'source', 'import')
                   ORDER BY position) AS hits
        FROM (SELECT DISTINCT ON (query_id, item_id) query_id, item_id, position
              FROM catalog_event
              WHERE surface = %s AND kind = 9 AND query_id IS NOT NULL AND position IS NOT NULL
              ORDER BY query_id, item_id, position) seen
        GROUP BY query_id) shown
    WHERE answer.query_id = shown.query_id AND answer.surface = %s
"""
# "g", "go", "gol" within seconds of "gold" by the same visitor: prefixes of one query.
_TYPING = """
    UPDATE catalog_answer answer SET is_typing = true
    FROM (
        SELECT query_id, normalized_query, time,
               lead(normalized_query) OVER visitor AS next_query,
               lead(time) OVER visitor AS next_time
        FROM catalog_answer WHERE surface = %s AND anonymous_id <> ''
        WINDOW visitor AS (PARTITION BY anonymous_id ORDER BY time, query_id)) typed
    WHERE answer.query_id = typed.query_id AND NOT answer.is_typing
      AND typed.next_query <> typed.normalized_query
      AND starts_with(typed.next_query, typed.normalized_query)
      AND typed.next_time - typed.time < interval '5 seconds'
"""


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _ordinal(document: Mapping[str, Any]) -> int | None:
    ordinal = _part(_part(document, "event_attributes"), "position").get("ordinal")
    return ordinal if isinstance(ordinal, int) and not isinstance(ordinal, bool) else None


def _time(document: Mapping[str, Any]) -> datetime:
    time = checked.moment(document.get("timestamp"), field="timestamp")
    if time is None:
        raise InvalidInput("'timestamp' is required.", field="timestamp")
    return time


def _query_id(document: Mapping[str, Any]) -> str:
    """UBI asks for a UUID and takes any text: other text gets a UUID of its own."""
    given = checked.identifier(document.get("query_id"), field="query_id", limit=200, optional=True)
    try:
        return str(UUID(given)) if given else ""
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"ubi:{given}"))
