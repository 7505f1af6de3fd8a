"""Lists that people saw: what they took of them, what they passed over, and where it stood."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.unified.surfaces import Requests

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLists:
    """V requests with what was shown for them, up to S items each.

    `items`: (V, S) int64 item rows, 0 where a list ends or an item is not known. `places`: (V, S)
    int64 from 1, 0 where there is no item. `taken`: (V, S) bool.
    """

    requests: Requests
    items: Ints
    places: Ints
    taken: Bools

    def __post_init__(self) -> None:
        """Refuse tables of different shapes."""
        if not self.items.shape == self.places.shape == self.taken.shape:
            raise ValueError("Items, places and what was taken are tables of one shape.")
        if len(self.items) != len(self.requests):
            raise ValueError(f"{len(self.items)} lists for {len(self.requests)} requests.")

    def __len__(self) -> int:
        """V."""
        return len(self.requests)

    def select(self, rows: npt.NDArray[np.generic]) -> "ShownLists":
        """Those at these places, or those that are marked."""
        return ShownLists(
            requests=self.requests.select(rows),
            items=self.items[rows],
            places=self.places[rows],
            taken=self.taken[rows],
        )

    def between(self, start: float, end: float) -> "ShownLists":
        """Those of [start, end), days since 1970."""
        days = self.requests.days
        return self.select((days >= start) & (days < end))

    def passed_over(self) -> Bools:
        """(V, S): known items above the last one taken, and one below it.

        Of what stands further down nobody knows whether it was seen.

        Source: Joachims et al., Accurately Interpreting Clickthrough Data as Implicit Feedback,
            SIGIR 2005, strategies "click > skip above" and "last click > no-click next".
        """
        place = np.where(self.taken, self.places, 0).max(axis=1, initial=0)
        is_seen = (self.items > 0) & (self.places <= place[:, None] + 1)
        return np.asarray(is_seen & ~self.taken)
