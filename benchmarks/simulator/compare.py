"""Days beside each other: the same people in each, so differences are taken person by person."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.simulator.day import Day
from search.exploration.gini import gini

Floats = npt.NDArray[np.float64]
LEVEL, Z = (2.5, 97.5), 1.96
# A search is for what is not counted (a category that came in) where so many of its first hits are.
MOST_OF_TEN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A day as sums by person, (P,) each in one order; `shown`: (P, N) exposures of items.

    other: searches that are not for items that are left out; all of them where none is.
    """

    searches: Floats
    exploratory: Floats
    wanted: Floats
    own: Floats
    own_wanted: Floats
    known: Floats
    known_wanted: Floats
    other: Floats
    other_wanted: Floats
    explored: Floats
    took: Floats
    reached: Floats
    words: Floats
    longest: Floats
    shown: Floats
    items: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number with the interval that other draws of people would give it."""

    value: float
    low: float
    high: float


def people_of(day: Day, places: dict[int, int], *, only: Collection[str] | None = None) -> People:
    """Sums of each person, in the order of names.

    Args:
        day: the day.
        places: item -> column; items without one are not counted.
        only: what is taken counts where it is among these; all where it is None.
    """
    own = [searches for _, searches in sorted(day.of_person().items())]
    shown = np.zeros((len(own), len(places)))
    for row, searches in enumerate(own):
        for one in searches:
            for item in one.items:
                if item in places:
                    shown[row, places[item]] += 1
    asked = [day.asked[name] for name in sorted(day.asked)]

    def is_other(one: Any) -> bool:
        return sum(item not in places for item in one.items) < MOST_OF_TEN

    return People(
        searches=_sums(own, lambda one: 1),
        exploratory=_sums(own, lambda one: one.is_exploratory),
        wanted=_sums(own, lambda one: one.is_wanted),
        own=_sums(own, lambda one: not one.picked_from),
        own_wanted=_sums(own, lambda one: one.is_wanted and not one.picked_from),
        known=_sums(own, lambda one: not one.is_exploratory),
        known_wanted=_sums(own, lambda one: one.is_wanted and not one.is_exploratory),
        other=_sums(own, is_other),
        other_wanted=_sums(own, lambda one: one.is_wanted and is_other(one)),
        explored=_sums(own, lambda one: one.is_exploratory and one.is_taken),
        took=np.array(
            [
                sum(only is None or item in only for one in rows for item in one.taken)
                for rows in asked
            ],
            dtype=np.float64,
        ),
        reached=np.array([any(one.new_categories for one in rows) for rows in own], np.float64),
        words=_sums(own, lambda one: one.words),
        longest=np.array([max((one.words for one in rows), default=0) for rows in own], np.float64),
        shown=shown,
        items=day.items if only is None else len(only),
    )


# Sums by person, of whatever kind.
Sums = TypeVar("Sums")
# Name -> a number of people with weights (how often each was drawn).
Measure = Callable[[People, Floats], float]
MEASURES: dict[str, Measure] = {
    "exploratory searches a person": lambda p, w: _mean(p.exploratory, w),
    "exploratory share": lambda p, w: _ratio(p.exploratory, p.searches, w),
    "item success": lambda p, w: _ratio(p.wanted, p.searches, w),
    "item success of what they came with": lambda p, w: _ratio(p.own_wanted, p.own, w),
    "item success of searches for one thing": lambda p, w: _ratio(p.known_wanted, p.known, w),
    "successful searches a person": lambda p, w: _mean(p.wanted, w),
    "items taken a person": lambda p, w: _mean(p.took, w),
    "downstream success": lambda p, w: _ratio(p.explored, p.exploratory, w),
    "reach of new categories": lambda p, w: _mean(p.reached, w),
    "words a query": lambda p, w: _ratio(p.words, p.searches, w),
    "longest query of a person": lambda p, w: _mean(p.longest, w),
    "Gini": lambda p, w: gini(
        [int(count) for count in (w @ p.shown)[(w @ p.shown) > 0]], items=p.items
    ),
}


# What is lost elsewhere when a category comes in.
ELSEWHERE: Mapping[str, Measure] = {
    **{name: MEASURES[name] for name in ("item success", "item success of what they came with")},
    "item success of searches for anything else": lambda p, w: _ratio(p.other_wanted, p.other, w),
    **{
        name: MEASURES[name]
        for name in ("successful searches a person", "items taken a person", "Gini")
    },
}


def pooled(days: Sequence[People]) -> People:
    """Several days of the same people as one: what each did in all of them."""
    sums = {
        each.name: sum(getattr(day, each.name) for day in days)
        for each in fields(People)
        if each.name != "items"
    }
    return replace(days[0], **sums)


def number(measure: Callable[[Sums, Floats], float], people: Sums, draws: Floats) -> Number:
    """With its 95 % interval."""
    return _told(lambda weights: measure(people, weights), draws, is_curved=_is_gini(measure))


def difference(
    measure: Callable[[Sums, Floats], float],
    ours: Sums,
    theirs: Sums,
    draws: Floats,
    *,
    relative: bool = False,
) -> Number:
    """What the one has more than the other, the same people drawn for both."""
    return _told(
        lambda weights: _rise(measure, ours, theirs, weights, relative),
        draws,
        is_curved=_is_gini(measure),
    )


def difference_of_changes(
    measure: Callable[[Sums, Floats], float],
    ours: tuple[Sums, Sums],
    theirs: tuple[Sums, Sums],
    draws: Floats,
) -> Number:
    """How much more the one changed than the other; each is (before, after)."""

    def change(pair: tuple[Sums, Sums], weights: Floats) -> float:
        return measure(pair[1], weights) - measure(pair[0], weights)

    return _told(
        lambda weights: change(ours, weights) - change(theirs, weights),
        draws,
        is_curved=_is_gini(measure),
    )


def _told(of: Callable[[Floats], float], draws: Floats, *, is_curved: bool) -> Number:
    """Percentiles over draws of people; where draws are biased, one person left out at a time.

    With fewer different people in a draw than there are, fewer items are shown: the Gini
    coefficient of every draw is above that of all.
    """
    people = draws.shape[1]
    value = of(np.ones(people))
    if not is_curved:
        low, high = np.percentile([of(weights) for weights in draws], LEVEL)
        return Number(value, float(low), float(high))
    left_out = np.array([of(1 - one) for one in np.eye(people)])
    error = np.sqrt((people - 1) / people * np.sum((left_out - left_out.mean()) ** 2))
    return Number(value, float(value - Z * error), float(value + Z * error))


def _is_gini(measure: object) -> bool:
    return measure is MEASURES["Gini"]


def draw(people: int, count: int, seed: int) -> Floats:
    """(count, people): how often each person is in each draw with replacement."""
    random = np.random.default_rng(seed)
    return random.multinomial(people, np.full(people, 1 / people), size=count).astype(np.float64)


def places_of(days: Sequence[Day]) -> dict[int, int]:
    """A column for each item that any of the days showed."""
    return numbered({item for day in days for item in day.exposures()})


def numbered(items: Iterable[int]) -> dict[int, int]:
    """A column for each."""
    return {item: place for place, item in enumerate(sorted(items))}


def _rise(
    measure: Callable[[Sums, Floats], float],
    ours: Sums,
    theirs: Sums,
    weights: Floats,
    relative: bool,
) -> float:
    mine, other = measure(ours, weights), measure(theirs, weights)
    return (mine / other - 1 if other else 0.0) if relative else mine - other


def _sums(own: Sequence[Sequence[object]], of: Callable[..., float]) -> Floats:
    return np.array([sum(float(of(one)) for one in rows) for rows in own], dtype=np.float64)


def _mean(values: Floats, weights: Floats) -> float:
    return float(weights @ values / weights.sum())


def _ratio(part: Floats, whole: Floats, weights: Floats) -> float:
    below = float(weights @ whole)
    return float(weights @ part) / below if below else 0.0
