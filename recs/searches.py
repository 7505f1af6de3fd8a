"""Searches after which somebody wanted an item: what was typed, joined to what followed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from catalog.event_kinds import WANTED
from catalog.types import Viewer

# Newest searches of one person that a request reads.
MOST = 50
# A search and its event carry the same query_id; the event says what was chosen and when.
_JOINED = """
    SELECT event.person_id, event.anonymous_id, event.item_id, event.kind, event.time,
           answer.normalized_query
    FROM catalog_event AS event
    JOIN catalog_answer AS answer ON answer.query_id = event.query_id
    WHERE answer.kind = 'search' AND answer.normalized_query <> ''
      AND event.kind = ANY(%(kinds)s) AND event.time < %(as_of)s AND {who}
    ORDER BY event.time DESC, event.id DESC
    LIMIT %(most)s
"""
_KNOWN = "(event.person_id IS NOT NULL OR event.anonymous_id IS NOT NULL)"


class ChosenSearch(NamedTuple):
    """One search that led to an item."""

    person_id: int | None
    anonymous_id: str | None
    item_id: int
    kind: int
    time: datetime
    query: str


def chosen_searches(*, as_of: datetime, most: int = 2_000_000) -> Iterator[ChosenSearch]:
    """Everybody's before a moment, the newest first."""
    return _read(_KNOWN, {}, as_of=as_of, most=most)


def searches_of(viewer: Viewer, *, as_of: datetime | None = None) -> list[ChosenSearch]:
    """The viewer's newest before a moment (now where it is None), the newest last."""
    if viewer.is_nobody:
        return []
    who = "event.person_id = %(person)s" if viewer.person_id else "event.anonymous_id = %(visitor)s"
    params = {"person": viewer.person_id, "visitor": viewer.anonymous_id}
    found = list(_read(who, params, as_of=as_of or timezone.now(), most=MOST))
    return found[::-1]


def _read(
    who: str, params: dict[str, Any], *, as_of: datetime, most: int
) -> Iterator[ChosenSearch]:
    kinds = [int(kind) for kind in WANTED]
    with connection.cursor() as cursor:
        cursor.execute(
            _JOINED.format(who=who), {"kinds": kinds, "as_of": as_of, "most": most, **params}
        )
        while rows := cursor.fetchmany(10_000):
            yield from (ChosenSearch(*row) for row in rows)
