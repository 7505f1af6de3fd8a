"""What M3CSR's towers are given: lists drawn at each step of training, fixed ones in serving."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recs.ml.batches import known_bucket
from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories
from recs.ml.m3csr_config import M3csrConfig
from recs.ml.m3csr_graph import (
    NOBODY,
    EventGraph,
    KnownCounts,
    even_picks,
    scattered_picks,
)
from recs.ml.m3csr_sides import ItemSide, PairBatch, PersonSide
from recs.ml.seeding import array_generator

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

# How often a negative that the person took is drawn again before it is let be.
_REDRAWS = 3
# Share of people shown as unknown in training, so that the unknown one's vector is learned.
_UNKNOWN_PEOPLE = 0.1


@dataclass(frozen=True, slots=True)
class Picks:
    """Where along lists to look: two steps of (B, n) or (n,) places in [0, 1)."""

    first: Doubles
    second: Doubles

    @classmethod
    def fixed(cls, n: int) -> "Picks":
        """The same for everybody, spread over the lists: serving has no chance in it."""
        return cls(even_picks(n), scattered_picks(n))

    @classmethod
    def drawn(cls, random: np.random.Generator, rows: int, n: int) -> "Picks":
        """By chance, other ones for each row."""
        return cls(random.random((rows, n)), random.random((rows, n)))


@dataclass(frozen=True, slots=True)
class Sides:
    """Makes the sides of people and items from the events known at a moment."""

    graph: EventGraph
    config: M3csrConfig

    def serving_people(self, histories: Histories, scored_at: float) -> PersonSide:
        """All people of `histories`, from their events alone; the whole window is attended to.

        `histories` are taken as they are: what is known of a person is for the caller to say.
        Neighbours are of events before `scored_at`.
        People who were in the graph are not their own neighbours; with `people="id"` they have
        their own vector and everybody else that of the unknown.
        """
        numbers = np.array([self.graph.people.get(p, NOBODY) for p in histories.people], np.int64)
        window = self._window(histories, np.arange(len(histories)), histories.lengths)
        moments = np.full(len(histories), scored_at)
        picks = Picks.fixed(self.config.served_neighbours)
        return self._people(numbers, window, moments, (window, picks))

    def serving_items(
        self, items: Ints, scored_at: float, counts: KnownCounts | None = None
    ) -> ItemSide:
        """Items as they are known at a moment.

        Args:
            items: (B,) rows.
            scored_at: days since 1970, exclusive; infinite for all events there are.
            counts: how many took each item; None counts the events of the graph.

        Raises:
            FutureCounts: where the counts are newer than `scored_at`.
        """
        known = (counts or self.graph.known_counts(scored_at)).at(scored_at)[items]
        moments = np.full(len(items), scored_at)
        picks = Picks.fixed(self.config.served_neighbours)
        return self._items(items, moments, np.full(len(items), NOBODY), (known, picks))

    def pairs(self, histories: Histories, places: Ints, random: np.random.Generator) -> PairBatch:
        """Events and, for each, an item that the person never took, all as of that moment.

        Args:
            histories: those of the graph.
            places: (B,) positions in `histories.items`.
            random: of the lists and the negatives.
        """
        config = self.config
        people = np.searchsorted(histories.offsets, places, side="right") - 1
        moments, taken = histories.days[places], histories.items[places]
        # A generator of their own: how often they are drawn again must not move what else is drawn.
        other = self._negatives(people, moments, random.spawn(1)[0])
        window = self._window(histories, people, places - histories.offsets[people])
        n = config.neighbours
        heard = _along(window, random.random((len(places), n)))
        # Undated events all count as before each other, the event itself too.
        itself = np.isnan(moments).astype(np.int64)
        shown = np.where(random.random(len(places)) < _UNKNOWN_PEOPLE, NOBODY, people)
        side = self._people(
            people, window, moments, (heard, Picks.drawn(random, len(places), n)), shown
        )
        sides = []
        for items, own in ((taken, itself), (other, 0)):
            hidden = random.random(len(places)) < config.hidden_share
            known = np.where(hidden, 0, self.graph.counts(items, moments) - own)
            picks = Picks.drawn(random, len(places), n)
            sides.append(self._items(items, moments, people, (known, picks)))
        return PairBatch(side, *sides)

    def _window(self, histories: Histories, people: Ints, lengths: Ints) -> Ints:
        """(B, W) items before those lengths, newest first, padded with 0 at the end."""
        width = max(1, min(self.config.window, int(lengths.max(initial=1))))
        back = lengths[:, None] - 1 - np.arange(width)
        if not len(histories.items):
            return np.zeros(back.shape, np.int64)
        places = histories.offsets[people][:, None] + np.maximum(back, 0)
        places = np.minimum(places, len(histories.items) - 1)
        return np.where(back >= 0, histories.items[places], 0)

    def _people(
        self,
        numbers: Ints,
        window: Ints,
        moments: Doubles,
        lists: tuple[Ints, Picks],
        shown: Ints | None = None,
    ) -> PersonSide:
        history, picks = lists
        through = _along(window, picks.first)  # (B, n)
        second = np.broadcast_to(picks.second, through.shape)
        near = self._one_each(through, moments, second)
        near = np.where(near == numbers[:, None], NOBODY, near)
        own = numbers if shown is None else shown
        pool = window[:, : self.config.pool]
        return PersonSide(*_tensors(own + 1, pool, history, near + 1, self._pools(near, moments)))

    def _items(
        self, items: Ints, moments: Doubles, asking: Ints, rest: tuple[Ints, Picks]
    ) -> ItemSide:
        known, picks = rest
        near = self.graph.people_of(items, moments, picks.first)
        alone = (near == asking[:, None]) | (known <= 0)[:, None]
        near = np.where(alone, NOBODY, near)
        others = self.graph.items_of(near, moments, picks.second)
        others = np.where(others == items[:, None], 0, others)
        ids = np.where(known > 0, items, 0)
        pools = self._pools(near, moments)
        return ItemSide(*_tensors(items, ids, known_bucket(known), near + 1, pools, others))

    def _one_each(self, items: Ints, moments: Doubles, picks: Doubles) -> Ints:
        """(B, n) one person each of who took items (B, n)."""
        flat = np.repeat(moments, items.shape[1])
        found = self.graph.people_of(items.ravel(), flat, picks.reshape(-1, 1))
        return found.reshape(items.shape)

    def _pools(self, people: Ints, moments: Doubles) -> Ints:
        return self.graph.newest_of(people, moments, self.config.pool)

    def _negatives(self, people: Ints, moments: Doubles, random: np.random.Generator) -> Ints:
        """(B,) items that somebody had taken by then, and that the person never took.

        Items that nobody ever takes in training are not among them: what they are worth is what
        the split hides. Nor are those that came later: new ones would be learned to be bad.
        """
        found = self._one_negative(moments, random)
        for _ in range(_REDRAWS):
            wrong = np.flatnonzero(self.graph.took(people, found))
            found[wrong] = self._one_negative(moments[wrong], random)
        return found

    def _one_negative(self, moments: Doubles, random: np.random.Generator) -> Ints:
        rare = self.graph.known_item(moments, random.random(len(moments)))
        popular = self.graph.popular_item(moments, random.random(len(moments)))
        return np.where(random.random(len(moments)) < self.config.popular_negatives, popular, rare)


class PairBatches:
    """The events of one epoch, each once, in an order of (seed, epoch)."""

    def __init__(
        self, sides: Sides, histories: Histories, batch_size: int, stream: tuple[int, int]
    ) -> None:
        """Plan them; `stream` is (seed, epoch)."""
        if len(sides.graph.known_items) < 2:
            raise NothingToLearn("Fewer than two items were ever taken: nothing to compare.")
        self._sides, self._histories, self._stream = sides, histories, stream
        order = array_generator(*stream).permutation(len(histories.items))
        self._parts = np.array_split(order, math.ceil(len(order) / batch_size))

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._parts)

    def __iter__(self) -> Iterator[PairBatch]:
        """The same batches each time, lists drawn anew at each step."""
        for step, places in enumerate(self._parts):
            random = array_generator(*self._stream, step)
            yield self._sides.pairs(self._histories, places, random)


def _along(lists: Ints, picks: Doubles) -> Ints:
    """(B, n) entries of lists (B, W), padded with 0 at the end, at picks along their length."""
    counts = (lists != 0).sum(axis=1)[:, None]
    places = (picks * counts).astype(np.int64)
    return np.asarray(np.take_along_axis(lists, places, axis=1))


def _tensors(*arrays: Ints) -> list[Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
