"""One schema for every surface: who asks, with which words, beside which item, and when."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
SmallInts = npt.NDArray[np.int8]
DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TASKS = ("search", "home", "similar")
SEARCH, HOME, SIMILAR = range(3)
# What somebody did with an item, weakest first; each has a threshold in the loss.
STRENGTHS = ("click", "add", "want")
CLICK, ADD, WANT = range(3)
NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """R requests, column by column; what a request lacks is 0, whatever the surface.

    `tasks`: (R,) int8, place in TASKS. `words`: (R,) int64, row of the words. `sources`: (R,)
    int64, row of the item one looks at. `persons`: (R,) int64, place among the people of the log,
    NOBODY for a stranger. `days`: (R,) float64, days since 1970.
    """

    tasks: SmallInts
    words: Ints
    sources: Ints
    persons: Ints
    days: DoubleFloats

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, and a task that does not exist."""
        if len({len(column) for column in self._columns}) != 1:
            raise ValueError("The columns of requests are of one length.")
        if len(self.tasks) and not 0 <= self.tasks.min() <= self.tasks.max() < len(TASKS):
            raise ValueError(f"A task is one of {', '.join(TASKS)}.")

    @property
    def _columns(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self.tasks, self.words, self.sources, self.persons, self.days

    def __len__(self) -> int:
        """R."""
        return len(self.tasks)

    def select(self, rows: npt.NDArray[np.generic]) -> Self:
        """Those at these places, or those that are marked."""
        tasks, words, sources, persons, days = (column[rows] for column in self._columns)
        return replace(self, tasks=tasks, words=words, sources=sources, persons=persons, days=days)

    def __add__(self, other: Self) -> Self:
        """These, then the others."""
        return replace(
            self,
            tasks=np.concatenate([self.tasks, other.tasks]),
            words=np.concatenate([self.words, other.words]),
            sources=np.concatenate([self.sources, other.sources]),
            persons=np.concatenate([self.persons, other.persons]),
            days=np.concatenate([self.days, other.days]),
        )

    def of_task(self, task: int) -> Bools:
        """(R,) bool."""
        return np.asarray(self.tasks == task)

    def signed_out(self) -> Self:
        """The same asked by strangers: nothing about a person reaches the answer."""
        return replace(self, persons=np.full(len(self), NOBODY, np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """V items that followed a request.

    `targets`: (V,) int64 item rows. `strengths`: (V,) int8, place in STRENGTHS. `made`: (V,) bool,
    the words were made from metadata: nobody asked them.
    """

    requests: Requests
    targets: Ints
    strengths: SmallInts
    made: Bools

    def __len__(self) -> int:
        """V."""
        return len(self.targets)

    def select(self, rows: npt.NDArray[np.generic]) -> Self:
        """Those at these places, or those that are marked."""
        return replace(
            self,
            requests=self.requests.select(rows),
            targets=self.targets[rows],
            strengths=self.strengths[rows],
            made=self.made[rows],
        )

    def __add__(self, other: Self) -> Self:
        """These, then the others."""
        return replace(
            self,
            requests=self.requests + other.requests,
            targets=np.concatenate([self.targets, other.targets]),
            strengths=np.concatenate([self.strengths, other.strengths]),
            made=np.concatenate([self.made, other.made]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceLog:
    """What people wanted and what they asked, each in order of time, for the same people.

    `wanted`: items. `asked`: the same form, its `items` are rows of words. `chosen`: event for
    event of `asked`, the item that was chosen for the words.
    """

    wanted: Histories
    asked: Histories
    chosen: Histories

    def __post_init__(self) -> None:
        """Refuse logs of different people."""
        if not self.wanted.people == self.asked.people == self.chosen.people:
            raise ValueError("Wanted, asked and chosen are of the same people in the same order.")
        if not np.array_equal(self.asked.offsets, self.chosen.offsets):
            raise ValueError("Asked and chosen have the same events.")

    def before(self, day: float) -> Self:
        """What was there before that moment (days since 1970), exclusive."""
        return replace(
            self,
            wanted=self.wanted.before(day),
            asked=self.asked.before(day),
            chosen=self.chosen.before(day),
        )


def known_then(histories: Histories, persons: Ints, days: DoubleFloats) -> Ints:
    """How many events of each person lie before each moment; none of NOBODY's.

    Args:
        histories: in order of time.
        persons: (R,) int64 places among the people, or NOBODY.
        days: (R,) float64; what happened at the very moment was not known.

    Returns:
        (R,) int64.
    """
    owners = np.concatenate([histories.owners, persons])
    moments = np.concatenate([histories.days, days])
    is_event = np.concatenate(
        [np.ones(len(histories.items), np.int8), np.zeros(len(days), np.int8)]
    )
    # At one moment requests stand before events.
    order = np.lexsort((is_event, moments, owners))
    # A place among all events less those of the people before: strangers stand first and have 0.
    passed = np.cumsum(is_event[order].astype(np.int64))
    before = np.empty(len(order), np.int64)
    before[order] = passed
    asked = before[len(histories.items) :]
    first = np.where(persons == NOBODY, 0, histories.offsets[np.maximum(persons, 0)])
    return np.asarray(np.where(persons == NOBODY, 0, asked - first), np.int64)


def newest_then(histories: Histories, persons: Ints, days: DoubleFloats, longest: int) -> Histories:
    """The newest events of each person before each moment, as R histories.

    Args:
        histories: in order of time.
        persons: (R,) int64 places among the people, or NOBODY.
        days: (R,) float64, exclusive.
        longest: most events of each.
    """
    known = known_then(histories, persons, days)
    lengths = np.minimum(known, longest)
    starts = histories.offsets[np.maximum(persons, 0)] + known - lengths
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Histories(
        people=tuple(str(number) for number in range(len(persons))),
        offsets=offsets,
        items=histories.items[places],
        kinds=histories.kinds[places],
        days=histories.days[places],
    )


def padded(histories: Histories, longest: int) -> Ints:
    """(R, longest) int64, the newest event last, 0 in front of it."""
    newest = histories.newest(longest)
    table = np.zeros((len(newest), longest), np.int64)
    from_end = np.repeat(newest.offsets[1:], newest.lengths) - np.arange(len(newest.items))
    table[newest.owners, longest - from_end] = newest.items
    return table
