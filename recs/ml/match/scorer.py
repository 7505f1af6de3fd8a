"""The match filter's scorer as it answers: chances of a bad match, in NumPy alone.

A line of standardised features and small trees are added up; either may be missing. Letters: C
pairs, F features, T trees, N nodes of the largest tree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """T trees. A node whose `feature` is below 0 is a leaf of that `value`.

    All (T, N). `threshold`: what is at most that goes `left`, all else `right`. `depth`: of the
    deepest tree.
    """

    feature: Ints
    threshold: DoubleFloats
    left: Ints
    right: Ints
    value: DoubleFloats
    depth: int

    def added(self, features: Floats) -> DoubleFloats:
        """(C,) sums of the leaves that each pair ends in."""
        count, trees = len(features), len(self.feature)
        if not trees or not count:
            return np.zeros(count)
        # One long row of nodes: a look-up by one number is several times as fast as by two. A leaf
        # leads to itself, so that all pairs take the same number of steps.
        size = self.feature.shape[1]
        first = (np.arange(trees, dtype=np.int64) * size)[:, None]
        itself = first + np.arange(size)
        is_leaf = self.feature < 0
        onward = np.stack(
            [
                np.where(is_leaf, itself, first + self.left),
                np.where(is_leaf, itself, first + self.right),
            ],
            axis=-1,
        ).reshape(-1)
        read = np.maximum(self.feature, 0).reshape(-1)
        threshold, value = self.threshold.reshape(-1), self.value.reshape(-1)
        values = features.astype(np.float64).reshape(-1)
        row = (np.arange(count, dtype=np.int64) * features.shape[1])[:, None]
        node = np.broadcast_to(first[:, 0], (count, trees))
        for _ in range(self.depth):
            is_more = values.take(row + read.take(node)) > threshold.take(node)
            node = onward.take(2 * node + is_more)
        return np.asarray(value.take(node).sum(axis=1))


NO_TREES = Trees(
    feature=np.zeros((0, 1), np.int32), threshold=np.zeros((0, 1)),
    left=np.zeros((0, 1), np.int32), right=np.zeros((0, 1), np.int32), value=np.zeros((0, 1)),
    depth=0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchScorer:
    """Chance that a pair is a bad match.

    `mean`, `scale`, `linear`: (F,). `slope`, `shift`: the calibration of the sum (Platt, 1999).
    """

    names: Sequence[str]
    mean: DoubleFloats
    scale: DoubleFloats
    linear: DoubleFloats
    bias: float
    trees: Trees = field(default_factory=lambda: NO_TREES)
    slope: float = 1.0
    shift: float = 0.0

    def raw(self, features: Floats) -> DoubleFloats:
        """(C,) log-odds before calibration, of (C, F)."""
        plain = np.clip((features.astype(np.float64) - self.mean) / self.scale, -8.0, 8.0)
        return np.asarray(plain @ self.linear + self.bias + self.trees.added(features))

    def chances(self, features: Floats) -> DoubleFloats:
        """(C,) from 0 to 1, calibrated."""
        logits = np.clip(self.slope * self.raw(features) + self.shift, -40.0, 40.0)
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))

    def tensors(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """Everything that is saved, as arrays."""
        trees = self.trees
        found: dict[str, npt.NDArray[Any]] = {
            "mean": self.mean, "scale": self.scale, "linear": self.linear,
            "numbers": np.array([self.bias, self.slope, self.shift, float(trees.depth)]),
            "tree_feature": trees.feature, "tree_threshold": trees.threshold,
            "tree_left": trees.left, "tree_right": trees.right, "tree_value": trees.value,
        }  # fmt: skip
        return {f"{prefix}.{name}": array for name, array in found.items()}


def scorer_of(names: Sequence[str], tensors: Arrays, prefix: str) -> MatchScorer:
    """A scorer as it was saved.

    Args:
        names: of the features that this release makes, in order.
        tensors: of the artifact.
        prefix: which scorer of it.

    Raises:
        ValueError: where its arrays are of other sizes, or a tree leads out of itself.
        KeyError: where one is missing.
    """
    mean = np.asarray(tensors[f"{prefix}.mean"], np.float64)
    if mean.shape != (len(names),):
        raise ValueError("It reads other features than this release makes.")
    bias, slope, shift, depth = (float(one) for one in tensors[f"{prefix}.numbers"])
    read = {
        name: np.asarray(tensors[f"{prefix}.tree_{name}"])
        for name in ("feature", "threshold", "left", "right", "value")
    }
    nodes = read["feature"].shape[1]
    for name in ("left", "right"):
        if read[name].size and not (read[name].min() >= 0 and read[name].max() < nodes):
            raise ValueError("A tree leads out of itself.")
    if read["feature"].size and read["feature"].max() >= len(names):
        raise ValueError("A tree reads a feature that is not there.")
    return MatchScorer(
        names=tuple(names), mean=mean, scale=np.asarray(tensors[f"{prefix}.scale"], np.float64),
        linear=np.asarray(tensors[f"{prefix}.linear"], np.float64), bias=bias,
        trees=Trees(**read, depth=int(depth)), slope=slope, shift=shift,
    )  # fmt: skip
