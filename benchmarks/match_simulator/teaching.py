"""The filter as the product learns it, of what people said before; and what puts lists in order.

Nothing here sees what is later (world.py): that is the truth by which the lists are judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from benchmarks.match_simulator.lists import UNKNOWN, Pool
from benchmarks.match_simulator.world import (
    Rated,
    Rater,
    World,
    act_of,
    grade_of,
    is_wanted,
    match_of,
)
from recs.history import History, history_of
from recs.match_filter import FIT, taste_among
from recs.match_items import ReadItems
from recs.ml.cooccurrence import CooccurrenceConfig, cooccurrence
from recs.ml.match import fit_features
from recs.ml.match.fit_features import Taste
from search.match_fit import Head, MatchRunConfig, learn_head
from search.match_rows import Graded

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Of what somebody said before the cut the first part is their history, the rest are their grades.
HISTORY = 2 / 3
SECONDS_A_DAY = 86_400.0
# Pools: what the person rated later, and everything that they had not rated before.
RATED, OPEN = "rated", "open"
HIGHEST_GRADE, BAD_GRADE = 3, 0


def history_before(acts: Sequence[Rated]) -> History:
    """What these ratings, oldest first, say of a taste."""
    return history_of([act_of(one) for one in reversed(acts)])


def taste_before(world: World, acts: Sequence[Rated]) -> Taste:
    """As the filter reads it."""
    rows = sorted({one.item for one in acts})
    read = ReadItems(
        ids=tuple(rows), texts=tuple(world.texts[row] for row in rows), vectors=world.vectors[rows]
    )
    return taste_among(history_before(acts), read)


def graded(world: World, people: Sequence[Rater], *, flipped: bool = False) -> Graded:
    """What people said before their cut as labels of the product; the history is what came first.

    flipped: each label says the opposite.
    """
    tables = [np.zeros((0, len(fit_features.NAMES)), np.float32)]
    rows: list[tuple[int, Rated]] = []
    for number, person in enumerate(people):
        cut = int(HISTORY * len(person.earlier))
        taste = taste_before(world, person.earlier[:cut])
        given = person.earlier[cut:]
        if taste.is_empty or not given:
            continue
        # Who wanted it counts among those who did: that would give the grade away.
        own = [is_wanted(one) for one in given]
        tables.append(_features(world, taste, [one.item for one in given], less=own))
        rows += [(number, one) for one in given]
    features = np.concatenate(tables)
    grades = np.array([grade_of(one.stars) for _, one in rows], np.int64)
    turned = np.array([HIGHEST_GRADE, 1, BAD_GRADE, BAD_GRADE], np.int64)
    return Graded(
        features=features,
        grades=turned[grades] if flipped else grades,
        groups=np.array([number for number, _ in rows], np.int64),
        items=np.array([one.item for _, one in rows], np.int64),
        times=np.array([one.time for _, one in rows], np.float64),
        weights=np.ones(len(rows)),
        is_human=np.ones(len(rows), np.bool_),
        is_weak=np.zeros(len(rows), np.bool_),
        ranker=features[:, fit_features.COSINE].astype(np.float64),
    )


def teach(world: World, people: Sequence[Rater], *, seed: int, flipped: bool = False) -> Head:
    """The head "fit", learned, calibrated and judged by the product's own function.

    Raises:
        NothingToLearn: where too little was said.
    """
    labels = graded(world, people, flipped=flipped)
    return learn_head(FIT, labels, MatchRunConfig(), seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What puts lists in order: the product's neighbours, (N, N), then nearness of texts."""

    neighbours: sparse.csr_matrix

    @classmethod
    def of(cls, world: World) -> "Order":
        """Of what everybody wanted before their cut."""
        wanted = [
            (number, one.item, one.time / SECONDS_A_DAY)
            for number, person in enumerate(world.people)
            for one in person.earlier
            if is_wanted(one)
        ]
        people, items, times = zip(*wanted, strict=True)
        found = cooccurrence(
            people=np.array(people, np.int64), items=np.array(items, np.int64),
            times=np.array(times, np.float64), config=CooccurrenceConfig(),
        )  # fmt: skip
        size = len(world.texts)
        return cls(
            neighbours=sparse.csr_matrix(
                (found.scores, (found.items, found.neighbours)), shape=(size, size)
            )
        )

    def scores(self, world: World, history: History) -> DoubleFloats:
        """(N,) also liked above similar, as the home page's tiers (recs/recommenders)."""
        taste = history.taste
        asked = np.zeros(len(world.texts))
        asked[[one.item_id for one in taste]] = [one.weight for one in taste]
        liked = np.asarray(self.neighbours.T @ asked)
        rows = [one.item_id for one in taste]
        near = (world.vectors @ world.vectors[rows].T).max(axis=1, initial=-1.0)
        best = max(float(liked.max()), 1e-12)
        return np.where(liked > 0, 2.0 + liked / best, near)


def pool_of(
    world: World,
    people: Sequence[Rater],
    heads: Sequence[Head],
    *,
    order: Order,
    kind: str,
    most: int,
) -> tuple[Pool, list[DoubleFloats]]:
    """What could be sent to each of these people, and the chances of further heads.

    Args:
        world: of everybody.
        people: P of them.
        heads: the filter, and others to compare; each gives (P, M) chances.
        order: what puts them in order.
        kind: RATED or OPEN.
        most: M.
    """
    shape = (len(people), most)
    exists, truth = np.zeros(shape, np.bool_), np.full(shape, UNKNOWN, np.int8)
    chances = [np.zeros(shape) for _ in heads]
    for row, person in enumerate(people):
        history = history_before(person.earlier)
        if not history.taste:
            continue
        later = {one.item: match_of(one.stars) for one in person.later}
        scores = order.scores(world, history)
        scores[[one.item for one in person.earlier]] = -np.inf
        if kind == RATED:
            others = np.ones(len(scores), np.bool_)
            others[list(later)] = False
            scores[others] = -np.inf
        best = np.argsort(-scores, kind="stable")[:most]
        best = best[np.isfinite(scores[best])]
        count = len(best)
        exists[row, :count] = True
        truth[row, :count] = [later.get(item, UNKNOWN) for item in best.tolist()]
        read = _features(world, taste_before(world, person.earlier), best.tolist())
        for told, head in zip(chances, heads, strict=True):
            told[row, :count] = head.scorer.chances(read)
    return Pool(exists=exists, truth=truth, chances=chances[0]), chances[1:]


def _features(
    world: World, taste: Taste, items: Sequence[int], *, less: Sequence[int] = ()
) -> Floats:
    """`less`: so many people fewer wanted each."""
    texts = [world.texts[item] for item in items]
    if less:
        texts = [
            replace(text, people=text.people - own) for text, own in zip(texts, less, strict=True)
        ]
    return fit_features.fit_features(taste, texts, world.vectors[list(items)])
