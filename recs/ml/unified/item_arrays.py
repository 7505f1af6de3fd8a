"""The item tower in NumPy: what an item that came after the training is placed with, at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.buckets import known_bucket
from recs.ml.unified.inputs import ItemInputs
from recs.ml.unified.tower_arrays import block, linear, words_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_PREFIXES = ("items.", "shared.", "requests.missing.")


@dataclass(frozen=True, slots=True)
class ItemArrays:
    """Weights of the item tower, by name."""

    weights: Mapping[str, Floats]

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "ItemArrays":
        """Of the weights of both towers, as `towers.arrays_of` gives them."""
        kept = {n: np.asarray(a, np.float32) for n, a in arrays.items() if n.startswith(_PREFIXES)}
        return cls(kept)

    def encode(self, items: ItemInputs, ids: Ints | None = None) -> Floats:
        """(n, D) float32 of unit length, of the items in rows 1 to n.

        Args:
            items: n items with row 0 as padding; what is lacking is zeros.
            ids: (n,) int64, their rows when the version was made, 0 for new ones; None says that
                these are the items of the version, in order.
        """
        weights = self.weights
        total = words_of(weights, items.text, items.tokens, items.attributes)[1:]
        if "items.graph_map.weight" in weights:
            total += linear(weights, "items.graph_map", items.graph[1:])
        if "items.scalar_map.weight" in weights:
            total += linear(weights, "items.scalar_map", items.scalars[1:] - np.float32(0.5))
        for name, table in items.others.items():
            total += linear(weights, f"items.other_maps.{name}", table[1:])
        for level in range(items.codes.shape[1]):
            if (codes := weights.get(f"items.code_tables.{level}.weight")) is not None:
                total += codes[items.codes[1:, level]]
        if (own := weights.get("items.ids.weight")) is not None:
            known = known_bucket(items.counts[1:])
            rows = np.arange(1, len(items) + 1) if ids is None else ids
            share = 1.0 / (1.0 + np.exp(-weights["items.gate"][known])) * (known > 0) * (rows > 0)
            total += share[:, None].astype(np.float32) * own[rows]
        return block(weights, "items.block", total)
