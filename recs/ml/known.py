"""What was known of an item at a moment: how many events it had before, in buckets."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.buckets import KNOWN_BUCKETS, known_bucket
from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnownTimes:
    """When each item reached each bucket: small enough to be saved with the weights.

    With it training and serving read the same number for an event of the past, without counting
    events again. Nothing after the moment at which it was made is in it.

    `reached`: (N + 1, KNOWN_BUCKETS - 1) float64, the day (since 1970) on which the item's count
    reached buckets 1, 2, ...; infinity where it had not; minus infinity where its events carry no
    time, for then nobody can say when.
    """

    reached: DoubleFloats

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.reached) - 1

    def buckets(self, items: Ints, days: DoubleFloats) -> Ints:
        """Bucket of each item as known just before a moment.

        Args:
            items: any shape, int64, rows.
            days: the same shape, float64; NaN stands for now, which is after everything.

        Returns:
            The same shape, int64, from 0 to KNOWN_BUCKETS - 1.
        """
        now = np.where(np.isnan(days), np.inf, days)
        reached = self.reached[items]
        # Infinity is not before infinity: what was never reached is not reached now either.
        return np.asarray((reached < now[..., None]).sum(axis=-1), np.int64)

    def before(self, histories: Histories) -> Ints:
        """(E,) int64, for each event a number of events in the bucket of what was known then.

        It is what `batches.next_item_batches` takes as `known`.
        """
        buckets = self.buckets(histories.items, histories.days)
        return np.where(buckets > 0, 2 ** np.maximum(buckets - 1, 0), 0)

    def now(self) -> Ints:
        """(N + 1,) int64, the bucket of each item at the end."""
        rows = np.arange(len(self.reached))
        return self.buckets(rows, np.full(len(rows), np.nan))


def known_times(histories: Histories, item_count: int) -> KnownTimes:
    """When the items of these histories reached each bucket.

    Args:
        histories: everything that happened before the moment of fitting.
        item_count: N.
    """
    reached = np.full((item_count + 1, KNOWN_BUCKETS - 1), np.inf)
    undated = np.isnan(histories.days)
    days = np.where(undated, -np.inf, histories.days)
    order = np.lexsort((days, histories.items))
    items, days = histories.items[order], days[order]
    nth = np.arange(len(items)) - np.searchsorted(items, items, side="left") + 1
    bucket = known_bucket(nth)
    # The first event of a bucket is the one that reached it: the 1st, 2nd, 4th, 8th, ...
    first = nth == 2 ** (bucket - 1)
    reached[items[first], bucket[first] - 1] = days[first]
    return KnownTimes(reached)
