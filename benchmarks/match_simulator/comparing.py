"""The same people with no filter, with the filter, with a random one, and with one that knows.

Differences are taken person by person; intervals are of draws of people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.match_simulator.behaviour import Sums, live, resolved
from benchmarks.match_simulator.config import Assumptions
from benchmarks.match_simulator.lists import (
    BAD,
    Lists,
    Plan,
    Pool,
    anywhere,
    at_random,
    filtered,
    unfiltered,
)
from benchmarks.simulator.compare import Number, difference

DoubleFloats = npt.NDArray[np.float64]
SmallInts = npt.NDArray[np.int8]
Measure = Callable[[Sums, DoubleFloats], float]

NONE, ORACLE = "no filter", "oracle"
RANDOM, ANYWHERE = "random, as many of each list", "random, as many of all lists"

# Lots are apart from the luck of those who live.
RANDOM_SEED, ANYWHERE_SEED = 1_000, 2_000


def _mean(name: str) -> Measure:
    return lambda sums, weights: float(weights @ getattr(sums, name) / weights.sum())


def _ratio(part: str, whole: str) -> Measure:
    def of(sums: Sums, weights: DoubleFloats) -> float:
        below = float(weights @ getattr(sums, whole))
        return float(weights @ getattr(sums, part)) / below if below else 0.0

    return of


def volume(sums: Sums) -> float:
    """Of what was looked through for the lists the share that was left out."""
    return float(sums.out.sum() / max((sums.out + sums.shown).sum(), 1.0))


MEASURES: Mapping[str, Measure] = {
    "bad ones looked at, a person": _mean("bad"),
    "taken, a person": _mean("taken"),
    "taken, a list": _ratio("taken", "sent"),
    "taken of what is looked at": _ratio("taken", "looked"),
    "lists, a person": _mean("sent"),
    "unsubscribed": _mean("left"),
    "empty lists": _ratio("empty", "due"),
    "people with nothing": _mean("nothing"),
}
SHARES = ("taken of what is looked at", "unsubscribed", "empty lists", "people with nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every arm shares: who, how lists are made, how people behave, and with which luck."""

    pool: Pool
    plan: Plan
    assumed: Assumptions
    seed: int

    @property
    def truth(self) -> SmallInts:
        """(P, M), what was never rated as it is assumed."""
        return resolved(self.pool, self.assumed, self.seed)

    def live(self, lists: Lists) -> Sums:
        """A period with these lists."""
        return live(lists, self.truth, self.assumed, seed=self.seed)

    def none(self) -> Sums:
        """Everything is sent."""
        return self.live(unfiltered(self.pool, self.plan))

    def lists_by(self, scores: DoubleFloats, threshold: float) -> tuple[Lists, Lists]:
        """Without what has at least this score, and without as many of each list by lot."""
        ours = filtered(self.pool, self.plan, scores, threshold)
        seed = self.seed + RANDOM_SEED
        return ours, at_random(self.pool, self.plan, ours, runs=self.assumed.runs, seed=seed)

    def by(self, scores: DoubleFloats, threshold: float) -> tuple[Sums, Sums]:
        """A period with each of the two."""
        ours, lots = self.lists_by(scores, threshold)
        return self.live(ours), self.live(lots)

    def by_lot_anywhere(self, scores: DoubleFloats, threshold: float) -> Sums:
        """Without as much by lot, whichever lists it stands in; for lists that get shorter."""
        like = filtered(self.pool, self.plan, scores, threshold)
        seed = self.seed + ANYWHERE_SEED
        return self.live(anywhere(self.pool, self.plan, like, runs=self.assumed.runs, seed=seed))

    def oracle(self) -> Sums:
        """Without every bad match and nothing else: the ceiling, whatever its volume."""
        bad = (self.truth == BAD).astype(np.float64)
        return self.live(filtered(self.pool, self.plan, bad, 1.0))


def threshold_at(pool: Pool, plan: Plan, scores: DoubleFloats, share: float) -> float:
    """The score from which on this share of everything that would be sent is left out."""
    everything = unfiltered(pool, plan).places[0]
    person, day, position = np.nonzero(everything >= 0)
    given = np.sort(scores[person, everything[person, day, position]])[::-1]
    if not len(given):
        return np.inf
    return float(given[min(int(share * len(given)), len(given) - 1)])


def rises(ours: Sums, theirs: Sums, draws: DoubleFloats) -> dict[str, Number]:
    """Of each measure: how much more, as a share of theirs; of empty lists, in points."""
    return {
        name: difference(measure, ours, theirs, draws, relative=not is_of_emptiness(name))
        for name, measure in MEASURES.items()
    }


def is_of_emptiness(name: str) -> bool:
    """Whether a measure is 0 without a filter, so that no share of it can be told."""
    return name in ("empty lists", "people with nothing")
