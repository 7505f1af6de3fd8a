"""The ranker's network in NumPy: what a web process ranks with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RankerArrays:
    """Weights of `ranker_net.RankerNet`, with the scale of its features.

    `weights`: by name as torch calls them. `mean`, `scale`: (F,) float32.
    """

    weights: Mapping[str, Floats]
    mean: Floats
    scale: Floats

    def logits(self, features: Floats) -> Floats:
        """(...,) float32 of (..., F) raw features."""
        read = (features - self.mean) / self.scale
        crossed = read
        for number in range(self._count("crosses")):
            crossed = read * self._layer(f"crosses.{number}", crossed) + crossed
        parts = [crossed]
        if "first.weight" in self.weights:
            states = np.maximum(self._layer("first", read), 0.0)
            for number in range(self._count("blocks")):
                states = states + np.maximum(self._layer(f"blocks.{number}", states), 0.0)
            parts.append(states)
        logits = self._layer("last", np.concatenate(parts, axis=-1))
        return np.asarray(logits[..., 0], np.float32)

    def _count(self, kind: str) -> int:
        return sum(name.startswith(f"{kind}.") and name.endswith("weight") for name in self.weights)

    def _layer(self, name: str, values: Floats) -> Floats:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return np.asarray(values @ weight.T + bias, np.float32)
