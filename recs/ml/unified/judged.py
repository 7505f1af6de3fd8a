"""Requests whose answers are known, and how well rankings find them; NumPy only."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from recs.ml.unified.surfaces import SEARCH, Examples, Requests, SurfaceLog, newest_then

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]

# Scores that exist at once: 2^24 in fp32 are 64 MiB.
_SCORES_AT_ONCE = 2**24

Score = Callable[[Requests], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """R requests; those items that followed request r are `targets[offsets[r]:offsets[r + 1]]`."""

    requests: Requests
    offsets: Ints
    targets: Ints

    def __len__(self) -> int:
        """R."""
        return len(self.requests)

    @property
    def owners(self) -> Ints:
        """Which request each target is of."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def select(self, rows: Ints) -> Self:
        """Those at these places."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return replace(
            self,
            requests=self.requests.select(rows),
            offsets=offsets,
            targets=self.targets[places],
        )

    def of_task(self, task: int) -> Self:
        """Those of one surface."""
        return self.select(np.flatnonzero(self.requests.tasks == task))


def judged_of(examples: Examples) -> Judged:
    """Examples of the same request together; made ones are nobody's and left out."""
    examples = examples.select(~examples.made)
    requests = examples.requests
    columns = [requests.tasks, requests.persons, requests.words, requests.sources, requests.days]
    table = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
    _, first, group = np.unique(table, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    pairs = np.unique(np.stack([group, examples.targets], axis=1), axis=0)
    lengths = np.bincount(pairs[:, 0], minlength=len(first))
    return Judged(
        requests=requests.select(first),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        targets=pairs[:, 1],
    )


def sample(judged: Judged, most: int, *, seed: int = 0, of_person: int = 20) -> Judged:
    """At most so many requests of each surface and of each person there, drawn by the seed."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(judged))
    requests = judged.requests
    kept = np.zeros(len(judged), np.bool_)
    per_person: dict[tuple[int, int], int] = {}
    per_task: dict[int, int] = {}
    for row in order.tolist():
        task, person = int(requests.tasks[row]), int(requests.persons[row])
        if per_task.get(task, 0) < most and per_person.get((task, person), 0) < of_person:
            kept[row] = True
            per_task[task] = per_task.get(task, 0) + 1
            per_person[task, person] = per_person.get((task, person), 0) + 1
    return judged.select(np.flatnonzero(kept))


def rank_requests(
    score: Score, requests: Requests, log: SurfaceLog, k: int, *, seed: int = 0
) -> Ints:
    """The best k items for each request, of the whole catalogue.

    The rule of what was seen: home and "more like this" leave out what the person wanted before,
    and the source; a search finds everything. Ties are broken by the seed, never by the row.

    Args:
        score: (R, N + 1) float32 of requests, higher is better.
        requests: R of them.
        log: what people did; only what lies before a request is read.
        k: from 1.
        seed: of the order among equals.

    Returns:
        (R, k) int64, best first; 0 where fewer items are left.
    """
    found = np.zeros((len(requests), k), np.int64)
    start, size = 0, 256
    while start < len(requests):
        rows = np.arange(start, min(start + size, len(requests)))
        part = requests.select(rows)
        scores = hide_seen(score(part), part, log)
        found[rows] = best_rows(scores, k, seed)
        size = max(1, _SCORES_AT_ONCE // scores.shape[1])
        start = int(rows[-1]) + 1
    return found


def hide_seen(scores: Floats, requests: Requests, log: SurfaceLog) -> Floats:
    """The scores with -inf for the padding and what the rule of seen items leaves out."""
    scores[:, 0] = -np.inf
    recommends = np.flatnonzero(requests.tasks != SEARCH)
    if len(recommends):
        asks = requests.select(recommends)
        seen = newest_then(log.wanted, asks.persons, asks.days, np.iinfo(np.int32).max)
        scores[recommends[seen.owners], seen.items] = -np.inf
        scores[recommends, asks.sources] = -np.inf
    return scores


def best_rows(scores: Floats, k: int, seed: int = 0) -> Ints:
    """(R, k) int64 columns of the highest scores, best first; 0 where only -inf is left."""
    lots = np.random.default_rng(seed).permutation(scores.shape[1]).astype(np.float64)
    width = min(k, scores.shape[1])
    best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
    values = np.take_along_axis(scores, best, axis=1)
    order = np.lexsort((lots[best], -values), axis=1)
    best = np.take_along_axis(best, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    table = np.zeros((len(scores), k), np.int64)
    table[:, :width] = np.where(np.isneginf(values), 0, best)
    return table


def hits(rankings: Ints, judged: Judged) -> npt.NDArray[np.bool_]:
    """(R, K) bool: which places hold an item that followed."""
    size = int(max(rankings.max(initial=0), judged.targets.max(initial=0))) + 1
    wanted = np.unique(judged.owners * size + judged.targets)
    asked = np.arange(len(rankings))[:, None] * size + rankings
    return np.isin(asked, wanted) & (rankings > 0)


def ndcg_of(rankings: Ints, judged: Judged, k: int = 10) -> DoubleFloats:
    """(R,) float64: each item that followed gains 1, the same for all, discounted by its place."""
    discounts = 1.0 / np.log2(np.arange(k) + 2.0)
    found = hits(rankings[:, :k], judged)
    lengths = np.diff(judged.offsets)
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(lengths, k)]
    return np.asarray((found * discounts[: found.shape[1]]).sum(axis=1) / np.maximum(ideal, 1e-12))


def recall_of(rankings: Ints, judged: Judged, k: int = 100) -> DoubleFloats:
    """(R,) float64: the share of what followed that is among the first k."""
    found = hits(rankings[:, :k], judged).sum(axis=1)
    return np.asarray(found / np.minimum(np.maximum(np.diff(judged.offsets), 1), k))


def relative_gain(
    ours: DoubleFloats, theirs: DoubleFloats, persons: Ints, *, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float] | None:
    """Mean of ours over that of theirs, less 1, and 95 % bounds when people are drawn anew.

    None where theirs found nothing at all: there is no share of nothing.

    Args:
        ours: (R,) of one system.
        theirs: (R,) of another, for the same requests.
        persons: (R,) who asked; each is drawn with all that is theirs.
        draws: how often people are drawn.
        seed: of the draws.
    """
    if not theirs.sum():
        return None
    _, place = np.unique(persons, return_inverse=True)
    ours_sums = np.bincount(place, ours)
    theirs_sums = np.bincount(place, theirs)
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(ours_sums), (draws, len(ours_sums)))
    base = np.maximum(theirs_sums[drawn].sum(axis=1), 1e-12)
    gains = ours_sums[drawn].sum(axis=1) / base - 1.0
    low, high = np.quantile(gains, [0.025, 0.975])
    return float(ours.sum() / theirs.sum() - 1.0), float(low), float(high)
