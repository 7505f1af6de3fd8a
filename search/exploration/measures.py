"""The numbers of exploration, from finished searches: pure, with intervals by person."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from search.exploration.gini import gini
from search.exploration.log import Search

Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A part of a whole, summed over people; the interval is that of people drawn anew.

    A person's searches are alike, so the person is the unit: the ratio estimator's variance
    (Cochran, "Sampling Techniques", 1977, 6.4), in which searches of nobody are a person each.
    """

    part: float
    whole: float
    people: int
    error: float

    @property
    def value(self) -> float:
        """Part divided by whole, 0 where nothing was counted."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 95 %; anything where fewer than two people were counted."""
        if self.people < 2:
            return 0.0, math.inf
        return max(0.0, self.value - Z * self.error), self.value + Z * self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """How much people explore.

    exploratory: share of finished searches. reach: share of people who attended to a category that
    was new to them. words: mean length of a query; longest: mean over people of their longest;
    longest_of_all: the longest. downstream: exploratory searches after which an item was taken.
    success: searches after which an act says that an item was wanted, the guardrail. known_success:
    the same of searches that are not exploratory. gini: of the first ten places over all items.
    shown: items that were among them at all.
    """

    searches: int
    people: int
    exploratory: Ratio
    reach: Ratio
    words: Ratio
    longest: Ratio
    longest_of_all: int
    downstream: Ratio
    success: Ratio
    known_success: Ratio
    gini: float
    shown: int
    items: int


def measure(searches: Sequence[Search], *, items: int) -> Exploration:
    """The numbers of some searches, in a catalog of so many visible items."""
    exploring = [one for one in searches if one.is_exploratory]
    known = [one for one in searches if not one.is_exploratory]
    by_person = _by_person(one for one in searches if one.viewer)
    counts: dict[int, int] = defaultdict(int)
    for one in searches:
        for item in one.items:
            counts[item] += 1
    # Hidden since, an item was shown and is counted no more: then the catalog is at least so large.
    whole = max(items, len(counts))
    return Exploration(
        searches=len(searches),
        people=len(by_person),
        exploratory=share(searches, lambda one: one.is_exploratory),
        reach=ratio([(float(any(s.new_categories for s in own)), 1.0) for own in by_person]),
        words=share(searches, lambda one: one.words),
        longest=ratio([(float(max(one.words for one in own)), 1.0) for own in by_person]),
        longest_of_all=max((one.words for one in searches), default=0),
        downstream=share(exploring, lambda one: one.is_taken),
        success=share(searches, lambda one: one.is_wanted),
        known_success=share(known, lambda one: one.is_wanted),
        gini=gini(counts.values(), items=whole),
        shown=len(counts),
        items=items,
    )


def share(searches: Iterable[Search], part: Callable[[Search], float]) -> Ratio:
    """The mean of something over searches, with its interval by person."""
    return ratio(
        [(sum(float(part(one)) for one in own), float(len(own))) for own in _clusters(searches)]
    )


def ratio(clusters: Sequence[tuple[float, float]]) -> Ratio:
    """Of (part, whole) of each person."""
    part, whole, n = sum(p for p, _ in clusters), sum(w for _, w in clusters), len(clusters)
    value = part / whole if whole else 0.0
    spread = sum((p - value * w) ** 2 for p, w in clusters)
    error = math.sqrt(n / (n - 1) * spread) / whole if n > 1 and whole else 0.0
    return Ratio(part=part, whole=whole, people=n, error=error)


def by_day(searches: Sequence[Search], *, items: int) -> dict[str, Exploration]:
    """The numbers of each day that has searches, oldest first."""
    days: dict[str, list[Search]] = defaultdict(list)
    for one in searches:
        days[one.day].append(one)
    return {day: measure(days[day], items=items) for day in sorted(days)}


def _by_person(searches: Iterable[Search]) -> list[list[Search]]:
    found: dict[str, list[Search]] = defaultdict(list)
    for one in searches:
        found[one.viewer].append(one)
    return list(found.values())


def _clusters(searches: Iterable[Search]) -> list[list[Search]]:
    every = list(searches)
    nobody = [[one] for one in every if not one.viewer]
    return [*_by_person(one for one in every if one.viewer), *nobody]
