"""Searches that were asked again in other words because the first answer did not help."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from rapidfuzz.distance import OSA

from search.analytics.scope import Scope
from search.analytics.statements import rows
from search.tsquery import FILLERS

# Errors by hand: of a short word one, of a longer one two.
SHORT_LETTERS = 5
MOST_PAIRS = 100_000

# Neighbours in time of one viewer, the first without a click; whether the second says the first in
# other words is decided in Python.
BY_DAY = """
SELECT day, normalized_query AS first, then_query, count(*) AS times
FROM searches LEFT JOIN led ON led.search = query_id
WHERE is_anew AND led.search IS NULL GROUP BY 1, 2, 3"""
PAIRS = """
SELECT normalized_query AS normalized, then_query AS then_normalized,
    mode() WITHIN GROUP (ORDER BY query) AS text,
    mode() WITHIN GROUP (ORDER BY then_text) AS then_text,
    count(*) AS times, count(DISTINCT viewer) AS people,
    count(*) FILTER (WHERE total = 0) AS first_found_nothing,
    count(*) FILTER (WHERE then_total > 0) AS then_found
FROM searches LEFT JOIN led ON led.search = query_id
WHERE is_anew AND led.search IS NULL GROUP BY 1, 2
HAVING count(DISTINCT viewer) >= {people}
ORDER BY people DESC, times DESC, 1, 2 LIMIT {pairs}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reformulation:
    """Two queries in a row. `first_found_nothing`, `then_found`: how many of `times`."""

    normalized: str
    text: str
    then_normalized: str
    then_text: str
    times: int
    people: int
    first_found_nothing: int
    then_found: int


def select(people: int = 1) -> str:
    """Pairs that at least so many people made, before they are judged."""
    return PAIRS.format(people=int(people), pairs=MOST_PAIRS)


def reformulations(scope: Scope, *, limit: int = 50, people: int = 1) -> list[Reformulation]:
    """Pairs that at least so many people made, those of most people first."""
    found = (Reformulation(**row) for row in rows(select(people), scope))
    return list(
        islice((one for one in found if is_same_need(one.normalized, one.then_normalized)), limit)
    )


def counts_by_day(pairs: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many searches of each day were asked anew, from the rows of BY_DAY."""
    counts: Counter[str] = Counter()
    for pair in pairs:
        if is_same_need(pair["first"], pair["then_query"]):
            counts[pair["day"]] += pair["times"]
    return counts


@lru_cache(maxsize=100_000)
def is_same_need(first: str, then: str) -> bool:
    """Whether a normalized query says another in other words or other letters.

    They share a word that carries meaning, or differ by a slip of the hand.
    """
    if set(first.split()) & set(then.split()) - FILLERS:
        return True
    slips = 1 if min(len(first), len(then)) <= SHORT_LETTERS else 2
    return OSA.distance(first, then, score_cutoff=slips) <= slips
