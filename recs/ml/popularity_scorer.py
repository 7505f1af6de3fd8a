"""The same ranking for everybody: by how often items were wanted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PopularityScorer:
    """A Scorer. `counts`: (N + 1,) int64, events of each item."""

    counts: Ints

    @classmethod
    def of(cls, histories: Histories, item_count: int) -> "PopularityScorer":
        """Counted over these histories."""
        return cls(histories.counts(item_count))

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.counts) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32, each row the logarithm of 1 + events; the padding -inf."""
        row = np.log1p(self.counts).astype(np.float32)
        row[0] = -np.inf
        return np.tile(row, (len(persons), 1))
