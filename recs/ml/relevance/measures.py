"""How good scores of judged pairs are: NDCG, AUC, calibration, recall; NumPy only."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recs.ml.relevance.pairs import Pairs

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

K = 10
BINS = 10


def ndcg_by_query(scores: npt.ArrayLike, pairs: Pairs, k: int = K) -> DoubleFloats:
    """(Q,) float64: NDCG@k of each query that has a pair above the lowest grade.

    Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, TOIS 2002
        (gain 2^(grade - 1) - 1, discount log2(rank + 1)).

    Args:
        scores: (P,), higher is better; ties are broken by a hash of the id, so that a constant
            gains nothing.
        pairs: P judged ones.
        k: from 1.
    """
    values = np.asarray(scores, np.float64)
    lots = np.array([hashlib.sha256(name.encode()).hexdigest() for name in pairs.ids])
    order = np.lexsort((lots, -values, pairs.groups))
    gains = pairs.gains.astype(np.float64)
    found = []
    starts = np.flatnonzero(np.diff(pairs.groups[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        best = _dcg(-np.sort(-gains[rows]), k)
        if best > 0:
            found.append(_dcg(gains[rows], k) / best)
    return np.array(found, np.float64)


def _dcg(gains: DoubleFloats, k: int) -> float:
    top = gains[:k]
    return float((top / np.log2(np.arange(len(top)) + 2.0)).sum())


def clear_pairs(pairs: Pairs) -> tuple[Ints, Bools]:
    """Places of the pairs that are bad (grade 1) or good (3, 4), and which of them are bad."""
    grades = np.round(pairs.grades)
    rows = np.flatnonzero(grades != 2)
    return rows.astype(np.int64), np.asarray(grades[rows] == 1)


def auc(scores: npt.ArrayLike, is_bad: Bools) -> float:
    """Probability that a bad pair scores above a good one, ties half; NaN where one kind lacks."""
    values = np.asarray(scores, np.float64)
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    bad = int(is_bad.sum())
    good = len(values) - bad
    if not bad or not good:
        return float("nan")
    return float((ranks[is_bad].sum() - bad * (bad + 1) / 2.0) / (bad * good))


def calibration_error(chances: npt.ArrayLike, is_bad: Bools) -> float:
    """Expected calibration error in ten bins of equal width, from 0 to 1.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 2.
    """
    values = np.asarray(chances, np.float64)
    bins = np.minimum((values * BINS).astype(np.int64), BINS - 1)
    off = np.bincount(bins, values - is_bad, minlength=BINS)
    return float(np.abs(off).sum() / max(1, len(values)))


def recall_by_query(ranked: Sequence[Ints], relevant: Sequence[Ints], k: int) -> DoubleFloats:
    """(Q,) float64: the share of what is relevant that is among the first k.

    Args:
        ranked: of each query, best first.
        relevant: of each query, at least one.
        k: from 1; where more than k are relevant, not even a perfect ranking reaches 1.
    """
    return np.array(
        [
            len(np.intersect1d(found[:k], wanted)) / len(wanted)
            for found, wanted in zip(ranked, relevant, strict=True)
        ],
        np.float64,
    )
