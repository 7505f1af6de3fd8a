"""What a match filter is measured by: AUC, calibration, agreement, and what a threshold costs.

R pairs, each of a group: the query or the person that it belongs to. Intervals draw groups anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from recs.ml.metrics import Interval
from recs.ml.relevance.measures import auc

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

DRAWS = 300
BINS = 10
# One-sided: with this confidence no more is lost than the bound says.
SURE = 0.95
# Shares of the volume that the sweep removes.
VOLUMES = (
    0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4,
    0.5,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """R judged pairs. `bad`, `good`: which are; a pair between is neither, and counts as volume.

    `groups`: (R,) int64. `weights`: (R,), how many pairs each stands for.
    """

    bad: Bools
    good: Bools
    groups: Ints
    weights: DoubleFloats

    def __len__(self) -> int:
        """R."""
        return len(self.bad)

    def take(self, mask: Bools) -> "Judged":
        """Those that are marked."""
        return Judged(
            bad=self.bad[mask], good=self.good[mask], groups=self.groups[mask],
            weights=self.weights[mask],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a threshold does: `lost_high` is the bound on good ones lost, with SURE confidence."""

    threshold: float
    volume: float
    bad_removed: float
    lost: float
    lost_low: float
    lost_high: float
    emptied: float

    def as_json(self) -> dict[str, float]:
        """As JSON values."""
        told = {name: round(value, 5) for name, value in asdict(self).items()}
        # As it was measured: a threshold of fewer digits would drop other things.
        return {**told, "threshold": self.threshold}


def auc_interval(scores: DoubleFloats, judged: Judged, *, seed: int = 0) -> Interval:
    """AUC of bad against good pairs, between whose bounds 95 % of the draws of groups lie."""
    clear = judged.bad | judged.good
    kept, values = judged.take(clear), scores[clear]
    draws = drawn(kept, lambda rows: auc(values[rows], kept.bad[rows]), seed=seed)
    low, high = np.nanquantile(draws, [0.025, 0.975]) if len(draws) else (np.nan, np.nan)
    return Interval(auc(values, kept.bad), float(low), float(high))


def auc_difference(
    first: DoubleFloats, second: DoubleFloats, judged: Judged, *, seed: int = 0
) -> Interval:
    """How much better the first tells bad from good, with 95 % bounds over draws of groups."""
    clear = judged.bad | judged.good
    kept, one, two = judged.take(clear), first[clear], second[clear]

    def less(rows: Ints) -> float:
        return auc(one[rows], kept.bad[rows]) - auc(two[rows], kept.bad[rows])

    draws = drawn(kept, less, seed=seed)
    low, high = np.nanquantile(draws, [0.025, 0.975]) if len(draws) else (np.nan, np.nan)
    return Interval(less(np.arange(len(kept))), float(low), float(high))


def auc_within(scores: DoubleFloats, judged: Judged) -> float:
    """The mean of the AUCs inside each group that has bad and good pairs; NaN where none has."""
    found = []
    for group in np.unique(judged.groups):
        own = (judged.groups == group) & (judged.bad | judged.good)
        if judged.bad[own].any() and judged.good[own].any():
            found.append(auc(scores[own], judged.bad[own]))
    return float(np.mean(found)) if found else float("nan")


def drawn(
    judged: Judged, measure: Callable[[Ints], float], *, draws: int = DRAWS, seed: int = 0
) -> DoubleFloats:
    """(draws,) the measure of the rows of groups drawn with replacement."""
    random = np.random.default_rng(seed)
    order = np.argsort(judged.groups, kind="stable")
    _, starts = np.unique(judged.groups[order], return_index=True)
    parts = np.split(order, starts[1:])
    if not len(order):
        return np.zeros(0)
    found = [
        measure(np.concatenate([parts[n] for n in random.integers(0, len(parts), len(parts))]))
        for _ in range(draws)
    ]
    return np.array(found, np.float64)


def reliability(chances: DoubleFloats, bad: Bools) -> list[dict[str, float]]:
    """By tenth of the chance: how many, what was said on average, and what was true."""
    bins = np.minimum((chances * BINS).astype(np.int64), BINS - 1)
    return [
        {
            "from": number / BINS, "pairs": int((bins == number).sum()),
            "said": round(float(chances[bins == number].mean()), 4),
            "true": round(float(bad[bins == number].mean()), 4),
        }
        for number in range(BINS) if (bins == number).any()
    ]  # fmt: skip


def upper_bound(lost: float, weights: DoubleFloats) -> float:
    """The most that a share can be, with SURE confidence, when this much of the weight is lost.

    Source: Clopper and Pearson, The use of confidence or fiducial limits, 1934; weighted rows count
    as many as Kish, Survey sampling, 1965, says. Of none lost among 149 it is still 2 %.
    """
    if not len(weights) or not weights.sum():
        return 1.0
    count = float(weights.sum() ** 2 / (weights**2).sum())
    hits = lost * count
    return 1.0 if hits >= count else float(beta.ppf(SURE, hits + 1.0, count - hits))


def point_at(threshold: float, chances: DoubleFloats, judged: Judged, *, seed: int = 0) -> Point:
    """What dropping everything at or above the threshold does to these pairs."""
    drops = chances >= threshold
    good, bad = judged.weights * judged.good, judged.weights * judged.bad
    total = max(float(judged.weights.sum()), 1e-9)
    lost = float((good * drops).sum() / max(good.sum(), 1e-9))

    low, high = _lost_bounds(good, good * drops, judged.groups, seed)
    groups = np.unique(judged.groups)
    left = np.unique(judged.groups[~drops])
    return Point(
        threshold=float(threshold), volume=float((judged.weights * drops).sum() / total),
        bad_removed=float((bad * drops).sum() / max(bad.sum(), 1e-9)), lost=lost,
        lost_low=low,
        # Whichever knows less: of a loss that was not met once draws say nothing.
        lost_high=max(high, upper_bound(lost, judged.weights[judged.good])),
        emptied=1.0 - len(left) / max(1, len(groups)),
    )  # fmt: skip


def _lost_bounds(
    good: DoubleFloats, lost: DoubleFloats, groups: Ints, seed: int
) -> tuple[float, float]:
    """Between what the lost share of the good ones lies when groups are drawn anew."""
    if not len(groups):
        return 0.0, 1.0
    _, owners = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(owners, each) for each in (lost, good)], axis=1)  # (G, 2)
    count = len(sums)
    random = np.random.default_rng(seed)
    drawn_ = random.multinomial(count, np.full(count, 1 / count), size=DRAWS) @ sums
    shares = drawn_[:, 0] / np.maximum(drawn_[:, 1], 1e-9)
    low, high = np.quantile(shares, [1 - SURE, SURE])
    return float(low), float(high)


def sweep(thresholds: Sequence[float], chances: DoubleFloats, judged: Judged) -> list[Point]:
    """What each threshold does, from the one that drops least."""
    return [point_at(one, chances, judged) for one in sorted(set(thresholds), reverse=True)]


def thresholds_of(chances: DoubleFloats, weights: DoubleFloats) -> list[float]:
    """The thresholds that drop each share of VOLUMES, by the weight of the pairs."""
    if not len(chances):
        return []
    order = np.argsort(-chances)
    passed = np.cumsum(weights[order]) / max(float(weights.sum()), 1e-9)
    places = np.minimum(np.searchsorted(passed, VOLUMES), len(order) - 1)
    return [round(float(chances[order[place]]), 6) for place in places.tolist()]


def kappa(first: Bools, second: Bools) -> float:
    """Agreement of two judges beyond chance; NaN where both always say the same one thing.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    if not len(first):
        return float("nan")
    same = float((first == second).mean())
    chance = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return float("nan") if chance >= 1 else (same - chance) / (1 - chance)


def rounded(interval: Interval) -> Mapping[str, Any]:
    """As JSON values; what is no number as none."""
    return {
        name: None if np.isnan(value) else round(value, 5)
        for name, value in asdict(interval).items()
    }
