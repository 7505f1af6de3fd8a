"""Who did what in which order, as arrays: the one form in which events reach a network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
SmallInts = npt.NDArray[np.int8]
DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

UNKNOWN_KIND = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """U histories, the events of each in order of time, one behind another in flat arrays.

    `people`: (U,) names of the people. `offsets`: (U + 1,) int64, history u is
    `offsets[u]:offsets[u + 1]`. `items`: (E,) int64 rows of the vocabulary, never 0. `kinds`: (E,)
    int8, numbers of event kinds, 0 where unknown. `days`: (E,) float64, days since 1970, NaN
    where unknown.
    """

    people: tuple[str, ...]
    offsets: Ints
    items: Ints
    kinds: SmallInts
    days: DoubleFloats

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        if len(self.offsets) != len(self.people) + 1 or self.offsets[0] != 0:
            raise ValueError("offsets has one entry for each history and a last one.")
        if not len(self.items) == len(self.kinds) == len(self.days) == self.offsets[-1]:
            raise ValueError("items, kinds and days have one entry for each event.")
        if len(self.items) and int(self.items.min()) < 1:
            raise ValueError("A history holds only items of the vocabulary.")

    @classmethod
    def of_lists(cls, lists: Sequence[Sequence[int]], people: Sequence[str] | None = None) -> Self:
        """Histories of item rows alone, kinds and times unknown."""
        lengths = [len(rows) for rows in lists]
        events = sum(lengths)
        return cls(
            people=tuple(people or (str(number) for number in range(len(lists)))),
            offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
            items=np.fromiter((row for rows in lists for row in rows), np.int64, events),
            kinds=np.zeros(events, np.int8),
            days=np.full(events, np.nan),
        )

    def __len__(self) -> int:
        """U."""
        return len(self.people)

    @property
    def lengths(self) -> Ints:
        """(U,) int64, events of each."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Ints:
        """(E,) int64, which history each event is of."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def items_of(self, person: int) -> Ints:
        """Item rows of one history, oldest first."""
        return self.items[self.offsets[person] : self.offsets[person + 1]]

    def __iter__(self) -> Iterator[Ints]:
        """Item rows of each history."""
        return (self.items_of(person) for person in range(len(self)))

    def without_last(self, n: int = 1) -> Self:
        """Each history less its newest n events; people with fewer keep an empty one."""
        from_end = np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.items))
        return self._keep(from_end > n)

    def newest(self, longest: int) -> Self:
        """Each history cut to its newest events."""
        from_end = np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.items))
        return self._keep(from_end <= longest)

    def before(self, day: float) -> Self:
        """The events before that moment (days since 1970), exclusive."""
        return self._keep(self.days < day)

    def only(self, kept: Bools) -> Self:
        """The events that are marked; (E,) bool."""
        return self._keep(kept)

    def select(self, persons: Sequence[int] | Ints) -> Self:
        """These histories, in this order."""
        persons = np.asarray(persons, dtype=np.int64)
        return self._slices(persons, self.offsets[persons], self.lengths[persons])

    def prefixes(self, events: Ints, longest: int | None = None) -> Self:
        """For each of these events the newest of those of its person that stand before it.

        Args:
            events: (V,) int64, places among the E events.
            longest: at most so many of each; None for all.
        """
        owners = self.owners[events]
        before = events - self.offsets[owners]
        lengths = before if longest is None else np.minimum(before, longest)
        return self._slices(owners, events - lengths, lengths)

    def __add__(self, other: Self) -> Self:
        """These histories, then the others."""
        return replace(
            self,
            people=self.people + other.people,
            offsets=np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            items=np.concatenate([self.items, other.items]),
            kinds=np.concatenate([self.kinds, other.kinds]),
            days=np.concatenate([self.days, other.days]),
        )

    def last_items(self) -> Ints:
        """(U,) int64, the newest item of each; 0 for an empty history."""
        last = np.zeros(len(self), np.int64)
        filled = self.lengths > 0
        last[filled] = self.items[self.offsets[1:][filled] - 1]
        return last

    def counts(self, item_count: int) -> Ints:
        """(N + 1,) int64, how often each item stands in these histories."""
        return np.bincount(self.items, minlength=item_count + 1).astype(np.int64)

    def _slices(self, persons: Ints, starts: Ints, lengths: Ints) -> Self:
        """Of each of these people so many events from there on, as a history."""
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
        return replace(
            self,
            people=tuple(self.people[person] for person in persons),
            offsets=offsets,
            items=self.items[places],
            kinds=self.kinds[places],
            days=self.days[places],
        )

    def _keep(self, kept: Bools) -> Self:
        lengths = np.bincount(self.owners[kept], minlength=len(self))
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            items=self.items[kept],
            kinds=self.kinds[kept],
            days=self.days[kept],
        )
