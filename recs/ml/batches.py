"""Histories as padded tensors: batches by length, the same ones for the same seed and epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recs.ml.buckets import GAP_BUCKETS, KNOWN_BUCKETS, gap_bucket, known_bucket
from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories
from recs.ml.seeding import array_generator

__all__ = (
    "GAP_BUCKETS",
    "KNOWN_BUCKETS",
    "BatchConfig",
    "SequenceBatch",
    "SequenceBatches",
    "TensorBatch",
    "gap_bucket",
    "history_batch",
    "known_before",
    "known_bucket",
    "next_item_batches",
)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Histories are sorted by length plus noise up to so many events, so that epochs differ in who
# meets whom.
_LENGTH_NOISE = 3.0


@dataclass(frozen=True, slots=True)
class SequenceBatch:
    """B histories, padded on the left with 0, the newest event last; all (B, T) int64.

    `items`: rows of the vocabulary. `targets`: the item that follows each, 0 where there is
    nothing to predict. `kinds`: numbers of event kinds, 0 unknown. `gaps`: bucket of the time
    since the previous event. `known`: bucket of how many events the item had before that moment.
    """

    items: Tensor
    targets: Tensor
    kinds: Tensor
    gaps: Tensor
    known: Tensor

    def __len__(self) -> int:
        """B."""
        return len(self.items)

    @property
    def terms(self) -> int:
        """How many positions have something to predict: what a mean loss is the mean of."""
        return int((self.targets != 0).sum())

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def rows(self, start: int, stop: int) -> Self:
        """Some of its histories, without the padding that only the others need."""
        part = self._each(lambda tensor: tensor[start:stop])
        used = (part.items != 0).any(dim=0).nonzero()
        first = int(used[0, 0]) if len(used) else part.items.shape[1] - 1
        return part._each(lambda tensor: tensor[:, first:])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        return type(self)(*(change(getattr(self, field.name)) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class TensorBatch:
    """B rows of anything: tensors of one length, such as vectors to compress."""

    tensors: tuple[Tensor, ...]

    def __len__(self) -> int:
        """B."""
        return len(self.tensors[0])

    @property
    def terms(self) -> int:
        """B: each row is one term of the loss."""
        return len(self)

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        return type(self)(tuple(t.to(device, non_blocking=True) for t in self.tensors))

    def rows(self, start: int, stop: int) -> Self:
        """Some of its rows."""
        return type(self)(tuple(tensor[start:stop] for tensor in self.tensors))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConfig:
    """How histories become batches."""

    # Newest events of a history that a network reads.
    longest: int = 50
    batch_size: int = 256
    # Rows times positions of one batch: long histories come in batches of fewer rows.
    most_positions: int = 65_536
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if min(self.longest, self.batch_size, self.most_positions) < 1:
            raise ValueError("longest, batch_size and most_positions count from 1.")


class SequenceBatches:
    """The batches of one epoch; iterating again gives the same ones."""

    def __init__(
        self, histories: Histories, config: BatchConfig, *, epoch: int, known: Ints | None = None
    ) -> None:
        """Plan the batches; see `next_item_batches`."""
        self._source = _Source(histories, known, config.longest)
        self._plan = _plan(histories.lengths - 1, config, epoch)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._plan)

    def __iter__(self) -> Iterator[SequenceBatch]:
        """Batches of histories less their last event, with what followed as targets."""
        return (self._source.batch(persons, ahead=1) for persons in self._plan)


def next_item_batches(
    histories: Histories, config: BatchConfig, *, epoch: int, known: Ints | None = None
) -> SequenceBatches:
    """Every history as what there was and what came next, at each of its positions.

    Args:
        histories: those with fewer than two events are left out; of long ones the newest
            `config.longest` + 1 events count.
        config: see its fields.
        epoch: with the seed it decides the order and who shares a batch.
        known: (E,) int64, how many events the item of each event had before; see `known_before`.
            None where a network does not ask for it: the bucket is then 0 everywhere.

    Returns:
        Batches of at most `config.batch_size` histories of like length.

    Raises:
        NothingToLearn: where no history has two events.
    """
    return SequenceBatches(histories, config, epoch=epoch, known=known)


def history_batch(
    histories: Histories, persons: Ints, longest: int, known: Ints | None = None
) -> SequenceBatch:
    """Whole histories of some people, to encode them; nothing to predict.

    Args:
        histories: of everybody.
        persons: (B,) int64, positions in `histories`.
        longest: only so many of the newest events are read.
        known: as in `next_item_batches`.

    Returns:
        A batch with targets of 0; a person without events has a row of padding.
    """
    return _Source(histories, known, longest).batch(np.asarray(persons, np.int64), ahead=0)


def known_before(histories: Histories, item_count: int) -> Ints:
    """How many events the item of each event had before that moment, in all histories together.

    Where no time is known nobody can say what came before, so the other events of the item count,
    whenever they were: the same as what is known of an item at the end, less the event itself.

    Args:
        histories: everything that happened.
        item_count: N.

    Returns:
        (E,) int64. Events of the same moment do not count for each other.
    """
    items, days = histories.items, histories.days
    result = histories.counts(item_count)[items] - 1
    dated = np.flatnonzero(~np.isnan(days))
    order = dated[np.lexsort((days[dated], items[dated]))]
    items, days = items[order], days[order]
    places = np.arange(len(order))
    changed = np.ones(len(order), bool)
    changed[1:] = items[1:] != items[:-1]
    later = changed.copy()
    later[1:] |= days[1:] != days[:-1]
    result[order] = _last_true(later, places) - _last_true(changed, places)
    return result


def _last_true(marks: Bools, places: Ints) -> Ints:
    """For each place the nearest marked one at or before it."""
    return np.maximum.accumulate(np.where(marks, places, 0))


def _plan(lengths: Ints, config: BatchConfig, epoch: int) -> list[Ints]:
    """Which histories share a batch; `lengths` (U,) of what a network would read."""
    persons = np.flatnonzero(lengths > 0)
    if not len(persons):
        raise NothingToLearn("No history has two events, so there is nothing to predict.")
    random = array_generator(config.seed, epoch)
    read = np.minimum(lengths[persons], config.longest)
    order = np.argsort(read + random.random(len(persons)) * _LENGTH_NOISE)
    count = math.ceil(len(persons) / config.batch_size)
    parts: list[Ints] = []
    for part in np.array_split(order, count):
        positions = len(part) * int(read[part].max())
        pieces = min(len(part), math.ceil(positions / config.most_positions))
        parts += np.array_split(persons[part], pieces)
    return [parts[place] for place in random.permutation(len(parts))]


@dataclass(frozen=True, slots=True)
class _Source:
    """What batches are cut from."""

    histories: Histories
    known: Ints | None
    longest: int

    def batch(self, persons: Ints, *, ahead: int) -> SequenceBatch:
        """The newest events of these people that have `ahead` events after them."""
        histories = self.histories
        starts = histories.offsets[persons]
        ends = np.maximum(histories.offsets[persons + 1] - ahead, starts)
        width = int(np.clip((ends - starts).max(initial=1), 1, self.longest))
        places = ends[:, None] - width + np.arange(width)  # (B, T)
        real = places >= starts[:, None]
        places = np.where(real, places, 0)
        first = places == starts[:, None]
        if not len(histories.items):
            return SequenceBatch(*(torch.zeros(places.shape, dtype=torch.int64),) * 5)
        after = places + ahead

        def padded(values: Ints) -> Tensor:
            return torch.from_numpy(np.where(real, values, 0).astype(np.int64))

        items = padded(histories.items[places])
        return SequenceBatch(
            items=items,
            targets=padded(histories.items[after]) if ahead else torch.zeros_like(items),
            kinds=padded(histories.kinds[places].astype(np.int64)),
            gaps=padded(np.where(first, 0, gap_bucket(self._gap(places)))),
            known=padded(known_bucket(self._known(places))),
        )

    def _gap(self, places: Ints) -> npt.NDArray[np.float64]:
        days = self.histories.days
        return days[places] - days[np.maximum(places - 1, 0)]

    def _known(self, places: Ints) -> Ints:
        return np.zeros_like(places) if self.known is None else self.known[places]
