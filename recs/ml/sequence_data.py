"""What every member of the family is trained on and validated by."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from recs.ml.fit_types import RunOptions
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.metrics import ndcg_at
from recs.ml.scorers import Scorer, target_ranks
from recs.ml.seeding import array_generator

Ints = npt.NDArray[np.int64]
Net = TypeVar("Net")

CUT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceData:
    """Events to learn from, what each person did next, and what is known of the items.

    `histories`: U of them, without the targets. `targets`: (U,) int64, the item that each went on
    to, 0 where there is none. `content`: of N items; its count is the catalogue's.
    """

    histories: Histories
    targets: Ints
    content: ItemContent

    def __post_init__(self) -> None:
        """Refuse targets of other people and items past the catalogue."""
        if len(self.targets) != len(self.histories):
            raise ValueError(f"{len(self.targets)} targets for {len(self.histories)} histories.")
        largest = max(self.targets.max(initial=0), self.histories.items.max(initial=0))
        if largest > self.item_count:
            raise ValueError(f"Item {largest} is past the {self.item_count} of the content.")

    @property
    def item_count(self) -> int:
        """N."""
        return self.content.item_count

    def sample(self, most_people: int, seed: int) -> "Sample":
        """Of the people with a history and a target at most so many, drawn by the seed."""
        people = np.flatnonzero((self.targets > 0) & (self.histories.lengths > 0))
        if len(people) > most_people:
            drawn = array_generator(seed, 10).choice(people, most_people, replace=False)
            people = np.sort(drawn)
        return Sample(self.histories.select(people), self.targets[people])


@dataclass(frozen=True, slots=True)
class Sample:
    """People to validate on: V histories and (V,) int64 targets, none of them 0."""

    histories: Histories
    targets: Ints

    def validation(self, scorer_of: Callable[[Net], Scorer]) -> Callable[[Net], float] | None:
        """What `fit` asks after an epoch; None with nobody to validate on."""
        if not len(self.targets):
            return None
        return lambda net: self.ndcg(scorer_of(net))

    def ndcg(self, scorer: Scorer) -> float:
        """Mean NDCG@10 of full rankings without what was seen; 0 for nobody."""
        if not len(self.targets):
            return 0.0
        return float(ndcg_at(target_ranks(scorer, self.histories, self.targets), CUT).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """How much is spent on one member and who hears of it."""

    seed: int = 0
    # Stops after so long and keeps the best so far; None goes on until the member has settled.
    seconds: float | None = None
    # Validation during training is on so many people; the numbers one reports are on all.
    most_validation_people: int = 5_000
    run: RunOptions = field(default_factory=RunOptions)

    def run_options(self) -> RunOptions:
        """`run` with the seconds of this."""
        return self.run if self.seconds is None else replace(self.run, seconds=self.seconds)
