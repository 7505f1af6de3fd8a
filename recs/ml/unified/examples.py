"""From a log to examples of every surface: who asked what, and what followed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from recs.ml.unified.surfaces import (
    CLICK,
    HOME,
    NOBODY,
    SEARCH,
    SIMILAR,
    WANT,
    Examples,
    Requests,
    SurfaceLog,
    known_then,
)

Ints = npt.NDArray[np.int64]
SmallInts = npt.NDArray[np.int8]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """S searches and what was chosen, (S,) each; `words` and `items` are rows."""

    persons: Ints
    words: Ints
    items: Ints
    days: DoubleFloats
    strengths: SmallInts

    def __len__(self) -> int:
        """S."""
        return len(self.items)

    def select(self, rows: npt.NDArray[np.generic]) -> Self:
        """Those at these places, or those that are marked."""
        return replace(
            self,
            persons=self.persons[rows],
            words=self.words[rows],
            items=self.items[rows],
            days=self.days[rows],
            strengths=self.strengths[rows],
        )

    def __add__(self, other: Self) -> Self:
        """These, then the others."""
        return replace(
            self,
            persons=np.concatenate([self.persons, other.persons]),
            words=np.concatenate([self.words, other.words]),
            items=np.concatenate([self.items, other.items]),
            days=np.concatenate([self.days, other.days]),
            strengths=np.concatenate([self.strengths, other.strengths]),
        )


def search_examples(searches: Searches) -> Examples:
    """One for each item that was chosen."""
    return _examples(
        SEARCH,
        (searches.words, np.zeros(len(searches), np.int64)),
        (searches.persons, searches.days),
        (searches.items, searches.strengths),
    )


def home_examples(log: SurfaceLog) -> Examples:
    """One for each item that somebody wanted: what would home have had to show before?"""
    wanted = log.wanted
    none = np.zeros(len(wanted.items), np.int64)
    strengths = np.full(len(none), WANT, np.int8)
    return _examples(HOME, (none, none), (wanted.owners, wanted.days), (wanted.items, strengths))


def similar_examples(log: SurfaceLog) -> Examples:
    """One for each item that was wanted after another: the newest one known at that moment."""
    wanted = log.wanted
    owners = wanted.owners
    known = known_then(wanted, owners, wanted.days)
    later = np.flatnonzero(known > 0)
    sources = wanted.items[wanted.offsets[owners[later]] + known[later] - 1]
    differ = sources != wanted.items[later]
    later, sources = later[differ], sources[differ]
    strengths = np.full(len(later), WANT, np.int8)
    return _examples(
        SIMILAR,
        (np.zeros(len(later), np.int64), sources),
        (owners[later], wanted.days[later]),
        (wanted.items[later], strengths),
    )


def made_examples(words: Sequence[Sequence[int]], day: float) -> Examples:
    """Searches that nobody asked, from what is stated of items.

    Args:
        words: for each item, from row 1 on, the rows of words that ought to find it.
        day: when they are said to have been asked: before everything.
    """
    lengths = [len(rows) for rows in words]
    items = np.repeat(np.arange(1, len(words) + 1), lengths)
    rows = np.fromiter((row for listed in words for row in listed), np.int64, sum(lengths))
    made = _examples(
        SEARCH,
        (rows, np.zeros(len(rows), np.int64)),
        (np.full(len(rows), NOBODY, np.int64), np.full(len(rows), day)),
        (items, np.full(len(rows), CLICK, np.int8)),
    )
    return replace(made, made=np.ones(len(rows), np.bool_))


def _examples(
    task: int,
    asked: tuple[Ints, Ints],
    who: tuple[Ints, DoubleFloats],
    followed: tuple[Ints, SmallInts],
) -> Examples:
    """Words and sources; persons and days; targets and strengths."""
    count = len(followed[0])
    return Examples(
        requests=Requests(
            tasks=np.full(count, task, np.int8),
            words=asked[0],
            sources=asked[1],
            persons=who[0],
            days=who[1],
        ),
        targets=followed[0],
        strengths=followed[1],
        made=np.zeros(count, np.bool_),
    )
