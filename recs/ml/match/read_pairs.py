"""Judged pairs as texts, and the bound that they teach. P pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPairs:
    """P pairs.

    `asked`: a query, or what a person wanted; `offered`: the item's text. `nearness`: (P,) what the
    encoder says of the two apart. `groups`: (P,) int64, the query or person. `bad`: (P,).
    """

    asked: Sequence[str]
    offered: Sequence[str]
    nearness: Floats
    groups: Ints
    bad: Bools

    def __len__(self) -> int:
        """P."""
        return len(self.asked)

    def take(self, rows: Ints) -> "ReadPairs":
        """Those at these places."""
        places = rows.tolist()
        return ReadPairs(
            asked=[self.asked[place] for place in places],
            offered=[self.offered[place] for place in places],
            nearness=self.nearness[rows], groups=self.groups[rows], bad=self.bad[rows],
        )  # fmt: skip


def best_bound(scores: DoubleFloats, bad: Bools) -> float:
    """The score above which calling pairs bad has the best F1; the lowest of several."""
    options = np.unique(np.quantile(scores, np.linspace(0.3, 0.995, 80)))
    hits = np.array([((scores > one) & bad).sum() for one in options], np.float64)
    called = np.array([(scores > one).sum() for one in options], np.float64)
    f1 = 2 * hits / np.maximum(called + bad.sum(), 1)
    return float(options[int(np.argmax(f1))])
