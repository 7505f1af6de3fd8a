"""What gives every item a score for a history, and full rankings made from it; NumPy only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.metrics import ranks_of_targets

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Scores that exist at once: 2^24 in fp32 are 64 MiB.
_SCORES_AT_ONCE = 2**24
_PADDING = 0


class Scorer(Protocol):
    """Anything that ranks a catalogue."""

    @property
    def item_count(self) -> int:
        """N."""
        ...

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32, higher is better, of the people at these positions; row 0 is -inf."""
        ...


@dataclass(frozen=True, slots=True)
class VectorScorer:
    """A vector for each person and item; the score is their product.

    `users`: (U, D) float32 in the order of the histories it is asked about. `items`: (N + 1, D)
    float32. `bias`: (N + 1,) float32 added to each item's score, or None.
    """

    users: Floats
    items: Floats
    bias: Floats | None = None

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.items) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """See `Scorer`.

        Raises:
            ValueError: where the vectors are of other people than the histories.
        """
        if len(histories) != len(self.users):
            raise ValueError(f"{len(self.users)} vectors for {len(histories)} histories.")
        scores = self.users[persons] @ self.items.T  # (B, N + 1)
        if self.bias is not None:
            scores += self.bias
        scores[:, _PADDING] = -np.inf
        return np.asarray(scores, np.float32)


def rank(
    scorer: Scorer, histories: Histories, k: int, *, exclude_seen: bool = True, seed: int = 0
) -> Ints:
    """The best k items for each person.

    Items of the same score follow each other in an order that only the seed decides, never the
    row, which must not carry meaning.

    Args:
        scorer: see there.
        histories: U of them.
        k: from 1.
        exclude_seen: whether items of the history are left out.
        seed: of the order among equals.

    Returns:
        (U, k) int64, best first; 0 where fewer than k items are left.
    """
    shuffled = np.random.default_rng(seed).permutation(np.arange(1, scorer.item_count + 1))
    result = np.zeros((len(histories), k), np.int64)
    width = min(k, scorer.item_count)
    if not width:
        return result
    for persons in _chunks(scorer, len(histories)):
        scores = scorer.score(histories, persons)
        if exclude_seen:
            seen = histories.select(persons)
            scores[seen.owners, seen.items] = -np.inf
        scores = scores[:, shuffled]  # (B, N)
        best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        found = np.take_along_axis(scores, best, axis=1)
        order = np.lexsort((best, -found), axis=1)
        best = np.take_along_axis(best, order, axis=1)
        found = np.take_along_axis(found, order, axis=1)
        result[persons, :width] = np.where(np.isneginf(found), _PADDING, shuffled[best])
    return result


def target_ranks(
    scorer: Scorer, histories: Histories, targets: Ints, *, exclude_seen: bool = True
) -> Ints:
    """How many items each person's target has before it; see `metrics.ranks_of_targets`.

    Args:
        scorer: see there.
        histories: U of them, without the target's event.
        targets: (U,) int64, from 1 to N.
        exclude_seen: whether other items of the history are left out.

    Returns:
        (U,) int64 from 0.
    """
    result = np.zeros(len(histories), np.int64)
    for persons in _chunks(scorer, len(histories)):
        scores = scorer.score(histories, persons)
        seen = histories.select(persons) if exclude_seen else None
        result[persons] = ranks_of_targets(scores, targets[persons], seen)
    return result


def _chunks(scorer: Scorer, people: int) -> Iterator[Ints]:
    size = max(1, _SCORES_AT_ONCE // (scorer.item_count + 1))
    return (np.arange(start, min(start + size, people)) for start in range(0, people, size))
