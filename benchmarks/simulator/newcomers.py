"""How far people get with a category that comes in: they search for it, open of it, like of it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from benchmarks.simulator.compare import MOST_OF_TEN, Floats
from benchmarks.simulator.day import Day


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """By person 1 or 0 (the share of days, of several), (P,) each in the order of names.

    shown: one stood among the first ten of a search. searched: a search was for the category.
    picked: such a search was begun from a recommended query. opened: one was clicked. liked: one
    was taken.
    """

    shown: Floats
    searched: Floats
    picked: Floats
    opened: Floats
    liked: Floats


MET: Mapping[str, Callable[[Met, Floats], float]] = {
    "shown one": lambda met, weights: _share(met.shown, weights),
    "searched for it": lambda met, weights: _share(met.searched, weights),
    "from a recommended query": lambda met, weights: _share(met.picked, weights),
    "opened one": lambda met, weights: _share(met.opened, weights),
    "liked one": lambda met, weights: _share(met.liked, weights),
}


def met(day: Day, ours: Collection[int], external: Collection[str]) -> Met:
    """Of a day; `ours`, `external`: the keys and the names of the items that came in."""
    own = [searches for _, searches in sorted(day.of_person().items())]
    asked = [day.asked[name] for name in sorted(day.asked)]
    kept = set(ours)
    counts = [[(one, len(kept.intersection(one.items))) for one in rows] for rows in own]
    return Met(
        shown=_told(any(n for _, n in rows) for rows in counts),
        searched=_told(any(n >= MOST_OF_TEN for _, n in rows) for rows in counts),
        picked=_told(
            any(n >= MOST_OF_TEN and one.picked_from for one, n in rows) for rows in counts
        ),
        opened=_told(any(kept.intersection(one.chosen) for one in rows) for rows in own),
        liked=_told(any(set(external).intersection(one.taken) for one in rows) for rows in asked),
    )


def over_days(days: Sequence[Met]) -> Met:
    """Of each person the share of the days."""
    return Met(
        **{
            each.name: np.mean([getattr(day, each.name) for day in days], axis=0)
            for each in fields(Met)
        }
    )


def _told(of_people: Iterable[bool]) -> Floats:
    return np.array([float(one) for one in of_people])


def _share(values: Floats, weights: Floats) -> float:
    return float(weights @ values / weights.sum())
