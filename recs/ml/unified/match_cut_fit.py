"""Choosing where search cuts, and telling what the cut does, on pairs whose worth is known.

Which features are read is decided on some queries, cross-fitted; the threshold is one number for
all queries and chosen there too. What is told of the cut is measured on other queries. P pairs of a
query and an item.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import rankdata

from recs.ml.unified.match_cut import FEATURES, FLOORS, KINDS, MatchCut, floors

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Of the good matches of the tail so many may be lost: as with the things that only the model finds.
REJECTED = 0.25
# With fewer good or other pairs, or queries, nothing is chosen, nor told.
LEAST_PAIRS, LEAST_QUERIES = 30, 15
FOLDS, DRAWS, PENALTY = 5, 400, 1.0
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """P pairs that lack a word of the query.

    `features`: (P, 3) float64, see FEATURES. `good`: (P,) bool. `queries`: (P,) int64.
    """

    features: DoubleFloats
    good: Bools
    queries: Ints

    def __len__(self) -> int:
        """P."""
        return len(self.good)

    def select(self, kept: Bools) -> Self:
        """Those that are marked."""
        return type(self)(
            features=self.features[kept], good=self.good[kept], queries=self.queries[kept]
        )

    @property
    def is_enough(self) -> bool:
        """Whether something can be learned from it, or told by it."""
        fewest = min(int(self.good.sum()), int((~self.good).sum()))
        with_good = len(np.unique(self.queries[self.good]))
        return fewest >= LEAST_PAIRS and with_good >= LEAST_QUERIES

    def told(self) -> dict[str, int]:
        """How much of it there is."""
        good = int(self.good.sum())
        queries = len(np.unique(self.queries))
        return {"queries": queries, "good": good, "others": len(self) - good}


def choose_cut(tail: Tail) -> tuple[MatchCut | None, dict[str, Any]]:
    """The cut that tells good matches best, and why; None where the floors stand.

    A cut that learned has to tell them better than the floors do, cross-fitted by query.

    Args:
        tail: of queries that nothing is reported on.
    """
    told: dict[str, Any] = {"chosen_on": tail.told()}
    if not tail.is_enough:
        return None, told | {"kind": FLOORS, "reason": "too few good matches lack a word"}
    crossed = {kind: cross_fitted(tail, columns) for kind, columns in KINDS.items()}
    found = {kind: auc(scores, tail.good) for kind, scores in crossed.items()}
    found[FLOORS] = auc(floors(tail.features), tail.good)
    told["chosen_by"] = {kind: round(value, 4) for kind, value in found.items()}
    kind = max(found, key=found.__getitem__)
    if kind == FLOORS:
        return None, told | {"kind": FLOORS, "reason": "nothing learned tells them better"}
    cut = cut_of(tail, kind)
    return cut, told | cut.as_json()


def cut_of(tail: Tail, kind: str) -> MatchCut:
    """The cut of a kind that loses REJECTED of the good matches, cross-fitted by query."""
    weights, constant = _fitted(tail, KINDS[kind])
    threshold = threshold_of(cross_fitted(tail, KINDS[kind]), tail.good, REJECTED)
    return MatchCut(kind=kind, weights=weights, constant=constant, threshold=threshold)


def report_cut(tail: Tail, cut: MatchCut | None) -> dict[str, Any]:
    """What the cut and the floors do to other queries; {} where those are too few.

    `rejected`: share of the good matches that is lost. `removed`: share of the others that goes.
    Each with its interval when queries are drawn anew.
    """
    if not tail.is_enough:
        return {"reported_on": tail.told()}
    kept = {FLOORS: floors(tail.features) >= 1.0}
    if cut is not None:
        kept["cut"] = cut.keeps(tail.features)
    found: dict[str, Any] = {name: shares(tail, passes) for name, passes in kept.items()}
    return {"reported_on": tail.told(), **found}


def auc(scores: DoubleFloats, good: Bools) -> float:
    """Chance that a good pair scores above another one, of all queries together; ties are half."""
    count = int(good.sum())
    others = len(good) - count
    ranks = rankdata(scores)
    return float((ranks[good].sum() - count * (count + 1) / 2) / max(1, count * others))


def threshold_of(scores: DoubleFloats, good: Bools, rejected: float) -> float:
    """The score below which this share of the good pairs lies."""
    return float(np.quantile(scores[good], rejected, method="lower"))


def intervals(tail: Tail, measure: Callable[[DoubleFloats], tuple[float, ...]]) -> DoubleFloats:
    """(2, ...) lowest and highest of a measure of pairs' weights when queries are drawn anew.

    Args:
        tail: P pairs.
        measure: of (P,) weights, how often each pair was drawn.
    """
    random = np.random.default_rng(0)
    names, owners = np.unique(tail.queries, return_inverse=True)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    values = np.array([measure(one[owners].astype(np.float64)) for one in drawn])
    outside = (1 - CONFIDENCE) / 2
    return np.asarray(np.nanquantile(values, [outside, 1 - outside], axis=0), np.float64)


def shares(tail: Tail, passes: Bools) -> dict[str, Any]:
    """Of the good ones the share that is lost, of the others the share that goes."""

    def measure(weights: DoubleFloats) -> tuple[float, float]:
        good, others = weights * tail.good, weights * ~tail.good
        return (
            float((good * ~passes).sum() / max(good.sum(), 1e-9)),
            float((others * ~passes).sum() / max(others.sum(), 1e-9)),
        )

    mean, bounds = measure(np.ones(len(tail))), intervals(tail, measure)
    return {
        name: {
            "mean": round(mean[place], 4),
            "low": round(float(bounds[0][place]), 4),
            "high": round(float(bounds[1][place]), 4),
        }
        for place, name in enumerate(("rejected", "removed"))
    }


def cross_fitted(tail: Tail, columns: tuple[int, ...]) -> DoubleFloats:
    """(P,) chances of each pair by what other queries taught."""
    names = np.random.default_rng(0).permutation(np.unique(tail.queries))
    fold_of = dict(zip(names.tolist(), range(len(names)), strict=True))
    folds = np.array([fold_of[query] % FOLDS for query in tail.queries.tolist()])
    chances = np.zeros(len(tail))
    for fold in range(FOLDS):
        own, others = folds == fold, tail.select(folds != fold)
        if not own.any():
            continue
        weights, constant = _fitted(others, columns)
        cut = MatchCut(kind="", weights=weights, constant=constant, threshold=0.0)
        chances[own] = cut.chances(tail.features[own])
    return chances


def _fitted(tail: Tail, columns: tuple[int, ...]) -> tuple[tuple[float, float, float], float]:
    """Weights and constant of least cross entropy, each weight at least 0.

    A nearer item, and one that is chosen more, is never the worse match.
    """
    read = tail.features[:, list(columns)]
    mean, scale = read.mean(axis=0), read.std(axis=0) + 1e-9
    standard, good = (read - mean) / scale, tail.good.astype(np.float64)

    def loss(values: DoubleFloats) -> tuple[float, DoubleFloats]:
        odds = standard @ values[1:] + values[0]
        wrong = 1.0 / (1.0 + np.exp(-np.clip(odds, -60.0, 60.0))) - good
        slope = np.concatenate([[wrong.sum()], standard.T @ wrong + PENALTY * values[1:]])
        entropy = float((np.logaddexp(0.0, odds) - good * odds).sum())
        return entropy + PENALTY / 2 * float((values[1:] ** 2).sum()), slope

    bounds = [(None, None), *((0.0, None) for _ in columns)]
    start = np.zeros(len(columns) + 1)
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = [0.0] * len(FEATURES)
    for place, column in enumerate(columns):
        weights[column] = float(found[1 + place] / scale[place])
    constant = float(found[0] - (found[1:] * mean / scale).sum())
    near, share, odds = weights
    return (near, share, odds), constant
