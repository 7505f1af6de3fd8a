"""The ranker's network: crossing beside residual layers; in torch to learn, in NumPy to serve.

Source: Wang et al., DCN V2: Improved Deep and Cross Network and Practical Lessons for Web-scale
    Learning to Rank Systems, WWW 2021, section 3 (cross layers, parallel structure); Bhattacharya
    et al., UniCoRn, RecSys 2024 (residual connections and feature crossing, one output, binary
    cross entropy).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerNetConfig:
    """Sizes; `crosses` or `blocks` 0 takes that part away, for an ablation."""

    width: int = 64
    crosses: int = 2
    blocks: int = 2
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if self.width < 1 or min(self.crosses, self.blocks) < 0:
            raise ValueError("width counts from 1, crosses and blocks from 0.")


class RankerNet(nn.Module):
    """(..., F) standardised features to (...,) logits of being chosen."""

    def __init__(self, features: int, config: RankerNetConfig) -> None:
        """Weights; without crosses and blocks it is a logistic regression."""
        super().__init__()
        self.crosses = nn.ModuleList(nn.Linear(features, features) for _ in range(config.crosses))
        self.first = nn.Linear(features, config.width) if config.blocks else None
        self.blocks = nn.ModuleList(
            nn.Linear(config.width, config.width) for _ in range(config.blocks)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.last = nn.Linear(features + (config.width if config.blocks else 0), 1)
        for cross in self.crosses:
            assert isinstance(cross, nn.Linear)
            nn.init.normal_(cross.weight, std=0.1 * features**-0.5)

    def forward(self, features: Tensor) -> Tensor:
        """(...,) of (..., F)."""
        crossed = features
        for layer in self.crosses:
            crossed = features * layer(crossed) + crossed
        parts = [crossed]
        if self.first is not None:
            states = F.relu(self.first(features))
            for layer in self.blocks:
                states = states + self.dropout(F.relu(layer(states)))
            parts.append(states)
        logits: Tensor = self.last(torch.cat(parts, dim=-1)).squeeze(-1)
        return logits


@dataclass(frozen=True, slots=True)
class RankerArrays:
    """The same network in NumPy, with the scale of its features: what a web process ranks with.

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
