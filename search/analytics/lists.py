"""What lists of hits led to, by place and by what found the hit; where the time went."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.analytics.scope import Scope
from search.analytics.statements import rows
from search.reports import Share

PLACES = 20

# A hit counts once in each list, however often it was clicked. What is related stands outside the
# places, which count hits.
SHOWN = f"""
SELECT place, source, count(*) AS shown, count(choices.search) AS clicked,
    count(*) FILTER (WHERE is_taken) AS taken
FROM (
    SELECT searches.query_id, hit.item, coalesce(hit.source, '') AS source,
        CASE WHEN coalesce(hit.source, '') <> 'related' AND hit.position <= {PLACES}
             THEN hit.position END AS place
    FROM searches
    JOIN catalog_answer AS answer USING (query_id)
    CROSS JOIN LATERAL jsonb_to_recordset(answer.hits)
        AS hit (item bigint, position int, source text)
) AS listed
LEFT JOIN choices ON choices.search = query_id AND item_id = item
GROUP BY GROUPING SETS ((place), (source)) ORDER BY place, shown DESC, source"""  # noqa: S608  constants only
STAGES = """
SELECT stage, count(*) AS answers,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms::float8) AS ms
FROM searches
JOIN catalog_answer AS answer USING (query_id)
CROSS JOIN LATERAL jsonb_each_text(answer.stages) AS spent (stage, ms)
GROUP BY stage ORDER BY ms DESC, stage"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Hits at a place, or of a source: how many were shown, and which part clicked and taken."""

    name: str
    shown: int
    clicked: Share
    taken: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of search: in how many answers, and what half, 95 % and 99 % took at most."""

    name: str
    answers: int
    latency_ms: tuple[float, float, float]


def by_position(scope: Scope) -> list[Shown]:
    """Places 1 to PLACES of first pages, of the newest MOST_LISTS searches; those that occur."""
    return [_shown(row, str(row["place"])) for row in _rows(scope) if row["place"] is not None]


def by_source(scope: Scope) -> list[Shown]:
    """Hits by what found them ("lexical", "dense", ...), the most shown first."""
    return [_shown(row, row["source"]) for row in _rows(scope) if row["source"] is not None]


def by_stage(scope: Scope) -> list[Stage]:
    """Stages of the newest MOST_LISTS searches, the slowest first."""
    return [
        Stage(name=row["stage"], answers=row["answers"], latency_ms=tuple(row["ms"]))
        for row in rows(STAGES, scope, is_newest=True)
    ]


def _rows(scope: Scope) -> list[dict[str, Any]]:
    return rows(SHOWN, scope, is_newest=True)


def _shown(row: Mapping[str, Any], name: str) -> Shown:
    clicked, taken = (Share(part=row[part], whole=row["shown"]) for part in ("clicked", "taken"))
    return Shown(name=name, shown=row["shown"], clicked=clicked, taken=taken)
