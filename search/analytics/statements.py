"""The log of answers joined to the events that followed: what every number is counted from.

A search is a finished query of search.typed: submitted, or the last of its typing chain and judged
finished. Whoever is nobody has no chain, so of theirs only what was submitted counts. What followed
is what the same viewer did within FOLLOWS of it, with the search's `query_id` or with that of one
of its further pages.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.cache import cache
from django.db import connection

from catalog.event_kinds import LEAST_GOOD_RATING, WANTED, EventKind
from search import reports
from search.analytics.scope import Scope
from search.typed import ENDED, IS_LIKELY, TYPED

# The item was looked at or taken: more than having seen its name.
ATTENDED = (EventKind.VIEW, *WANTED, EventKind.RATING)
# A conversion: a click asks what the item is, these say that it was the right one.
TAKEN = tuple(kind for kind in WANTED if kind != EventKind.CLICK)
# What is done on another day was hardly found by this search.
FOLLOWS = "interval '1 day'"
# Callers' clocks may be behind ours.
EARLY = "interval '5 minutes'"
# Longer than reading a page of hits takes, shorter than a visit: later on people come with another
# need, and words shared with an earlier one say nothing about it.
ANEW_MINUTES = 5
# Rows before and after the period that say how its first and last chains go on.
MARGIN = "interval '10 minutes'"
# Turning the page takes less.
FURTHER = "interval '1 hour'"
# Lists that are read hit by hit: the newest of the period. As many give narrow intervals.
MOST_LISTS = 20_000

# {segment}: a condition. {newest}: which of the searches, where not all.
SEARCHES = f"""
WITH typed AS (
    {TYPED} AND time >= %(start)s - {MARGIN} AND time < %(end)s + {MARGIN}
), finished AS (
    SELECT query_id, time, viewer, person_id, anonymous_id, surface, query, normalized_query,
        picked_from, total, latency_ms, model_version
    FROM ({ENDED}) AS ended
    WHERE (viewer IS NOT NULL OR NOT is_typing) AND {IS_LIKELY}
), asked AS (
    SELECT *, lead(query) OVER later AS then_text, lead(normalized_query) OVER later AS then_query,
        lead(time) OVER later AS then_time, lead(picked_from) OVER later AS then_picked,
        lead(total) OVER later AS then_total
    FROM finished WINDOW later AS (PARTITION BY viewer ORDER BY time, query_id)
), searches AS MATERIALIZED (
    SELECT *, viewer IS NOT NULL AND then_query <> normalized_query AND then_picked = ''
        AND then_time - time <= interval '{ANEW_MINUTES} minutes' AS is_anew,
        to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
    FROM asked
    WHERE time >= %(start)s AND time < %(end)s AND {{segment}} {{newest}}
)"""  # noqa: S608  constants only
# `place`: the event's, else that of the item among the hits; NULL for what is related only.
# A search by nobody is followed by whoever carries its query_id.
FOLLOWED = f""", pages AS (
    SELECT query_id AS search, query_id AS list FROM searches
    UNION ALL
    SELECT * FROM (
        SELECT DISTINCT ON (further.query_id) searches.query_id, further.query_id AS list
        FROM (
            SELECT query_id, time, normalized_query,
                coalesce('p' || person_id, 'a' || nullif(anonymous_id, '')) AS viewer
            FROM catalog_answer
            WHERE kind = 'search' AND page > 1 AND normalized_query <> ''
              AND time >= %(start)s AND time < %(end)s + {FURTHER}
        ) AS further
        JOIN searches USING (viewer, normalized_query)
        WHERE further.time >= searches.time AND further.time < searches.time + {FURTHER}
        ORDER BY further.query_id, searches.time DESC
    ) AS turned
), acts AS MATERIALIZED (
    SELECT search, event.id, event.time, event.item_id, event.surface, event.position, list,
        coalesce('p' || event.person_id, 'a' || event.anonymous_id) AS actor,
        event.kind = ANY(%(taken)s)
            OR event.kind = %(rating)s AND coalesce(event.value >= %(good)s, false) AS is_taken
    FROM pages
    JOIN searches ON searches.query_id = search
    JOIN catalog_event AS event ON event.query_id = list
    WHERE event.time >= %(start)s - {EARLY} AND event.time < %(end)s + {FOLLOWS}
      AND event.kind = ANY(%(attended)s)
      AND event.time >= searches.time - {EARLY} AND event.time < searches.time + {FOLLOWS}
      AND CASE WHEN viewer IS NULL THEN true
               WHEN searches.person_id IS NOT NULL AND event.person_id IS NOT NULL
               THEN searches.person_id = event.person_id
               ELSE searches.anonymous_id <> '' AND searches.anonymous_id = event.anonymous_id END
), later AS (
    SELECT DISTINCT ON (event.id) search, acts.item_id
    FROM acts
    JOIN catalog_event AS event ON event.item_id = acts.item_id
        AND coalesce('p' || event.person_id, 'a' || event.anonymous_id) = actor
    WHERE event.query_id IS NULL
      AND event.time >= %(start)s - {EARLY} AND event.time < %(end)s + 2 * {FOLLOWS}
      AND (event.kind = ANY(%(taken)s) OR event.kind = %(rating)s AND event.value >= %(good)s)
      AND event.time >= acts.time AND event.time < acts.time + {FOLLOWS}
    ORDER BY event.id, acts.time DESC
), choices AS (
    SELECT search, item_id, bool_or(is_taken) AS is_taken FROM (
        SELECT search, item_id, is_taken FROM acts
        UNION ALL SELECT search, item_id, true FROM later
    ) AS every GROUP BY search, item_id
), firsts AS (
    SELECT DISTINCT ON (search) search, CASE
        WHEN surface = 'related' THEN NULL
        WHEN position IS NOT NULL THEN position
        ELSE (
            SELECT (hit ->> 'position')::int
            FROM catalog_answer AS answer, jsonb_array_elements(answer.hits) AS hit
            WHERE answer.query_id = list AND hit ->> 'item' = acts.item_id::text
              AND coalesce(hit ->> 'source', '') <> 'related'
            LIMIT 1
        ) END AS place
    FROM acts ORDER BY search, time, id
), led AS (
    SELECT search, bool_or(is_taken) AS is_taken, max(place) AS place
    FROM choices JOIN firsts USING (search) GROUP BY search
)"""  # noqa: S608  constants only


NEWEST = f"ORDER BY time DESC, query_id LIMIT {MOST_LISTS}"


def rows(select: str, scope: Scope, *, is_newest: bool = False) -> list[dict[str, Any]]:
    """What a select over `searches`, `choices` and `led` gives, read at most every half minute.

    Args:
        select: its columns have names, and become JSON.
        scope: whose searches.
        is_newest: only the newest MOST_LISTS.
    """
    return tables([select], scope, is_newest=is_newest)[0]


def tables(
    selects: Sequence[str], scope: Scope, *, is_newest: bool = False
) -> list[list[dict[str, Any]]]:
    """What several selects give; those that were not read just now share one pass over the log."""
    keys = [_key(select, scope, is_newest) for select in selects]
    known: dict[str, list[dict[str, Any]]] = cache.get_many(keys)
    missing = {key: select for key, select in zip(keys, selects, strict=True) if key not in known}
    if missing:
        found = dict(zip(missing, _read(list(missing.values()), scope, is_newest), strict=True))
        for key, told in found.items():  # one by one, which a cache that is away forgives
            cache.set(key, told, reports.CACHE_SECONDS)
        known |= found
    return [known[key] for key in keys]


def _key(select: str, scope: Scope, is_newest: bool) -> str:
    asked = "\n".join([scope.period.key, scope.segment.key, str(is_newest), select])
    return f"reports:analytics:{hashlib.sha256(asked.encode()).hexdigest()[:32]}"


def _read(selects: Sequence[str], scope: Scope, is_newest: bool) -> Iterator[list[dict[str, Any]]]:
    columns = ", ".join(
        f"(SELECT coalesce(json_agg(told), '[]')::text FROM ({select}) AS told)"  # noqa: S608  our own text
        for select in selects
    )
    log = f"{SEARCHES}{FOLLOWED}".format(
        segment=scope.segment.condition, newest=NEWEST if is_newest else ""
    )
    params: dict[str, Any] = {
        "start": scope.period.start,
        "end": scope.period.end,
        "attended": [int(kind) for kind in ATTENDED],
        "taken": [int(kind) for kind in TAKEN],
        "rating": int(EventKind.RATING),
        "good": LEAST_GOOD_RATING,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"{log} SELECT {columns}", params)
        return map(json.loads, cursor.fetchone())
