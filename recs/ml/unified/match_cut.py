"""Where search cuts what is near in meaning and lacks words of the query: a chance, and a bound.

Three things can tell a good match from the tail: how near it is, how near beside the nearest of
all, and the ranker's log-odds that a stranger chooses it. match_cut_fit.py decides which of them
are read. P pairs of a query and an item; NumPy alone, for it answers requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FEATURES = ("nearness", "share_of_nearest", "log_odds")
# What each kind of cut reads.
KINDS: Mapping[str, tuple[int, ...]] = {"nearness": (0, 1), "chance": (2,), "both": (0, 1, 2)}
# The bounds of a search without a model (search.dense).
FLOORS = "floors"
LEAST_NEARNESS, LEAST_SHARE = 0.38, 0.80
# So many of the nearest are looked at.
LOOKED_AT = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCut:
    """A chance of a good match, log-odds of `weights` and `constant`, and what it must reach.

    `weights`: of FEATURES, 0 for those that are not read.
    """

    kind: str
    weights: tuple[float, float, float]
    constant: float
    threshold: float

    def chances(self, features: DoubleFloats) -> DoubleFloats:
        """(P,) from 0 to 1 of (P, 3)."""
        odds = features @ np.array(self.weights) + self.constant
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -60.0, 60.0))), np.float64)

    def keeps(self, features: DoubleFloats) -> Bools:
        """(P,) bool: what is part of the set."""
        return np.asarray(self.chances(features) >= self.threshold)

    def as_json(self) -> dict[str, Any]:
        """What read() takes."""
        return {
            "kind": self.kind,
            "weights": list(self.weights),
            "constant": self.constant,
            "threshold": self.threshold,
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self | None:
        """The cut that a report holds; None where the floors stand."""
        if not kept or kept.get("kind") not in KINDS:
            return None
        near, share, odds = (float(weight) for weight in kept["weights"])
        return cls(
            kind=str(kept["kind"]),
            weights=(near, share, odds),
            constant=float(kept["constant"]),
            threshold=float(kept["threshold"]),
        )


def tail_features(
    nearness: npt.NDArray[np.floating[Any]], nearest: float, log_odds: npt.NDArray[Any]
) -> DoubleFloats:
    """(P, 3) of one query's pairs.

    Args:
        nearness: (P,) cosines of the texts.
        nearest: the highest of any item that the query finds.
        log_odds: (P,) of being chosen by a stranger.
    """
    near = np.asarray(nearness, np.float64)
    return np.stack([near, near / max(nearest, 1e-6), np.asarray(log_odds, np.float64)], axis=1)


def floors(features: DoubleFloats) -> DoubleFloats:
    """(P,): 1 or more where the nearness reaches both floors of a search without a model."""
    return np.minimum(features[:, 0] / LEAST_NEARNESS, features[:, 1] / LEAST_SHARE)
