"""What the towers are trained by: one of three losses over the same scores.

Letters: B requests, K candidates (targets of the batch, then drawn items). Scores are cosines.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_LOW = -1e4


def softmax_loss(scores: Tensor, good: Tensor, *, temperature: float, shift: Tensor) -> Tensor:
    """Cross entropy of each request's target among the candidates.

    Source: Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
        Recommendations, RecSys 2019 (in-batch softmax with log-Q correction).

    Args:
        scores: (B, K) float; the target of request b stands in column b.
        good: (B, K) bool, candidates that are no negatives of a request, its target included.
        temperature: scores are divided by it.
        shift: (K,) float, taken off each candidate's logit: log of how often it is a candidate.

    Returns:
        () float, mean in nats.
    """
    logits = scores / temperature - shift
    own = torch.arange(len(scores), device=scores.device)
    kept = good.clone()
    kept[own, own] = False
    logits = logits.masked_fill(kept, _LOW)
    # The target's own logit is not corrected (Khrylchenko et al., RecSys 2025).
    logits[own, own] = scores[own, own] / temperature
    return F.cross_entropy(logits, own)


def threshold_loss(
    scores: Tensor, good: Tensor, strengths: Tensor, *, thresholds: Tensor, none: float
) -> Tensor:
    """Targets have to reach the threshold of their strength, others to stay below the last.

    So a score means the same whatever was asked, and a cut-off is possible.

    Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023, section
        3.2 (multi-part hinge).
    Differs from the paper: the negatives of a request weigh as its target does, by their mean over
        those that are above their threshold, so that easy ones do not drown the others.

    Args:
        scores: (B, K) float; the target of request b stands in column b.
        good: (B, K) bool, candidates that are no negatives of a request.
        strengths: (B,) int64, place in `thresholds`.
        thresholds: (S,) float, rising.
        none: below it an item has to stay that was not chosen.

    Returns:
        () float, mean over requests.
    """
    own = torch.arange(len(scores), device=scores.device)
    short = F.relu(thresholds[strengths] - scores[own, own])  # (B,)
    above = F.relu(scores - none).masked_fill(good, 0.0)  # (B, K)
    count = (above > 0).sum(dim=1).clamp(min=1)
    return (short + above.sum(dim=1) / count).mean()


def pairwise_loss(scores: Tensor, good: Tensor, *, temperature: float) -> Tensor:
    """How far each target is from standing above each negative.

    Source: Rendle et al., BPR, UAI 2009, section 4.1.

    Args:
        scores: (B, K) float; the target of request b stands in column b.
        good: (B, K) bool, candidates that are no negatives of a request.
        temperature: differences are divided by it.

    Returns:
        () float, mean in nats over pairs.
    """
    own = torch.arange(len(scores), device=scores.device)
    differences = (scores - scores[own, own].unsqueeze(1)) / temperature  # (B, K)
    losses = F.softplus(differences).masked_fill(good, 0.0)
    return losses.sum() / (~good).sum().clamp(min=1)
