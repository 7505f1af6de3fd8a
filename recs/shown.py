"""Answers that led to something: what was shown at which place, and what was taken of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from catalog.event_kinds import WANTED

# Of one answer's hits so many places are read.
DEEPEST = 50
# `about_item` lets "more like this" be learned from; an answer while somebody types is a prefix.
_TAKEN = """
    SELECT CASE WHEN answer.kind = 'search' THEN 'search'
                WHEN answer.about_item IS NOT NULL THEN 'similar'
                ELSE 'home' END,
           answer.person_id, answer.anonymous_id, answer.time, answer.normalized_query,
           answer.about_item,
           ARRAY(SELECT (hit ->> 'item')::bigint FROM jsonb_array_elements(answer.hits) AS hit
                 ORDER BY (hit ->> 'position')::int LIMIT %(deepest)s),
           ARRAY(SELECT (hit ->> 'position')::int FROM jsonb_array_elements(answer.hits) AS hit
                 ORDER BY (hit ->> 'position')::int LIMIT %(deepest)s),
           taken.items
    FROM catalog_answer AS answer
    JOIN (
        SELECT query_id, array_agg(DISTINCT item_id) AS items
        FROM catalog_event
        WHERE query_id IS NOT NULL AND kind = ANY(%(kinds)s)
          AND time >= %(since)s AND time < %(as_of)s
        GROUP BY query_id
    ) AS taken ON taken.query_id = answer.query_id
    WHERE answer.time >= %(since)s AND answer.time < %(as_of)s AND NOT answer.is_typing
      AND (answer.kind = 'recommend' OR answer.normalized_query <> '')
      AND (answer.surface <> 'item' OR answer.about_item IS NOT NULL)
      AND (answer.person_id IS NOT NULL OR answer.anonymous_id <> '')
    ORDER BY answer.time DESC, answer.query_id
    LIMIT %(most)s
"""


class ShownAnswer(NamedTuple):
    """One answer. `surface`: as the unified model calls it. `taken`: keys of items."""

    surface: str
    person_id: int | None
    anonymous_id: str
    time: datetime
    query: str
    about_item: int | None
    items: list[int]
    places: list[int]
    taken: list[int]


def shown_answers(
    *, since: datetime, as_of: datetime, most: int = 100_000
) -> Iterator[ShownAnswer]:
    """Answers of [since, as_of) after which one of their items was wanted, the newest first."""
    params: dict[str, Any] = {
        "since": since,
        "as_of": as_of,
        "kinds": [int(kind) for kind in WANTED],
        "deepest": DEEPEST,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, params)
        while rows := cursor.fetchmany(5_000):
            yield from (ShownAnswer(*row) for row in rows)
