"""Who had taken which item before a moment: counts and neighbour lists that cannot see ahead."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

NOBODY = -1
# Where along a list the evenly spread picks of a second step lie: the golden ratio spreads any
# number of them.
_GOLDEN = 0.6180339887498949


class FutureCounts(ValueError):
    """Counts were made of events that had not happened at the moment of scoring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCounts:
    """How many events each item had, and as of when.

    `counts`: (N + 1,) int64. `as_of`: days since 1970, exclusive; infinite where events have no
    times and "all that is known" is all there is to say.
    """

    counts: Ints
    as_of: float

    def at(self, scored_at: float) -> Ints:
        """(N + 1,) int64, the counts for scores that are made at this moment.

        Raises:
            FutureCounts: they hold events from after it.
        """
        if not self.as_of <= scored_at:
            raise FutureCounts(
                f"Counts as of day {self.as_of} are newer than the scores, of day {scored_at}."
            )
        return self.counts


class _Lists:
    """Values of owners in order of time, cut at any moment."""

    def __init__(self, owners: Ints, values: Ints, ranks: Ints, sizes: tuple[int, int]) -> None:
        owner_count, self._moments = sizes
        order = np.lexsort((ranks, owners))
        self._values = values[order]
        self._keys = owners[order] * self._moments + ranks[order]
        self._starts = np.searchsorted(owners[order], np.arange(owner_count))

    def counts(self, owners: Ints, ranks: Ints) -> Ints:
        """How many values an owner has before a rank of time; any shape, owners below 0 have 0."""
        found = np.searchsorted(self._keys, owners * self._moments + ranks)
        return np.where(owners >= 0, found - self._starts[owners], 0)

    def at(self, owners: Ints, places: Ints, default: int) -> Ints:
        """Values at places of the owners' lists, `default` where the place is below 0."""
        if not len(self._values):
            return np.full(places.shape, default)
        found = self._values[np.maximum(self._starts[owners] + places, 0)]
        return np.where(places >= 0, found, default)


class EventGraph:
    """People and items joined by dated events. People are the numbers of `histories`.

    Every question takes a moment and is answered from events strictly before it. Events without a
    time count as before every moment, and an unknown moment (NaN) as after every event.
    """

    def __init__(self, histories: Histories, item_count: int) -> None:
        """Sort the events both ways; O(E log E)."""
        days = np.where(np.isnan(histories.days), -np.inf, histories.days)
        self._days, ranks = np.unique(days, return_inverse=True)
        moments = len(self._days) + 1
        owners, items = histories.owners, histories.items
        self.item_count = item_count
        self.people = {name: number for number, name in enumerate(histories.people)}
        self._of_items = _Lists(items, owners, ranks, (item_count + 1, moments))
        self._of_people = _Lists(owners, items, ranks, (len(histories), moments))
        self._pairs = np.unique(owners * (item_count + 1) + items)
        order = np.argsort(ranks, kind="stable")
        self._by_time, self._times = items[order], ranks[order]
        self._by_first, first = _first_ranks(items, ranks)
        self._first = np.sort(first)

    @property
    def known_items(self) -> Ints:
        """Rows of the items that were ever taken, in the order of the first time."""
        return self._by_first

    def known_counts(self, as_of: float = np.inf) -> KnownCounts:
        """Counts of every item as of a moment."""
        items = np.arange(self.item_count + 1)
        return KnownCounts(counts=self.counts(items, np.full(len(items), as_of)), as_of=as_of)

    def counts(self, items: Ints, moments: Doubles) -> Ints:
        """(B,) int64, events of items (B,) before moments (B,)."""
        return self._of_items.counts(items, self._ranks(moments))

    def took(self, people: Ints, items: Ints) -> npt.NDArray[np.bool_]:
        """(B,) bool, whether the people ever took the items, at any time."""
        keys = people * (self.item_count + 1) + items
        places = np.searchsorted(self._pairs, keys)
        places = np.minimum(places, len(self._pairs) - 1)
        return np.asarray(self._pairs[places] == keys)

    def known_item(self, moments: Doubles, picks: Doubles) -> Ints:
        """(B,) items that had been taken by then, all of them equally likely.

        Args:
            moments: (B,), exclusive; where nothing had been taken yet, items of later are picked.
            picks: (B,) in [0, 1).
        """
        counts = np.searchsorted(self._first, self._ranks(moments))
        counts = np.where(counts > 0, counts, len(self._first))
        return np.asarray(self._by_first[(picks * counts).astype(np.int64)])

    def popular_item(self, moments: Doubles, picks: Doubles) -> Ints:
        """(B,) items of events by then, all events equally likely; else as `known_item`."""
        counts = np.searchsorted(self._times, self._ranks(moments))
        counts = np.where(counts > 0, counts, len(self._times))
        return np.asarray(self._by_time[(picks * counts).astype(np.int64)])

    def people_of(self, items: Ints, moments: Doubles, picks: Doubles) -> Ints:
        """People who had taken items: picks along the lists of who did.

        Args:
            items: (B,) rows, 0 for none.
            moments: (B,) days since 1970, exclusive.
            picks: (B, n) in [0, 1), where along the list; or (n,) for all alike.

        Returns:
            (B, n) int64 numbers of people, -1 where an item had none.
        """
        counts = self._of_items.counts(items, self._ranks(moments))[:, None]
        places = np.where(counts > 0, (picks * counts).astype(np.int64), -1)
        return self._of_items.at(items[:, None], places, NOBODY)

    def items_of(self, people: Ints, moments: Doubles, picks: Doubles) -> Ints:
        """One item each of people, before a moment.

        Args:
            people: (B, n), -1 for nobody.
            moments: (B,).
            picks: (B, n) or (n,) in [0, 1).

        Returns:
            (B, n) int64 rows, 0 for none.
        """
        counts = self._of_people.counts(people, self._ranks(moments)[:, None])
        places = np.where(counts > 0, (picks * counts).astype(np.int64), -1)
        return self._of_people.at(people, places, 0)

    def newest_of(self, people: Ints, moments: Doubles, n: int) -> Ints:
        """(B, P, n) int64, the newest items of people (B, P) before moments (B,); 0 for none."""
        counts = self._of_people.counts(people, self._ranks(moments)[:, None])
        places = counts[..., None] - 1 - np.arange(n)
        return self._of_people.at(people[..., None], places, 0)

    def _ranks(self, moments: Doubles) -> Ints:
        moments = np.where(np.isnan(moments), np.inf, moments)
        return np.asarray(np.searchsorted(self._days, moments), np.int64)


def _first_ranks(items: Ints, ranks: Ints) -> tuple[Ints, Ints]:
    """Items in the order of their first event, and the rank of time of it."""
    order = np.lexsort((ranks, items))
    rows, places = np.unique(items[order], return_index=True)
    first = ranks[order][places]
    by_first = np.argsort(first, kind="stable")
    return rows[by_first], first[by_first]


def even_picks(n: int) -> Doubles:
    """(n,) places in [0, 1), evenly spread: what serving uses in place of chance."""
    return (np.arange(n) + 0.5) / n


def scattered_picks(n: int) -> Doubles:
    """(n,) places in [0, 1) for a second step, not in line with those of the first."""
    return np.asarray((np.arange(1, n + 1) * _GOLDEN) % 1.0, np.float64)
