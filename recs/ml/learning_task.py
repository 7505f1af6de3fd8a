"""What a recommender learns from and is chosen by: the same for every member of the family."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTask:
    """Histories to learn from, and what each person went on to.

    `histories`: U of them, without what they are validated on. `targets`: (U,) int64, the item
    that each went on to, 0 where there is none; weights are never fitted on them, but whatever is
    chosen or blended is chosen by them. `content`: of all N items, those without events included.
    """

    histories: Histories
    targets: Ints
    content: ItemContent

    def __post_init__(self) -> None:
        """Refuse targets of other people."""
        if len(self.targets) != len(self.histories):
            raise ValueError(f"{len(self.targets)} targets for {len(self.histories)} histories.")

    @property
    def item_count(self) -> int:
        """N."""
        return self.content.item_count

    def counts(self) -> Ints:
        """(N + 1,) int64, events of each item in what is learned from."""
        return self.histories.counts(self.item_count)

    def validation_people(self, most: int, seed: int) -> Ints:
        """Rows of those who can be validated on, in order; of more than `most` so many drawn."""
        people = np.flatnonzero((self.targets > 0) & (self.histories.lengths > 0))
        if len(people) > most:
            draw = np.random.default_rng([seed, 17])
            people = np.sort(draw.choice(people, most, replace=False))
        return people.astype(np.int64)

    def select(self, people: Ints) -> "LearningTask":
        """The same of some people."""
        return replace(self, histories=self.histories.select(people), targets=self.targets[people])
