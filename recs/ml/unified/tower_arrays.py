"""The layers of both towers in NumPy; `layers.py` has them in torch, with the same names."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import erf

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]


def words_of(
    weights: Weights, text: Floats, tokens: sparse.csr_matrix, attributes: sparse.csr_matrix
) -> Floats:
    """(R, D) float32: what text, n-grams and facts of R rows say, by what both towers share."""
    size = weights["requests.missing.weight"].shape[1]
    total = np.zeros((len(text), size), np.float32)
    if "shared.text.weight" in weights:
        total += linear(weights, "shared.text", text)
    for name, rows in (("tokens", tokens), ("attributes", attributes)):
        if (table := weights.get(f"shared.{name}.weight")) is not None:
            total += rows @ table
    return total


def linear(weights: Weights, name: str, values: Floats) -> Floats:
    """(..., out) float32 of (..., in)."""
    found = values @ weights[f"{name}.weight"].T
    bias = weights.get(f"{name}.bias")
    return np.asarray(found if bias is None else found + bias, np.float32)


def block(weights: Weights, name: str, states: Floats) -> Floats:
    """(R, D) float32 of unit length; see layers.Block."""
    centred = states - states.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-5))
    normal = centred / spread * weights[f"{name}.norm.weight"]
    inner = linear(weights, f"{name}.inner", normal + weights[f"{name}.norm.bias"])
    inner = inner * np.float32(0.5) * (1.0 + erf(inner * np.float32(0.5**0.5)))
    found = states + linear(weights, f"{name}.outer", inner)
    lengths = np.linalg.norm(found, axis=-1, keepdims=True)
    return np.asarray(found / np.maximum(lengths, 1e-6), np.float32)
