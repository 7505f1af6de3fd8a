"""Losses of next-item prediction. Letters: recs/ml/shapes.py; P predictions, S samples."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from recs.ml.devices import product_dtype
from recs.ml.fused_softmax import (
    FusedCrossEntropy,
    FusedSampledCrossEntropy,
    Samples,
    SoftmaxSettings,
)


def full_softmax_loss(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    *,
    bias: Tensor | None = None,
    smoothing: float = 0.0,
) -> Tensor:
    """Cross entropy of each target against every item.

    Memory grows with P + N, not with P x N. Within `devices.using` the products may be bf16; the
    softmax and all sums are fp32.

    Args:
        hidden: (P, D) float, what the network made of each history.
        table: (N + 1, D) float, the items; row 0, the padding, is no candidate.
        targets: (P,) int64, from 1 to N.
        bias: (N + 1,) float, added to each item's logit, such as the log of its popularity.
        smoothing: share of each target's weight that is spread over all items, from 0 to below 1.

    Returns:
        () float32, mean in nats. Equals log(N) when every logit is the same.

    Raises:
        ValueError: for shapes that do not fit, no predictions, or smoothing out of range.
    """
    _check(hidden, table, targets)
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"smoothing goes from 0 to below 1, not {smoothing}.")
    if bias is not None and bias.shape != table.shape[:1]:
        raise ValueError(f"bias is {tuple(bias.shape)} for a table of {len(table)} rows.")
    settings = SoftmaxSettings(smoothing, product_dtype(), torch.is_grad_enabled())
    loss: Tensor = FusedCrossEntropy.apply(hidden, table, bias, targets, settings)  # type: ignore[no-untyped-call]
    return loss


def sampled_softmax_loss(
    hidden: Tensor, table: Tensor, targets: Tensor, *, samples: Tensor, log_q: Tensor
) -> Tensor:
    """Cross entropy of each target against sampled items, each weighed by how rarely it is drawn.

    The sum over all items in the softmax is replaced by the target's own term plus the samples',
    each divided by the number of times it was to be expected among them, so the sum is right in
    expectation. A sample that is the row's target counts for nothing there.

    Source: Bengio and Senecal, Adaptive Importance Sampling to Accelerate Training of a Neural
        Probabilistic Language Model, 2008; Khrylchenko et al., Correcting the LogQ Correction,
        RecSys 2025 (the target's own logit is not corrected).
    Differs from the papers: all rows share the samples; the second paper's weight of each row, 1
        less the target's probability, is left to the softmax's own gradient.

    Args:
        hidden: (P, D) float.
        table: (N + 1, D) float; row 0 is padding.
        targets: (P,) int64, from 1 to N.
        samples: (S,) int64, from 1 to N, as `sampling.ItemSampler.draw` gives them.
        log_q: (N + 1,) float, natural log of the probability that one draw gives an item; on the
            device of the samples, which may be another than that of the table.

    Returns:
        () float32, mean in nats. With each of N items once and log_q of -log(N) it equals
        `full_softmax_loss`.

    Raises:
        ValueError: for shapes that do not fit or no predictions.
    """
    _check(hidden, table, targets)
    if log_q.shape != table.shape[:1] or samples.ndim != 1 or not len(samples):
        raise ValueError("log_q has an entry for each row of the table; samples is (S,), S > 0.")
    shift = -(log_q[samples] + math.log(len(samples)))  # (S,)
    samples = samples.to(hidden.device)
    wanted = (hidden * table[targets]).sum(dim=-1)  # (P,)
    drawn = Samples(samples, shift.to(hidden.device), targets)
    settings = SoftmaxSettings(0.0, product_dtype(), torch.is_grad_enabled())
    loss: Tensor = FusedSampledCrossEntropy.apply(hidden, table[samples], wanted, drawn, settings)  # type: ignore[no-untyped-call]
    return loss


def bce_loss(hidden: Tensor, table: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """Binary cross entropy of each target against items that were drawn for it.

    Source: Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, equation 6.
    Differs from the paper: any number of negatives for each prediction, the mean of theirs counts.

    Args:
        hidden: (P, D) float.
        table: (N + 1, D) float.
        targets: (P,) int64, from 1 to N.
        negatives: (P, S) int64, from 1 to N.

    Returns:
        () float32, mean in nats. Equals 2 log 2 when every score is 0.

    Raises:
        ValueError: for shapes that do not fit or no predictions.
    """
    wanted, others = _pair_scores(hidden, table, targets, negatives)
    return F.softplus(-wanted).mean() + F.softplus(others).mean()


def bpr_loss(hidden: Tensor, table: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """How far each target is from being above the items that were drawn for it.

    Source: Rendle et al., BPR: Bayesian Personalized Ranking from Implicit Feedback, UAI 2009,
        section 4.1.
    Differs from the paper: no L2 term; decay is the optimizer's.

    Args:
        hidden: (P, D) float.
        table: (N + 1, D) float.
        targets: (P,) int64, from 1 to N.
        negatives: (P, S) int64, from 1 to N.

    Returns:
        () float32, mean in nats. Equals log 2 when every score is the same.

    Raises:
        ValueError: for shapes that do not fit or no predictions.
    """
    wanted, others = _pair_scores(hidden, table, targets, negatives)
    return F.softplus(others - wanted).mean()


def _pair_scores(
    hidden: Tensor, table: Tensor, targets: Tensor, negatives: Tensor
) -> tuple[Tensor, Tensor]:
    """Scores of the targets (P, 1) and of the negatives (P, S), fp32."""
    _check(hidden, table, targets)
    if negatives.ndim != 2 or len(negatives) != len(targets) or not negatives.shape[1]:
        raise ValueError(f"negatives is (P, S), S > 0, not {tuple(negatives.shape)}.")
    wanted = (hidden * table[targets]).sum(dim=-1, keepdim=True)  # (P, 1)
    drawn = table[negatives.to(hidden.device)].to(hidden.dtype)  # (P, S, D)
    others = torch.einsum("pd,psd->ps", hidden, drawn)  # (P, S)
    return wanted.float(), others.float()


def _check(hidden: Tensor, table: Tensor, targets: Tensor) -> None:
    if hidden.ndim != 2 or table.ndim != 2 or hidden.shape[1] != table.shape[1]:
        raise ValueError(f"{tuple(hidden.shape)} does not multiply with {tuple(table.shape)}.")
    if targets.shape != hidden.shape[:1] or not len(targets):
        raise ValueError(f"{tuple(targets.shape)} targets for {len(hidden)} predictions.")
