"""Ranks of what people did next, and what is made of them; NumPy only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds between which it stays in the stated share of draws."""

    mean: float
    low: float
    high: float


def ranks_of_targets(scores: Floats, targets: Ints, seen: Histories | None = None) -> Ints:
    """How many items stand before each target among all that the person has not seen.

    An item with the target's own score stands before it, so that a scorer to which all items are
    the same earns nothing. A target that the person has seen stays a candidate.

    Args:
        scores: (B, N + 1) float32, higher is better; row 0 of the items never counts.
        targets: (B,) int64, from 1 to N.
        seen: B histories, whose items are not candidates; None where all are.

    Returns:
        (B,) int64 from 0 (the best) to N - 1.

    Raises:
        ValueError: where a score is not a number or a target is the padding.
    """
    if len(targets) and int(targets.min()) < 1:
        raise ValueError("A target is an item, not the padding.")
    if np.isnan(scores).any():
        raise ValueError("A score is not a number.")
    wanted = np.take_along_axis(scores, targets[:, None], axis=1)  # (B, 1)
    before = scores >= wanted  # (B, N + 1)
    before[:, 0] = False
    if seen is not None:
        before[seen.owners, seen.items] = False
    before[np.arange(len(targets)), targets] = False
    return np.asarray(before.sum(axis=1, dtype=np.int64))


def recall_at(ranks: Ints, k: int) -> DoubleFloats:
    """(U,) float64, 1 where the one target is among the first k, else 0."""
    return (ranks < k).astype(np.float64)


def ndcg_at(ranks: Ints, k: int) -> DoubleFloats:
    """(U,) float64, 1 / log2(2 + rank) where the one target is among the first k, else 0."""
    return np.where(ranks < k, 1.0 / np.log2(ranks + 2.0), 0.0)


def mean_metrics(ranks: Ints) -> dict[str, float]:
    """Recall and NDCG at 5 and 10, means over people; 0 for nobody."""
    return {
        f"{name}@{k}": float(metric(ranks, k).mean()) if len(ranks) else 0.0
        for k in (5, 10)
        for name, metric in (("recall", recall_at), ("ndcg", ndcg_at))
    }


def bootstrap(
    values: DoubleFloats, *, draws: int = 2000, seed: int = 0, share: float = 0.95
) -> Interval:
    """Mean over people and between what it lies when they are drawn again with replacement.

    Args:
        values: (U,) float64, one for each person.
        draws: how often people are drawn.
        seed: same seed, same draws.
        share: of the draws that lie within the bounds.

    Raises:
        ValueError: for nobody.
    """
    if not len(values):
        raise ValueError("There is nobody to draw.")
    random = np.random.default_rng(seed)
    means = np.array(
        [values[random.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    )
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def paired_bootstrap(
    a: DoubleFloats, b: DoubleFloats, *, draws: int = 2000, seed: int = 0, share: float = 0.95
) -> Interval:
    """How much better a is than b for the same people: mean of a - b and its bounds.

    Raises:
        ValueError: where a and b are not of the same number of people, or of nobody.
    """
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape} are not the same people.")
    return bootstrap(a - b, draws=draws, seed=seed, share=share)
