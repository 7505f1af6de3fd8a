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
# Of a history so many events are learned from for one that is asked for.
EVENTS_A_QUESTION = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions to validate on: V histories and (V,) int64 targets, none of them 0."""

    histories: Histories
    targets: Ints

    def select(self, rows: Ints) -> "Sample":
        """These questions, in this order."""
        return Sample(self.histories.select(rows), self.targets[rows])

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
class SequenceData:
    """Events to learn from, what each person did next, and what is known of the items.

    `histories`: U of them, without the targets. `targets`: (U,) int64, the item that each went on
    to, 0 where there is none. `content`: of N items; its count is the catalogue's. `further`: more
    questions to validate on, of what the same people did after that.
    """

    histories: Histories
    targets: Ints
    content: ItemContent
    further: Sample | None = None

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

    def sample(self, most: int, seed: int) -> Sample:
        """Questions to people who have a history, at most so many, drawn by the seed."""
        people = np.flatnonzero((self.targets > 0) & (self.histories.lengths > 0))
        asked = Sample(self.histories.select(people), self.targets[people])
        if self.further is not None:
            asked = Sample(
                asked.histories + self.further.histories,
                np.concatenate([asked.targets, self.further.targets]),
            )
        if len(asked.targets) <= most:
            return asked
        drawn = array_generator(seed, 10).choice(len(asked.targets), most, replace=False)
        return asked.select(np.sort(drawn))


def hold_back(
    histories: Histories, questions: int, most_each: int = 5
) -> tuple[Histories, Ints, Sample | None]:
    """What is learned from, and what is asked for: the newest events of each person.

    One of each, and where people are few up to `most_each`, but never more than every tenth.

    Args:
        histories: U of them, whole.
        questions: how many there should be.
        most_each: of one person.

    Returns:
        Histories without what is held back; (U,) int64 the item that came next, 0 for who did
        nothing; and questions for what came after that, each with all that was before it.
    """
    lengths, owners = histories.lengths, histories.owners
    each = int(np.clip(questions // max(int((lengths > 1).sum()), 1), 1, most_each))
    held = np.minimum(lengths, np.clip(lengths // EVENTS_A_QUESTION, 1, each))
    from_end = histories.offsets[1:][owners] - np.arange(len(owners))
    learned = histories.only(from_end > held[owners])
    targets, has = np.zeros(len(histories), np.int64), held > 0
    targets[has] = histories.items[(histories.offsets[1:] - held)[has]]
    later = np.flatnonzero(from_end < held[owners])
    if not len(later):
        return learned, targets, None
    return learned, targets, Sample(histories.prefixes(later), histories.items[later])


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
