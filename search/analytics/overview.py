"""How search went: as a whole, day by day, and against the period before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.analytics import anew
from search.analytics.measures import (
    Difference,
    Mean,
    mean_difference,
    share_difference,
)
from search.analytics.scope import Scope
from search.analytics.statements import tables
from search.reports import Share

WHOLE = ""

# With a row for each day, and one (WHOLE) for the whole period.
COUNTED = """
SELECT coalesce(day, '') AS day, count(*) AS searches, count(DISTINCT viewer) AS people,
    count(*) FILTER (WHERE total = 0) AS no_results, count(led.search) AS clicked,
    count(*) FILTER (WHERE led.is_taken) AS taken,
    count(*) FILTER (WHERE picked_from <> '') AS picked,
    count(place) AS places, coalesce(avg(1.0 / place), 0)::float8 AS reciprocal,
    coalesce(stddev_samp(1.0 / place), 0)::float8 AS deviation,
    coalesce(avg(place), 0)::float8 AS rank,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY latency_ms) AS ms
FROM searches LEFT JOIN led ON led.search = query_id
GROUP BY GROUPING SETS ((day), ())"""
SHARES = ("no_results", "clicked", "taken", "picked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Of a day or of a period. `people`: known ones and guests; nobody is none of them.

    no_results: found nothing. clicked: an item was looked at or taken. taken: an item was played,
    liked, added, bought or rated well. picked: begun from a recommended query. anew: asked again in
    other words, without a click. reciprocal_rank: 1 / place of the first click, where there was
    one; `rank` is that place. latency_ms: half, 95 % and 99 % of the answers took no longer.
    """

    searches: int
    people: int
    no_results: Share
    clicked: Share
    taken: Share
    picked: Share
    anew: Share
    reciprocal_rank: Mean
    rank: float
    latency_ms: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A period, the one before it, and the days by their dates ("2026-03-31")."""

    scope: Scope
    totals: Numbers
    before: Numbers
    days: dict[str, Numbers]

    @property
    def differences(self) -> dict[str, Difference | None]:
        """What each share and the reciprocal rank rose by against the period before."""
        now, before = self.totals, self.before
        shares = {
            name: share_difference(getattr(now, name), getattr(before, name))
            for name in (*SHARES, "anew")
        }
        ranks = mean_difference(now.reciprocal_rank, before.reciprocal_rank)
        return {**shares, "reciprocal_rank": ranks}


def overview(scope: Scope) -> Overview:
    """Every day of the period has its numbers, also one without searches."""
    counted, nothing = _numbers(scope), _of({}, 0)
    days = [one.isoformat() for one in scope.period.dates]
    return Overview(
        scope=scope,
        totals=counted[WHOLE],
        before=_numbers(scope.before)[WHOLE],
        days={day: counted.get(day, nothing) for day in days},
    )


def _numbers(scope: Scope) -> dict[str, Numbers]:
    """By day, and of the whole."""
    counted, pairs = tables([COUNTED, anew.BY_DAY], scope)
    again = anew.counts_by_day(pairs)
    again[WHOLE] = again.total()
    return {row["day"]: _of(row, again[row["day"]]) for row in counted}


def _of(row: Mapping[str, Any], again: int) -> Numbers:
    whole = row.get("searches", 0)
    shares = {name: Share(part=row.get(name, 0), whole=whole) for name in SHARES}
    half, most, nearly_all = row.get("ms") or (0.0, 0.0, 0.0)
    return Numbers(
        searches=whole,
        people=row.get("people", 0),
        anew=Share(part=again, whole=whole),
        reciprocal_rank=Mean(
            value=row.get("reciprocal", 0.0),
            deviation=row.get("deviation", 0.0),
            count=row.get("places", 0),
        ),
        rank=row.get("rank", 0.0),
        latency_ms=(half, most, nearly_all),
        **shares,
    )
