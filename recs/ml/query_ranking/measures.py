"""How well shown queries are ordered: reciprocal rank of the first that led to something."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

DoubleFloats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Lists(Protocol):
    """R rows in L lists, rising, with labels."""

    @property
    def labels(self) -> DoubleFloats:
        """(R,) 1 for a good end."""

    @property
    def lists(self) -> Ints:
        """(R,) rising."""


def reciprocal_ranks(scores: npt.NDArray[np.floating], rows: Lists) -> DoubleFloats:
    """(G,) float64 in (0, 1], for each list with a good end, in order.

    Of equal scores the bad ones are taken to stand first: a constant is worth nothing.

    Args:
        scores: (R,), higher is better.
        rows: R rows.
    """
    order = np.lexsort((rows.labels, -scores, rows.lists))
    lists, labels = rows.lists[order], rows.labels[order]
    starts = np.flatnonzero(np.r_[True, np.diff(lists) != 0]) if len(lists) else np.zeros(0, int)
    places = np.arange(len(lists)) - np.repeat(starts, np.diff(np.r_[starts, len(lists)])) + 1
    good = labels > 0
    _, first = np.unique(lists[good], return_index=True)
    return np.asarray(1.0 / places[good][first], np.float64)


def good_lists(rows: Lists) -> Ints:
    """(G,) int64, the lists that `reciprocal_ranks` speaks of."""
    return np.unique(rows.lists[rows.labels > 0])


def calibration_error(chances: DoubleFloats, labels: DoubleFloats, bins: int = 10) -> float:
    """Mean distance of what was said and what came, over bins with as many rows each."""
    if not len(chances):
        return 0.0
    parts = np.array_split(np.argsort(chances, kind="stable"), min(bins, len(chances)))
    gaps = [abs(chances[part].mean() - labels[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(chances))
