"""Vectors of words and items from who was chosen for what: a bipartite graph, frozen afterwards.

Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023, section
    3.1.1 (a frozen graph embedding of queries and products). Levy and Goldberg, Neural Word
    Embedding as Implicit Matrix Factorization, NIPS 2014 (what such embeddings factorise).
Differs from the paper: a truncated SVD of the normalised adjacency instead of random walks, so that
    it is the same each time and takes seconds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

DIMENSIONS = 64
# Of the strongest direction's strength; below it there is rounding.
LEAST_STRENGTH = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryGraph:
    """`words`: (M + 1, G), `items`: (N + 1, G) float32; zeros where nothing is known."""

    words: Floats
    items: Floats


def edges_of(words: Ints, items: Ints, shape: tuple[int, int]) -> sparse.csr_matrix:
    """(M + 1, N + 1) float32: how often each item was chosen for each row of words.

    Args:
        words: (E,) int64; 0 has no edge.
        items: (E,) int64.
        shape: M + 1 and N + 1.
    """
    kept = (words > 0) & (items > 0)
    ones = np.ones(int(kept.sum()), np.float32)
    return sparse.csr_matrix((ones, (words[kept], items[kept])), shape, dtype=np.float32)


def fit_query_graph(
    edges: sparse.csr_matrix, *, dimensions: int = DIMENSIONS, seed: int = 0
) -> QueryGraph:
    """Vectors whose products come near to the normalised adjacency.

    Args:
        edges: as edges_of() gives them; of the training window alone.
        dimensions: G; fewer where the graph is smaller, the rest stays zero.
        seed: of the SVD's start.
    """
    words = np.zeros((edges.shape[0], dimensions), np.float32)
    items = np.zeros((edges.shape[1], dimensions), np.float32)
    size = min(dimensions, min(edges.shape) - 1, edges.nnz)
    if size < 1:
        return QueryGraph(words=words, items=items)
    damped = edges.copy()
    damped.data = np.log1p(damped.data)
    left, right = (_scales(damped, axis) for axis in (1, 0))
    normal = sparse.diags(left) @ damped @ sparse.diags(right)
    u, strength, v = randomized_svd(normal, n_components=size, random_state=seed)
    # Directions without strength are chance, and rows without an edge have a part in them.
    root = np.sqrt(np.where(strength > LEAST_STRENGTH * strength[0], strength, 0.0))
    words[:, :size], items[:, :size] = _unit(u * root), _unit(v.T * root)
    words[np.diff(damped.indptr) == 0] = 0.0
    items[np.bincount(damped.indices, minlength=damped.shape[1]) == 0] = 0.0
    return QueryGraph(words=words, items=items)


def _scales(edges: sparse.csr_matrix, axis: int) -> npt.NDArray[np.float64]:
    """One over the root of the sum of each row or column; 0 where it is empty."""
    sums = np.asarray(edges.sum(axis=axis), np.float64).reshape(-1)
    return np.where(sums > 0, 1.0 / np.sqrt(np.maximum(sums, 1e-12)), 0.0)


def _unit(table: npt.NDArray[np.float64]) -> Floats:
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > 1e-9, table / np.maximum(lengths, 1e-9), 0.0), np.float32)
