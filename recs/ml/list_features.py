"""What a second look at a shortlist reads: the numbers, and how each compares within the list."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def list_features(numbers: Floats, scores: Floats, lengths: Floats) -> Floats:
    """Features of B shortlists of C candidates.

    Args:
        numbers: (B, C, F) float32, evidence of each candidate.
        scores: (B, C) float32, what the mixture made of it; minus infinity for what is no
            candidate (a person may have fewer than C): it counts in no rank.
        lengths: (B,) float32, events of each history.

    Returns:
        (B, C, 2 F + 2) float32: the numbers and the score, the logarithm of the rank that each
        number has within its list (ties share the best rank), and of the history's length. All
        finite; zeros for what is no candidate.
    """
    is_there = ~np.isneginf(scores)
    better = np.empty(numbers.shape, np.float32)
    for name in range(numbers.shape[2]):
        column = np.where(is_there, numbers[..., name], -np.inf)  # (B, C)
        order = np.sort(-column, axis=1)
        # The first place at which a value stands among the sorted ones: how many are above it.
        for row, (values, ordered) in enumerate(zip(-column, order, strict=True)):
            better[row, :, name] = np.searchsorted(ordered, values, side="left")
    length = np.broadcast_to(np.log1p(lengths)[:, None, None], (*scores.shape, 1))
    parts = [numbers, scores[..., None], np.log1p(better), length]
    features = np.concatenate(parts, axis=2).astype(np.float32)
    features[~is_there] = 0.0
    return features
