"""When queries are recommended, how many, and where: one rule for every page.

    exact       the query is the title of one thing: none
    typing      somebody is still typing: few
    poor        few hits, or none that holds the words: many
    broad       a great many hits, or hits that lie over many categories and share none: many
    plain       what was asked for is there: some
    start, item no query yet, or an item's page: "searches from here", below the item

How many is learned where there is a log (`learned_counts`): as many as the places at which a
recommended query still led to something at least LEAST_WORTH times as often as a usual one does,
each place's rate drawn towards the usual one by PRIOR showings. Else it is DEFAULTS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EXACT, TYPING, POOR, BROAD, PLAIN = "exact", "typing", "poor", "broad", "plain"
START, ITEM, UNKNOWN = "start", "item", "unknown"
SITUATIONS = (TYPING, POOR, BROAD, PLAIN)
DEFAULTS: Mapping[str, int] = {
    EXACT: 0, TYPING: 6, POOR: 8, BROAD: 8, PLAIN: 6, START: 8, ITEM: 8, UNKNOWN: 8,
}  # fmt: skip
FEWEST, MOST = 2, 8
# A list of that many hits is read to its end.
FEW_HITS = 5
# Below that chance of being chosen the best hit of the unified model is no good one.
POOR_CHANCE = 0.01
# Hits of a query that names one thing lie in few categories.
BROAD_FROM = 0.75
LEAST_CATEGORIES = 3
# Whatever else they are, most of these hits are of one category.
SHARED_FROM = 0.6
# What finds that many things names a region of the catalog.
MANY_HITS = 100
# Counting is not concluding: below that many lists of a situation the default stays.
LEAST_LISTS = 100
PRIOR = 200.0
LEAST_WORTH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is known of a page before queries are chosen.

    `surface`: "search", "start" or "item"; "" where the caller says nothing of the page. `hits`:
    how many things were found. `holds_words`: the best hit has the words, not their meaning alone.
    `best_chance`: the unified model's for the first hit, None without it. `breadth`: entropy of the
    hits' categories, 0 to 1; `categories`: how many they are; `shared`: the share of the hits that
    have the one which most have.
    """

    surface: str = ""
    exact_title: bool = False
    is_typing: bool = False
    hits: int = 0
    holds_words: bool = True
    best_chance: float | None = None
    breadth: float = 0.0
    categories: int = 0
    shared: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How many queries at most, "above" the hits or "below" the item, in which situation."""

    count: int
    where: str
    situation: str


def situation_of(signals: Signals) -> str:
    """The first situation of the head of this file that holds."""
    is_spread = signals.breadth >= BROAD_FROM and signals.categories >= LEAST_CATEGORIES
    is_broad = signals.hits >= MANY_HITS or (is_spread and signals.shared < SHARED_FROM)
    holds = (
        (EXACT, signals.exact_title),
        (START, signals.surface == START),
        (ITEM, signals.surface == ITEM),
        (UNKNOWN, not signals.surface),
        (POOR, is_poor(signals)),
        (TYPING, signals.is_typing),
        (BROAD, is_broad),
    )
    return next((name for name, is_so in holds if is_so), PLAIN)


def is_poor(signals: Signals) -> bool:
    """Whether what was found is little, or little of what was asked."""
    return (
        signals.hits < FEW_HITS
        or not signals.holds_words
        or (signals.best_chance is not None and signals.best_chance < POOR_CHANCE)
    )


def place(signals: Signals, learned: Mapping[str, int] | None = None) -> Placement:
    """The rule.

    Args:
        signals: see its fields.
        learned: how many in each situation, where a version has learned it.
    """
    situation = situation_of(signals)
    count = DEFAULTS[situation]
    if learned and situation in SITUATIONS and situation in learned:
        count = max(FEWEST, min(MOST, int(learned[situation])))
    # An item's page is about the item; a list has no end below which anything would be seen.
    where = "below" if situation == ITEM else "above"
    return Placement(count=count, where=where, situation=situation)


def learned_counts(
    situations: Sequence[str], places: npt.NDArray[np.int64], good: npt.NDArray[np.float64]
) -> dict[str, int]:
    """How many queries are worth showing in each situation that was met often enough.

    Args:
        situations: (R,) of each shown query.
        places: (R,) from 1.
        good: (R,) 1 where what was wanted followed.
    """
    if not len(places) or not good.any():
        return {}
    usual = float(good.mean())
    named = np.array(situations)
    counts = {}
    for situation in SITUATIONS:
        of_it = named == situation
        if (of_it & (places == 1)).sum() < LEAST_LISTS:
            continue
        worth = [
            (float(good[at].sum()) + PRIOR * usual) / (int(at.sum()) + PRIOR)
            for at in (of_it & (places == n) for n in range(1, MOST + 1))
        ]
        enough = [n for n, rate in enumerate(worth, start=1) if rate >= LEAST_WORTH * usual]
        counts[situation] = max(FEWEST, max(enough, default=FEWEST))
    return counts
