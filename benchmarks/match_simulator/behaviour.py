"""Simulated people take lists, tire of bad ones and leave. NumPy alone, blind to who filtered.

Letters: P people, M places of a pool, D lists of a period, L items of a list, R runs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.match_simulator.config import BAD as BAD_ONES
from benchmarks.match_simulator.config import BY_LOT, Assumptions
from benchmarks.match_simulator.lists import BAD, GOOD, NEUTRAL, NOTHING, UNKNOWN, Lists, Pool

DoubleFloats = npt.NDArray[np.float64]
SmallInts = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A period person by person, (P,) each, means of the runs.

    due: lists that they could be sent. shown, out: items of all of them, and left out of them.
    empty: due lists of which nothing was left. nothing: whether that was so of all of them. sent:
    lists that came while they were there, none empty. looked, bad, taken: items that were looked
    at, the bad ones of them, and what was taken. left: the chance that they unsubscribed.
    """

    due: DoubleFloats
    sent: DoubleFloats
    shown: DoubleFloats
    out: DoubleFloats
    looked: DoubleFloats
    bad: DoubleFloats
    taken: DoubleFloats
    left: DoubleFloats
    empty: DoubleFloats
    nothing: DoubleFloats


def resolved(pool: Pool, assumed: Assumptions, seed: int) -> SmallInts:
    """(P, M) GOOD, NEUTRAL or BAD of everything, what was never rated as it is assumed."""
    truth = pool.truth.copy()
    unknown = truth == UNKNOWN
    if assumed.unknown != BY_LOT:
        truth[unknown] = BAD if assumed.unknown == BAD_ONES else NEUTRAL
        return truth
    known = pool.exists & ~unknown
    rated = np.maximum(known.sum(axis=1), 1)[:, None]
    lots = np.random.default_rng([seed, 1]).random(truth.shape)
    good = (known & (truth == GOOD)).sum(axis=1)[:, None] / rated
    bad = (known & (truth == BAD)).sum(axis=1)[:, None] / rated
    drawn = np.where(lots < good, GOOD, np.where(lots < good + bad, BAD, NEUTRAL))
    return np.where(unknown, drawn, truth).astype(np.int8)


def live(lists: Lists, truth: SmallInts, assumed: Assumptions, *, seed: int) -> Sums:
    """A period of everybody.

    How deep people look and what they take is drawn; whether they leave is not: everything counts
    with the chance that they are still there, which is the mean of all draws and has less noise.
    The random numbers are those of the seed, by run, person and item or list, so that they are the
    same whatever was left out.

    Args:
        lists: what they are sent, while they are there.
        truth: (P, M), resolved.
        assumed: how they behave.
        seed: of the random numbers.
    """
    people, days = lists.due.shape
    random = np.random.default_rng([seed, 0])
    size = (assumed.runs, people)
    deep = random.random((*size, days))
    takes = random.random((*size, truth.shape[1])) < assumed.take
    places = np.broadcast_to(lists.places, (assumed.runs, *lists.places.shape[1:]))
    lengths = (places != NOTHING).sum(axis=3)  # (R, P, D)
    # The next one is looked at with the same probability each: the number falls as its powers.
    powers = assumed.depth ** np.arange(1, places.shape[3])
    depths = 1 + (deep[..., None] < powers).sum(axis=3)
    told = {name: np.zeros(size) for name in ("sent", "looked", "bad", "taken")}
    stays = np.ones(size)
    annoyance = np.zeros(size)
    run, person = np.ogrid[: assumed.runs, :people]
    for day in range(days):
        comes = lengths[:, :, day] > 0
        annoyance = annoyance * assumed.keeps + assumed.list * comes
        told["sent"] += stays * comes
        for position in range(places.shape[3]):
            place = places[:, :, day, position]
            looks = comes & (position < depths[:, :, day]) & (place != NOTHING)
            match = np.where(looks, truth[person, place], NEUTRAL)
            told["looked"] += stays * looks
            told["bad"] += stays * (match == BAD)
            told["taken"] += stays * ((match == GOOD) & takes[run, person, place])
            annoyance += assumed.bad * (match == BAD) - assumed.good * (match == GOOD)
            np.maximum(annoyance, 0.0, out=annoyance)
        stays = np.where(comes, stays * np.exp(-assumed.fatigue * annoyance), stays)
    due = lists.due.sum(axis=1)
    empty = (lists.due & (lengths == 0)).sum(axis=2)
    return Sums(
        due=due.astype(np.float64),
        shown=lengths.sum(axis=2).mean(axis=0), out=lists.dropped.sum(axis=2).mean(axis=0),
        left=1 - stays.mean(axis=0), empty=empty.mean(axis=0),
        nothing=((empty == due) & (due > 0)).mean(axis=0),
        **{name: sums.mean(axis=0) for name, sums in told.items()},
    )  # fmt: skip
