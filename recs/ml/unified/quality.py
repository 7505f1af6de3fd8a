"""How good an item is whatever was asked: appended to its vector, so that one product counts it.

p' = [p ; f], q' = [q ; w], so p'.q' = p.q + w.f: one nearest-neighbour search returns what fits and
is good.

Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023, section 3.4
    (quality vector, constant query part found by black-box search on a later window).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]

NAMES = ("popularity", "recent", "rating", "freshness")
KNOTS = 201
# Most that a quality may add to a cosine.
BOUND = 0.5


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Which share of the items lies below a value: `knots` (F, KNOTS) float64."""

    knots: DoubleFloats

    def apply(self, values: DoubleFloats) -> Floats:
        """(N, F) float32 from 0 to 1; NaN, which is unknown, becomes the middle."""
        shares = np.linspace(0.0, 1.0, self.knots.shape[1])
        columns = []
        for knots, column in zip(self.knots, values.T, strict=True):
            # Many items share a value (nobody wanted them): the middle of the shares they span.
            low = np.searchsorted(knots, column, side="left")
            high = np.searchsorted(knots, column, side="right") - 1
            tied = (shares[np.clip(low, 0, KNOTS - 1)] + shares[np.clip(high, 0, KNOTS - 1)]) / 2
            between = np.interp(column, knots, shares)
            columns.append(np.where(high > low, tied, between))
        table = np.stack(columns, axis=1)
        return np.nan_to_num(np.where(np.isnan(values), 0.5, table), nan=0.5).astype(np.float32)


def fit_quantiles(values: DoubleFloats) -> Quantiles:
    """Of these items (N, F) float64; a column without any known value maps all to the middle."""
    shares = np.linspace(0.0, 1.0, KNOTS)
    knots = []
    for column in values.T:
        known = column[~np.isnan(column)]
        knots.append(np.quantile(known, shares) if len(known) else np.zeros(KNOTS))
    return Quantiles(np.stack(knots))


def smoothed_rating(
    sums: DoubleFloats, counts: DoubleFloats, *, prior: float = 10.0
) -> DoubleFloats:
    """Mean rating of each item, drawn to the mean of all as if it had `prior` more ratings."""
    total = counts.sum()
    overall = sums.sum() / total if total else 0.0
    return np.asarray((sums + prior * overall) / (counts + prior))


def with_quality(vectors: Floats, quality: Floats) -> Floats:
    """(N, D + F) float32, p' of items.

    Args:
        vectors: (N, D) float32.
        quality: (N, F) float32.
    """
    return np.concatenate([vectors, quality], axis=1)


def with_weights(vectors: Floats, weights: Floats) -> Floats:
    """(R, D + F) float32, q' of requests; the same weights for each.

    Args:
        vectors: (R, D) float32.
        weights: (F,) float32.
    """
    constant = np.broadcast_to(weights, (len(vectors), len(weights)))
    return np.concatenate([vectors, constant], axis=1).astype(np.float32)


def choose_weights(
    measure: Callable[[Floats], float],
    count: int,
    *,
    trials: int = 64,
    rounds: int = 3,
    seed: int = 0,
) -> tuple[Floats, Mapping[str, Any]]:
    """The weights that measure best on a later window: points spread evenly, then nearer ones.

    Args:
        measure: of weights (F,), higher is better, such as the recall of what was wanted later.
        count: F.
        trials: points of each round; a power of 2.
        rounds: each looks in half the range around the best so far.
        seed: of the points.

    Returns:
        (F,) float32, and what was found: the value at 0, at the best, and the number of trials.
    """
    best = np.zeros(count, np.float32)
    at_zero = value = measure(best)
    points = qmc.Sobol(count, seed=seed)
    reach = BOUND
    for number in range(rounds):
        # Quality never counts against an item, and the last round's best stays a candidate.
        low = np.maximum(0.0, best - reach) if number else np.zeros(count)
        high = np.minimum(BOUND, best + reach) if number else np.full(count, BOUND)
        for point in points.random(trials):
            candidate = (low + point * (high - low)).astype(np.float32)
            found = measure(candidate)
            if found > value:
                best, value = candidate, found
        reach /= 2
    return best, {"zero": at_zero, "best": value, "trials": trials * rounds + 1}
