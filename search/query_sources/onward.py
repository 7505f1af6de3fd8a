"""Where people went on to from here: the next search of several people, and near neighbours.

A link says that at least settings.SEARCH_MIN_PEOPLE_PER_QUERY people searched the second query
next, within SESSION_MINUTES, without having picked it from a recommendation. Links hold words that
as many people typed and nothing of who they are. Neighbours are queries that lie near the typed one
in the graph of queries and chosen items that the unified model has. Either only points: what is
shown is in the store, reviewed and answered.
"""

from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import connection

from search.query_sources.log import LOG_DAYS
from search.text import normalize_query
from search.typed import FINISHED, TYPED

if TYPE_CHECKING:
    from recs.ml.unified.served import ServedUnified

NAME = "onward"
SESSION_MINUTES = 30
MOST_LINKS = 20
MOST_NEIGHBOURS = 20
# Below that two queries have hardly a chosen item in common.
LEAST_NEARNESS = 0.5
LINKS = f"""
    WITH typed AS ({TYPED} AND time > now() - make_interval(days => %(days)s)),
    finished AS ({FINISHED}),
    went AS (
        SELECT normalized_query AS query, viewer, time,
               lead(normalized_query) OVER later AS next, lead(time) OVER later AS next_at,
               lead(picked_from) OVER later AS picked
        FROM finished WHERE viewer IS NOT NULL
        WINDOW later AS (PARTITION BY viewer ORDER BY time, query_id)
    ), people AS (SELECT query, count(DISTINCT viewer) AS n FROM went GROUP BY query)
    INSERT INTO search_onwardlink (query, next, people, share)
    SELECT went.query, went.next, count(DISTINCT viewer), count(DISTINCT viewer)::float8 / people.n
    FROM went JOIN people USING (query)
    WHERE next <> went.query AND picked = ''
      AND next_at - time <= make_interval(mins => {SESSION_MINUTES})
    GROUP BY went.query, went.next, people.n
    HAVING count(DISTINCT viewer) >= %(least)s"""  # noqa: S608  constants only


class GoneOn:
    """What people went on to; only online, from links that are counted in the background."""

    name = NAME

    def candidates(self, profile: object) -> tuple[()]:
        """Nothing: it points at what other sources have."""
        return ()


def build_links() -> int:
    """Count anew who went on where; how many links there are. Within the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_onwardlink")
        cursor.execute(LINKS, {"days": LOG_DAYS, "least": settings.SEARCH_MIN_PEOPLE_PER_QUERY})
        return int(cursor.rowcount)


def neighbours(model: "ServedUnified", normalized: str) -> dict[str, float]:
    """Normal forms of the queries nearest to this one by what was chosen for them, 0 to 1."""
    row = model.query_row(normalized)
    if not row or not model.query_graph.shape[1]:
        return {}
    table = model.query_graph
    lengths = np.linalg.norm(table, axis=1)
    cosines = table @ table[row] / np.maximum(lengths * lengths[row], 1e-9)
    cosines[[0, row]] = 0.0
    count = min(MOST_NEIGHBOURS, len(cosines))
    best = set(np.argpartition(-cosines, count - 1)[:count].tolist())
    return {
        normalize_query(words): round(float(cosines[place]), 4)
        for words, place in model.queries.items()
        if place in best and cosines[place] >= LEAST_NEARNESS
    }
