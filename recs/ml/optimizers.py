"""The optimizer of every run: AdamW, with a warm-up and no decay of biases and norms."""

import torch
from torch import nn

from recs.ml.fit_types import FitConfig


def make_optimizer(net: nn.Module, config: FitConfig) -> torch.optim.AdamW:
    """AdamW over what is trainable, in groups of one decay and one factor of the rate."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            # Biases, norms and gains are vectors; pulling them to 0 has no sense.
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((decay, _factor(name, config)), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": members, "weight_decay": decay, "factor": factor}
            for (decay, factor), members in groups.items()
        ],
        lr=config.learning_rate,
        betas=config.betas,
        fused=True,
    )


def set_rate(
    optimizer: torch.optim.Optimizer, config: FitConfig, *, epoch: int, total_steps: int
) -> None:
    """The learning rate of the step after `total_steps` others."""
    warmth = min(1.0, (total_steps + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    rate = config.rate_of_epoch(epoch) * warmth
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def _factor(name: str, config: FitConfig) -> float:
    return next((by for start, by in config.rate_factors if name.startswith(start)), 1.0)
