"""What people went on to after a moment, each time with all that they had done until then."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.metrics import ndcg_at
from recs.ml.scorers import Scorer, target_ranks

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutConfig:
    """Which of the later events are asked for."""

    # Of more people, or more events of one, so many are drawn.
    most_people: int = 2000
    most_targets: int = 3
    # Where people are few, more of each, until there are so many cases.
    cases: int = 0
    # Newest events of a history that are given: as many as serving reads.
    longest: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if min(self.most_people, self.most_targets, self.longest) < 1:
            raise ValueError("most_people, most_targets and longest count from 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """C cases: a history, and the item that came next.

    `histories`: C of them, none empty. `targets`: (C,) int64 from 1. `people`: (C,) int64, whose
    each is, numbers from 0. `known`: (C,) int64, events of the person before the moment.
    """

    histories: Histories
    targets: Ints
    people: Ints
    known: Ints

    def __len__(self) -> int:
        """C."""
        return len(self.targets)

    def ndcg(self, scorer: Scorer, k: int = 10) -> DoubleFloats:
        """(C,) float64, NDCG@k of full rankings of all items without those of the history."""
        return ndcg_at(target_ranks(scorer, self.histories, self.targets), k)


def held_out(
    histories: Histories,
    *,
    since_day: float,
    config: HeldOutConfig | None = None,
    allowed: Bools | None = None,
) -> HeldOut:
    """The events at or after a moment as cases; of each person a draw of them.

    As in serving, what a person did after the moment but before the target is known. A person's
    first event of all has nothing before it and is no case.

    Args:
        histories: with the events before the moment and after it, in order of time.
        since_day: the moment, days since 1970.
        config: see its fields.
        allowed: (N + 1,) bool, which items may be a target; None allows all.
    """
    config = config or HeldOutConfig()
    rng = np.random.default_rng(config.seed)
    owners = histories.owners
    place = np.arange(len(histories.items)) - histories.offsets[owners]
    is_later = histories.days >= since_day
    may_be = np.ones(len(owners), np.bool_) if allowed is None else allowed[histories.items]
    events = np.flatnonzero(is_later & (place > 0) & may_be)
    people = np.unique(owners[events])
    if len(people) > config.most_people:
        people = np.sort(rng.choice(people, config.most_people, replace=False))
        events = events[np.isin(owners[events], people)]
    most = max(config.most_targets, config.cases // max(len(people), 1))
    events = _drawn(events, owners[events], most, rng)
    counts = np.bincount(owners[~is_later], minlength=len(histories))
    return HeldOut(
        histories=histories.prefixes(events, config.longest),
        targets=histories.items[events],
        people=np.searchsorted(people, owners[events]),
        known=counts[owners[events]],
    )


def _drawn(events: Ints, owners: Ints, most: int, rng: np.random.Generator) -> Ints:
    """Of each owner's events at most so many, in the order in which they stood."""
    order = np.lexsort((rng.random(len(events)), owners))
    rank = np.arange(len(order)) - np.searchsorted(owners[order], owners[order], side="left")
    return np.sort(events[order[rank < most]])
