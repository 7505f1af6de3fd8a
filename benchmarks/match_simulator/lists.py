"""Lists as people are sent them, and what each way of filtering leaves of them. NumPy alone.

Letters: P people, M places of a pool, D lists of a period, L items of a list, W candidates
for it, R runs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

# What an item is to a person.
GOOD, NEUTRAL, BAD, UNKNOWN = 1, 0, -1, 2
# The list gets shorter, as in a mail-out; others fill the places, as on the home page.
SHORTER, REFILLED = "shorter", "refilled"
# Candidates that stand ready for each place of a list that is refilled; recs/compose.py's number.
SPARE = 3
# A period of refilled lists ends where this much of a pool would be shown for each of its places.
POOL = 2
NOTHING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What could be sent to each person, the best first by what puts in order.

    `exists`: (P, M). `truth`: (P, M) int8, GOOD, NEUTRAL, BAD or UNKNOWN. `chances`: (P,
    M) float64, of a bad match by the filter.
    """

    exists: Bools
    truth: npt.NDArray[np.int8]
    chances: DoubleFloats

    def take(self, people: Bools, most: int) -> "Pool":
        """These people's, and the first places of each."""
        return Pool(
            exists=self.exists[people, :most], truth=self.truth[people, :most],
            chances=self.chances[people, :most],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How lists are made: the way, L and the most D."""

    way: str
    length: int = 6
    most_lists: int = 10

    @property
    def room(self) -> int:
        """W, candidates that are looked through for a list."""
        return self.length * (SPARE if self.way == REFILLED else 1)

    @property
    def most(self) -> int:
        """Places of a pool that may be looked at in a period."""
        return self.most_lists * self.room

    def due(self, pool: Pool) -> Bools:
        """(P, D) whether a person has a list at all: as long as their pool would fill it."""
        need = self.length * (POOL if self.way == REFILLED else 1)
        count = pool.exists.sum(axis=1) // need
        return np.asarray(np.arange(self.most_lists) < count[:, None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What was sent.

    `places`: (R, P, D, L) places of the pool from the top, NOTHING behind the last one. `dropped`:
    (R, P, D) how many were left out of each. `due`: (P, D). R is 1 where all runs have the same.
    """

    places: Ints
    dropped: Ints
    due: Bools


def unfiltered(pool: Pool, plan: Plan) -> Lists:
    """Everything, as it was put in order."""
    return _lists(pool, plan, np.zeros((1, *pool.exists.shape)), np.inf)


def filtered(pool: Pool, plan: Plan, scores: DoubleFloats, threshold: float) -> Lists:
    """Without what has at least this score, the worst first.

    A list that is refilled is never left shorter for it (recs.match_filter.FitFilter.without).

    Args:
        pool: of everybody.
        plan: of the period.
        scores: (P, M), high where it is bad.
        threshold: of the scores.
    """
    return _lists(pool, plan, scores[None], threshold)


def at_random(pool: Pool, plan: Plan, like: Lists, *, runs: int, seed: int) -> Lists:
    """Without just as many of each list as another left out, drawn by lot, in each run anew.

    An item has one lot for the whole period, as it has one chance.
    """
    lots = np.random.default_rng(seed).random((runs, *pool.exists.shape))
    return _lists(pool, plan, lots, like.dropped)


def anywhere(pool: Pool, plan: Plan, like: Lists, *, runs: int, seed: int) -> Lists:
    """Without just as many of everything as another left out, drawn by lot from all lists.

    Raises:
        ValueError: where lists are refilled: what is looked through depends on what was left out.
    """
    if plan.way != SHORTER:
        raise ValueError("Only lists that get shorter have the same candidates in each arm.")
    size = plan.due(pool).sum(axis=1) * plan.length
    offered = pool.exists & (np.cumsum(pool.exists, axis=1) <= size[:, None])
    lots = np.random.default_rng(seed).random((runs, int(offered.sum())))
    marks = np.zeros((runs, *pool.exists.shape))
    count = int(like.dropped[0].sum())
    marks[:, offered] = np.argsort(np.argsort(lots, axis=1), axis=1) < count
    return _lists(pool, plan, marks, 1.0)


def _lists(pool: Pool, plan: Plan, scores: DoubleFloats, drops: float | Ints) -> Lists:
    """Day by day. `drops`: from which score on, or how many of each list (R or 1, P, D)."""
    runs, people, _ = scores.shape
    due = plan.due(pool)
    places = np.full((runs, people, plan.most_lists, plan.length), NOTHING, np.int64)
    dropped = np.zeros((runs, people, plan.most_lists), np.int64)
    left = np.broadcast_to(pool.exists, scores.shape).copy()
    for day in range(plan.most_lists):
        held = _first(left & due[:, day, None], plan.room)  # (R, P, W)
        is_held = held != NOTHING
        own = np.where(is_held, np.take_along_axis(scores, np.maximum(held, 0), axis=2), -np.inf)
        count = (
            (own >= drops).sum(axis=2)
            if isinstance(drops, float)
            else np.broadcast_to(drops[:, :, day], (runs, people))
        )
        if plan.way == REFILLED:
            count = np.minimum(count, np.maximum(is_held.sum(axis=2) - plan.length, 0))
        kept = is_held & ~_worst(own, count)
        kept &= np.cumsum(kept, axis=2) <= plan.length
        run, person, column = np.nonzero(kept)
        position = (np.cumsum(kept, axis=2) - 1)[kept]
        places[run, person, day, position] = held[run, person, column]
        dropped[:, :, day] = count
        # What was left out of a refilled list is asked about again; a mail-out goes on.
        run, person, column = np.nonzero(kept if plan.way == REFILLED else is_held)
        left[run, person, held[run, person, column]] = False
    return Lists(places=places, dropped=dropped, due=due)


def _first(marks: Bools, most: int) -> Ints:
    """(R, P, most) places of the first that are marked, NOTHING behind the last one."""
    found = np.full((*marks.shape[:2], most), NOTHING, np.int64)
    ranks = np.cumsum(marks, axis=2)
    run, person, place = np.nonzero(marks & (ranks <= most))
    found[run, person, ranks[run, person, place] - 1] = place
    return found


def _worst(scores: DoubleFloats, count: Ints) -> Bools:
    """(R, P, W) marks of the `count` (R, P) highest of each; of equal ones those in front."""
    marks = np.zeros(scores.shape, np.bool_)
    ranks = np.arange(scores.shape[2]) < count[:, :, None]
    np.put_along_axis(marks, np.argsort(-scores, axis=2, kind="stable"), ranks, axis=2)
    return marks
