"""The ranker of query recommendations as it answers: a small network in NumPy, no torch.

Letters: C candidates, F features, H hidden units.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.query_ranking.features import GROUPS, NAMES, at_served_place

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRanker:
    """Chances that a recommended query is picked and leads to something wanted.

    `mean`, `scale`: (F,) of the standardised features. `linear`: (F,), `bias`: (): the plain part.
    `inner`: (F, H), `inner_bias`: (H,), `outer`: (H,): the hidden part; H may be 0. `slope`,
    `shift`: the calibration of the sum (Platt, 1999).
    """

    mean: DoubleFloats
    scale: DoubleFloats
    linear: DoubleFloats
    bias: float
    inner: DoubleFloats
    inner_bias: DoubleFloats
    outer: DoubleFloats
    slope: float = 1.0
    shift: float = 0.0

    def raw(self, features: Floats) -> DoubleFloats:
        """(C,) log-odds before calibration, of (C, F) features as they stand, places and all."""
        plain = (features.astype(np.float64) - self.mean) / self.scale
        # What lies far outside of everything that was learned from says no more than its edge.
        plain = np.clip(plain, -8.0, 8.0)
        hidden = np.maximum(plain @ self.inner + self.inner_bias, 0.0)  # (C, H)
        return np.asarray(plain @ self.linear + self.bias + hidden @ self.outer)

    def logits(self, features: Floats) -> DoubleFloats:
        """(C,) calibrated log-odds; every candidate is taken to stand at the same place."""
        return self.slope * self.raw(at_served_place(features)) + self.shift

    def chances(self, features: Floats) -> DoubleFloats:
        """(C,) from 0 to 1."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.logits(features), -40, 40))))

    def contributions(self, features: Floats) -> list[dict[str, float]]:
        """For each candidate by group: log-odds it would lose, were the group as in a usual one."""
        whole = self.logits(features)
        usual = features.mean(axis=0)
        told: list[dict[str, float]] = [{} for _ in range(len(features))]
        for group, names in GROUPS.items():
            columns = [NAMES.index(name) for name in names]
            without = features.copy()
            without[:, columns] = usual[columns]
            for row, lost in zip(told, whole - self.logits(without), strict=True):
                row[group] = round(float(lost), 4)
        return told

    def tensors(self) -> dict[str, npt.NDArray[np.float64]]:
        """Everything that is saved, as arrays."""
        return {
            "mean": self.mean, "scale": self.scale, "linear": self.linear,
            "bias": np.array([self.bias, self.slope, self.shift]), "inner": self.inner,
            "inner_bias": self.inner_bias, "outer": self.outer,
        }  # fmt: skip


def from_arrays(config: Mapping[str, Any], tensors: Arrays) -> QueryRanker:
    """A ranker as it was saved.

    Raises:
        ValueError: where it reads other features than this release makes.
        KeyError: where an array is missing.
    """
    if tuple(config["features"]) != NAMES:
        raise ValueError("It reads other features than this release makes.")
    bias, slope, shift = (float(each) for each in tensors["bias"])
    arrays = {
        name: np.asarray(tensors[name], np.float64)
        for name in ("mean", "scale", "linear", "inner", "inner_bias", "outer")
    }
    if arrays["mean"].shape != (len(NAMES),) or arrays["inner"].shape[0] != len(NAMES):
        raise ValueError("Its arrays are of other sizes than its features.")
    return QueryRanker(**arrays, bias=bias, slope=slope, shift=shift)
