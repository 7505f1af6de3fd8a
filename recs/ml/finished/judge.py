"""The chance that a text is a finished query: logistic regression over bins of each feature.

Its parameters are plain JSON, so that nothing but NumPy is needed to use it and a reader sees what
each bin adds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.errors import ArtifactError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SCHEMA = 1
BINS = 12
# Weight of what is learned against keeping all weights small.
STRENGTH = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`edges` and `weights`: by feature, one weight more than edges. `threshold`: of a chance."""

    names: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    weights: tuple[tuple[float, ...], ...]
    bias: float
    threshold: float

    def chances(self, features: Floats) -> Floats:
        """(V,) float64 from 0 to 1 of (V, F) features in the order of `names`."""
        if features.ndim != 2 or features.shape[1] != len(self.names):
            raise ValueError(f"{features.shape} features, known are {len(self.names)} columns.")
        scores = np.full(len(features), self.bias)
        for column, edges, weights in zip(features.T, self.edges, self.weights, strict=True):
            scores += np.array(weights)[np.searchsorted(np.array(edges), column, side="right")]
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -500.0, 500.0))))

    def as_json(self) -> dict[str, Any]:
        """What from_json() reads."""
        return {
            "schema": SCHEMA,
            "names": list(self.names),
            "edges": [list(each) for each in self.edges],
            "weights": [list(each) for each in self.weights],
            "bias": self.bias,
            "threshold": self.threshold,
        }

    @classmethod
    def from_json(cls, value: object, *, known: Sequence[str]) -> "Judge":
        """A judge as it was written.

        Args:
            value: what as_json() gave.
            known: names of the features that can be computed.

        Raises:
            ArtifactError: says what is wrong with it.
        """
        try:
            found = _parsed(value)
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"This is no judge of finished queries: {error!r}") from error
        if unknown := sorted(set(found.names) - set(known)):
            raise ArtifactError(f"Features that are not known here: {', '.join(unknown)}.")
        return found


def fit(features: Floats, labels: Bools, names: Sequence[str], *, threshold: float = 0.5) -> Judge:
    """Learn the weights; the same input gives the same judge.

    Args:
        features: (V, F).
        labels: (V,), both kinds among them.
        names: F.
        threshold: see Judge.

    Raises:
        ValueError: where all labels are the same.
    """
    # scikit-learn takes a second to import, and a process that only judges needs none of it.
    from sklearn.linear_model import LogisticRegression

    if labels.all() or not labels.any():
        raise ValueError("Finished and unfinished texts are both needed to learn from.")
    edges = [_edges(column) for column in features.T]
    places = [
        np.searchsorted(own, column, side="right")
        for own, column in zip(edges, features.T, strict=True)
    ]
    binned = np.concatenate(
        [np.eye(len(own) + 1)[place] for own, place in zip(edges, places, strict=True)], axis=1
    )  # (V, all bins)
    fitted = LogisticRegression(C=STRENGTH, max_iter=2000, tol=1e-6).fit(binned, labels)
    splits = np.cumsum([len(own) + 1 for own in edges])[:-1]
    return Judge(
        names=tuple(names),
        edges=tuple(tuple(own.tolist()) for own in edges),
        weights=tuple(tuple(part.tolist()) for part in np.split(fitted.coef_[0], splits)),
        bias=float(fitted.intercept_[0]),
        threshold=threshold,
    )


def _edges(column: Floats) -> Floats:
    """Between quantiles; a bin for each value where there are few."""
    values = np.unique(column)
    if len(values) <= BINS:
        return np.asarray((values[1:] + values[:-1]) / 2)
    return np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1]))


def _parsed(value: object) -> Judge:
    if not isinstance(value, Mapping):
        raise TypeError("no mapping")
    if value["schema"] != SCHEMA:
        raise ValueError(f"schema {value['schema']}, known is {SCHEMA}")
    names = tuple(str(name) for name in value["names"])
    edges = tuple(tuple(map(float, each)) for each in value["edges"])
    weights = tuple(tuple(map(float, each)) for each in value["weights"])
    bias, threshold = float(value["bias"]), float(value["threshold"])
    if not names or not len(names) == len(edges) == len(weights) == len(set(names)):
        raise ValueError("names, edges and weights are not of one length")
    for name, own, parts in zip(names, edges, weights, strict=True):
        if len(parts) != len(own) + 1 or any(a >= b for a, b in pairwise(own)):
            raise ValueError(f"the bins of '{name}' are not in order, or lack weights")
    numbers = [bias, threshold, *(n for each in (*edges, *weights) for n in each)]
    if not np.isfinite(numbers).all() or not 0.0 <= threshold <= 1.0:
        raise ValueError("a number is not finite, or the threshold not from 0 to 1")
    return Judge(names=names, edges=edges, weights=weights, bias=bias, threshold=threshold)
