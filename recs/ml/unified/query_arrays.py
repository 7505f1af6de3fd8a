"""The query tower in NumPy: what a web process encodes a request with, without torch.

The test holds it against `towers.QueryTower` to 1e-5. Letters: R requests, T history, D embedding
size, N items.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.unified.tower_arrays import block, linear, words_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_REQUEST, _SHARED = "requests.", "shared."
_BESIDE = "requests.beside.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """R requests with what was filled in, as arrays; a part that is lacking is zeros.

    `tasks`, `sources`: (R,) int64. `text`: (R, T) float32 vectors of the words; `tokens`,
    `attributes`: their rows, sparse. `graph`: (R, G) float32. `history`: (R, L) int64, newest last,
    0 in front. `asked`: (R, T) float32, the mean text vector of the person's newest words. `given`:
    (R, 3) float32, whether words, source and person were given.
    """

    tasks: Ints
    text: Floats
    tokens: sparse.csr_matrix
    attributes: sparse.csr_matrix
    graph: Floats
    sources: Ints
    history: Ints
    asked: Floats
    given: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryArrays:
    """Weights of the query tower, and what an item is as a source and in a history.

    `weights`: by name, of the shared maps and of the query tower. `sources`: (N + 1, D) float32,
    vectors of items as of the version, with what stands beside them.
    """

    weights: Mapping[str, Floats]
    sources: Floats

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "QueryArrays":
        """Of the weights of both towers, as `towers.arrays_of` gives them.

        Raises:
            KeyError: where the catalogue's vectors are missing.
        """
        sources = np.asarray(arrays["catalogue"], np.float32)
        if _BESIDE in arrays:
            beside = np.array(arrays[_BESIDE], np.float32)
            beside[0] = 0.0
            sources = sources + beside
        return cls.of_weights(arrays, sources)

    @classmethod
    def of_weights(cls, arrays: Mapping[str, npt.NDArray[Any]], sources: Floats) -> "QueryArrays":
        """Of the weights, with what `sources` is made of added up already."""
        kept = {
            name: np.asarray(array, np.float32)
            for name, array in arrays.items()
            if name.startswith((_REQUEST, _SHARED)) and name != _BESIDE
        }
        return cls(weights=kept, sources=np.asarray(sources, np.float32))

    def encode(self, asked: Asked) -> Floats:
        """(R, D) float32 of unit length."""
        total = words_of(self.weights, asked.text, asked.tokens, asked.attributes)
        if self._has("requests.graph_map.weight"):
            total += self._linear("requests.graph_map", asked.graph)
        if (tasks := self.weights.get("requests.tasks.weight")) is not None:
            total = total + tasks[asked.tasks]
        if self._has("requests.source_map.weight"):
            total = total + self._linear("requests.source_map", self.sources[asked.sources])
        if self._has("requests.history.ages"):
            total = total + self._history(total, asked.history)
        if self._has("requests.asked_map.weight") and self._has("shared.text.weight"):
            mapped = self._linear("shared.text", asked.asked)
            total = total + self._linear("requests.asked_map", mapped)
        known = np.stack([asked.graph.any(axis=1), (asked.history > 0).any(axis=1)], axis=1)
        given = np.concatenate([asked.given, known], axis=1).astype(np.float32)
        lacks = (np.float32(1.0) - given) @ self.weights["requests.missing.weight"]
        return block(self.weights, "requests.block", np.asarray(total + lacks, np.float32))

    def _history(self, asks: Floats, rows: Ints) -> Floats:
        items = self.sources[rows]  # (R, T, D)
        keys = self._linear("requests.history.keys", items)
        weights = np.einsum("rd,rtd->rt", self._linear("requests.history.asks", asks), keys)
        ages = self.weights["requests.history.ages"][-rows.shape[1] :]
        weights = weights * np.float32(items.shape[-1] ** -0.5) + ages
        weights = np.where(rows == 0, np.float32(-1e4), weights)
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        weights = np.where(rows == 0, np.float32(0.0), weights)
        values = self._linear("requests.history.values", items)
        return np.asarray(np.einsum("rt,rtd->rd", weights, values), np.float32)

    def _has(self, name: str) -> bool:
        return name in self.weights

    def _linear(self, name: str, values: Floats) -> Floats:
        return linear(self.weights, name, values)
