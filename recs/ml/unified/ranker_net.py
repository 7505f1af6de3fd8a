"""The ranker's network: crossing beside residual layers. `ranker_arrays` has it in NumPy.

Source: Wang et al., DCN V2: Improved Deep and Cross Network and Practical Lessons for Web-scale
    Learning to Rank Systems, WWW 2021, section 3 (cross layers, parallel structure); Bhattacharya
    et al., UniCoRn, RecSys 2024 (residual connections and feature crossing, one output, binary
    cross entropy).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerNetConfig:
    """Sizes; `crosses` or `blocks` 0 takes that part away, for an ablation."""

    width: int = 64
    crosses: int = 1
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
