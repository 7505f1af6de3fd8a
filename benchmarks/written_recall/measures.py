"""Recall before and after, what was won and lost, and what that cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.written_recall.cases import Wants
from recs.ml.metrics import Interval, bootstrap, paired_bootstrap

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of Q queries: recall without and with, its difference, hits won and lost.

    `net`: won less lost of a query, the mean over queries with its 95 % interval.
    """

    queries: int
    wanted: int
    before: Interval
    after: Interval
    difference: Interval
    won: int
    lost: int
    net: Interval

    def per(self, used: float, unit: float) -> Interval | None:
        """Net hits for each `unit` of what was used; None where nothing was."""
        if not used:
            return None
        times = self.queries * unit / used
        return Interval(self.net.mean * times, self.net.low * times, self.net.high * times)


def compare(
    queries: Sequence[str],
    before: Sequence[Sequence[str]],
    after: Sequence[Sequence[str]],
    wants: Wants,
) -> Change:
    """Of the queries that want something, each counted alike.

    Raises:
        ValueError: none wants anything.
    """
    rows = [place for place, query in enumerate(queries) if wants.get(query)]
    if not rows:
        raise ValueError("No query wants anything.")
    wanted = [wants[queries[row]] for row in rows]
    hits = [[_of(found[row], want) for row, want in zip(rows, wanted, strict=True)]
            for found in (before, after)]  # fmt: skip
    sizes = np.array([len(want) for want in wanted], np.float64)
    recall = [np.array([len(one) for one in each], np.float64) / sizes for each in hits]
    won = np.array([len(new - old) for old, new in zip(*hits, strict=True)], np.float64)
    lost = np.array([len(old - new) for old, new in zip(*hits, strict=True)], np.float64)
    return Change(
        queries=len(rows),
        wanted=int(sizes.sum()),
        before=bootstrap(recall[0]),
        after=bootstrap(recall[1]),
        difference=paired_bootstrap(recall[1], recall[0]),
        won=int(won.sum()),
        lost=int(lost.sum()),
        net=bootstrap(won - lost),
    )


def named(found: Sequence[Sequence[int]], names: Mapping[int, str]) -> list[list[str]]:
    """The same lists by external ids."""
    return [[names[item] for item in items] for items in found]


def _of(found: Sequence[str], wanted: frozenset[str]) -> set[str]:
    return wanted.intersection(found)
