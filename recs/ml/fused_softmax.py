"""Cross entropy over a whole catalogue whose logits never exist all at once."""

import math
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

# Logits that exist at once: 2^21 in fp32 are 8 MiB, which a CPU caches; a GPU wants more.
_LOGITS_AT_ONCE = {"cpu": 2**21, "cuda": 2**28}
# With fewer rows the sums over them would cost more than the products.
_LEAST_ROWS = 64
_PADDING = 0


@dataclass(frozen=True, slots=True)
class SoftmaxSettings:
    """What is no tensor: see `losses.full_softmax_loss`."""

    smoothing: float
    dtype: torch.dtype
    with_gradient: bool


class FusedCrossEntropy(torch.autograd.Function):
    """Linear layer and cross entropy in one, some rows at a time, gradients on the way.

    Source: the idea of Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, ICLR
        2025.
    Differs from the paper: rows of logits are chunked, columns are not; plain torch, no kernel; no
        gradient is skipped for being small; gradients are made in the forward pass.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        table: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        settings: SoftmaxSettings,
    ) -> Tensor:
        """Mean loss () float32 of (P, D), (N + 1, D), (N + 1,) or None and (P,)."""
        items = table.to(settings.dtype)
        sums = _Sums.zeros(hidden, table, bias)
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(hidden), chunk := _rows_at_once(hidden, table)):
            part = hidden[start : start + chunk].to(settings.dtype)  # (R, D)
            logits = (part @ items.T).float()  # (R, N + 1)
            if bias is not None:
                logits += bias.float()
            loss, error = _errors(logits, targets[start : start + chunk], settings.smoothing)
            total += loss
            if settings.with_gradient:
                sums.add(start, error, part, items)
        ctx.save_for_backward(sums.hidden, sums.table, sums.bias)
        ctx.dtypes = [None if tensor is None else tensor.dtype for tensor in (hidden, table, bias)]
        ctx.rows = len(hidden)
        return total / len(hidden)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients that are there already, times what comes from outside."""
        return (*_scaled(ctx, outer), None, None)


@dataclass(frozen=True, slots=True)
class Samples:
    """Candidates that all rows share, without their vectors.

    `items`: (S,) int64. `shift`: (S,) float, added to the logit of each. `targets`: (P,) int64: a
    sample that is the row's own target counts for nothing there.
    """

    items: Tensor
    shift: Tensor
    targets: Tensor


class FusedSampledCrossEntropy(torch.autograd.Function):
    """Cross entropy of each row's own logit against those of samples, made in the same way."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        table: Tensor,
        wanted: Tensor,
        samples: Samples,
        settings: SoftmaxSettings,
    ) -> Tensor:
        """Mean loss () float32 of (P, D), vectors of the samples (S, D), targets' logits (P,)."""
        vectors = table.to(settings.dtype)
        sums = _Sums.zeros(hidden, table, None)
        own = torch.empty_like(wanted, dtype=torch.float32)
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(hidden), chunk := _rows_at_once(hidden, table)):
            rows = slice(start, start + chunk)
            part = hidden[rows].to(settings.dtype)  # (R, D)
            # A place for the padding, the samples, and the target last.
            logits = hidden.new_empty(len(part), len(table) + 2, dtype=torch.float32)
            others = logits[:, 1:-1]  # (R, S)
            torch.add(part @ vectors.T, samples.shift, out=others)
            others.masked_fill_(samples.items == samples.targets[rows, None], -math.inf)
            logits[:, -1] = wanted[rows]
            last = torch.full_like(samples.targets[rows], len(table) + 1)
            loss, error = _errors(logits, last, 0.0)
            total += loss
            if settings.with_gradient:
                sums.add(start, error[:, 1:-1], part, vectors)
                own[rows] = error[:, -1]
        ctx.save_for_backward(sums.hidden, sums.table, own)
        ctx.dtypes = [tensor.dtype for tensor in (hidden, table, wanted)]
        ctx.rows = len(hidden)
        return total / len(hidden)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients that are there already, times what comes from outside."""
        return (*_scaled(ctx, outer), None, None)


def _rows_at_once(hidden: Tensor, table: Tensor) -> int:
    at_once = _LOGITS_AT_ONCE.get(hidden.device.type, _LOGITS_AT_ONCE["cpu"])
    return max(_LEAST_ROWS, at_once // len(table))


def _scaled(ctx: Any, outer: Tensor) -> list[Tensor | None]:
    """Gradients of the mean in the dtypes of what they are of."""
    return [
        None if tensor is None else (tensor * (outer / ctx.rows)).to(dtype)
        for tensor, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Gradients of the sum of the losses, fp32."""

    hidden: Tensor
    table: Tensor
    bias: Tensor | None

    @classmethod
    def zeros(cls, hidden: Tensor, table: Tensor, bias: Tensor | None) -> Self:
        """Nothing yet."""
        return cls(
            torch.empty_like(hidden, dtype=torch.float32),
            torch.zeros_like(table, dtype=torch.float32),
            None if bias is None else torch.zeros_like(bias, dtype=torch.float32),
        )

    def add(self, start: int, error: Tensor, part: Tensor, items: Tensor) -> None:
        """What rows from `start` on add: `error` (R, N + 1) of the logits `part @ items.T`."""
        rounded = error.to(items.dtype)
        self.hidden[start : start + len(part)] = (rounded @ items).float()
        if items.dtype == torch.float32:
            self.table.addmm_(rounded.T, part)
        else:
            self.table.add_(rounded.T @ part)
        if self.bias is not None:
            self.bias.add_(error.sum(dim=0))


def _errors(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Sum of the losses () and the gradient of the logits (R, N + 1); both without the padding."""
    logits[:, _PADDING] = -math.inf
    wanted = targets[:, None]  # (R, 1)
    highest, where = logits.max(dim=1, keepdim=True)  # (R, 1)
    error = torch.softmax(logits, dim=1)  # (R, N + 1)
    # log of the sum of exponentials, by way of the largest share: never the log of 0.
    log_sum = highest - error.gather(1, where).log()  # (R, 1)
    loss = (log_sum - (1 - smoothing) * logits.gather(1, wanted)).sum()
    error.scatter_add_(1, wanted, torch.full_like(log_sum, smoothing - 1.0))
    if smoothing:
        loss -= smoothing * logits[:, 1:].mean(dim=1).sum()
        error[:, 1:] -= smoothing / (logits.shape[1] - 1)
    return loss, error
