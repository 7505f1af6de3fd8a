"""Queries worth a look: asked most, found nothing, never clicked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.analytics.scope import Scope
from search.analytics.statements import rows
from search.reports import Share

# One person who clicks nothing may have been called away.
SEVERAL = 2

# Texts as most people typed them.
GROUPED = """
SELECT normalized_query AS normalized, mode() WITHIN GROUP (ORDER BY query) AS text,
    count(*) AS searches, count(DISTINCT viewer) AS people,
    count(*) FILTER (WHERE total = 0) AS no_results, count(led.search) AS clicked,
    count(*) FILTER (WHERE led.is_taken) AS taken,
    coalesce(avg(1.0 / place), 0)::float8 AS reciprocal_rank,
    (array_agg(total ORDER BY time DESC, query_id))[1] AS found,
    to_char(max(time) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_seen
FROM searches LEFT JOIN led ON led.search = query_id
WHERE {which} GROUP BY normalized_query
HAVING count(DISTINCT viewer) >= {people} AND {kept}
ORDER BY people DESC, searches DESC, 1 LIMIT {limit}"""
# Which of the searches are counted, and which of the queries are kept.
KINDS = {
    "top": ("TRUE", "TRUE"),
    "no_results": ("total = 0", "TRUE"),
    "no_clicks": ("total > 0", "count(led.search) = 0"),
}
SHARES = ("no_results", "clicked", "taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryNumbers:
    """One query, of those of its searches that count: `found` items the last time.

    last_seen: ISO, UTC. Shares and ranks as in overview.Numbers.
    """

    normalized: str
    text: str
    searches: int
    people: int
    no_results: Share
    clicked: Share
    taken: Share
    reciprocal_rank: float
    found: int
    last_seen: str


def select(kind: str, *, limit: int, people: int = 0) -> str:
    """The statement behind a kind of queries that at least so many people asked."""
    which, kept = KINDS[kind]
    least = max(people, SEVERAL) if kind == "no_clicks" else people
    return GROUPED.format(which=which, kept=kept, people=int(least), limit=int(limit))


def top_queries(scope: Scope, *, limit: int = 50, people: int = 0) -> list[QueryNumbers]:
    """The queries that most people asked."""
    return _queries("top", scope, limit, people)


def no_result_queries(scope: Scope, *, limit: int = 50, people: int = 0) -> list[QueryNumbers]:
    """What found nothing; searches of the same query that found something are not counted."""
    return _queries("no_results", scope, limit, people)


def no_click_queries(scope: Scope, *, limit: int = 50, people: int = 0) -> list[QueryNumbers]:
    """What found something, of which none of several people clicked anything."""
    return _queries("no_clicks", scope, limit, people)


def _queries(kind: str, scope: Scope, limit: int, people: int) -> list[QueryNumbers]:
    return [_of(row) for row in rows(select(kind, limit=limit, people=people), scope)]


def _of(row: Mapping[str, Any]) -> QueryNumbers:
    shares = {name: Share(part=row[name], whole=row["searches"]) for name in SHARES}
    return QueryNumbers(**{**row, **shares})
