"""What is wanted after what: neighbours of items counted over windows of histories, by direction.

Source: Sarwar et al., Item-based Collaborative Filtering Recommendation Algorithms, WWW 2001;
Linden, Smith and York, Amazon.com Recommendations: Item-to-Item Collaborative Filtering, 2003.
Differs from the papers: a pair counts only within a window of a history, less with the gap between
the two, and less when the neighbour came before the item than after it; the two frequencies have a
power each (0.5 and 0.5 are the papers' cosine); rare pairs shrink; of the person's own history the
newest items count, less with their age. No matrix of N by N is ever dense.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
SmallInts = npt.NDArray[np.int32]

# Popularity decides between items that the neighbours leave equal, such as those without a score.
# The largest similarity is 1 and scores of the first ten lie above 1e-3.
BACKFILL = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKnnConfig:
    """What makes two items neighbours, and how a history asks them.

    The defaults are near what validation chose on two shopping data sets; `tune_item_knn` chooses
    for the data at hand.
    """

    # Positions of a history between the two items of a pair.
    window: int = 50
    # A pair weighs gap ** -gap_power.
    gap_power: float = 0.5
    # Weight of a neighbour that came before the item; one that came after it weighs 1.
    backward: float = 0.3
    # A pair weighs (events of its person) ** -person_power.
    person_power: float = 0.15
    # Similarities are divided by (events of the item) ** source_power of the history's item ...
    source_power: float = 0.4
    # ... and of the candidate: 0 favours what is popular, 0.5 with the one above is the cosine.
    target_power: float = 0.2
    # Similarities are multiplied by times / (times + shrinkage), times = how often the pair stood.
    shrinkage: float = 1.0
    # Exponent of the finished similarity: below 1 many weak neighbours weigh against one strong.
    sharpness: float = 0.8
    # Neighbours kept of each item.
    neighbours: int = 200
    # Newest items of a history that are asked; the r-th newest weighs r ** -recency_power.
    history: int = 5
    recency_power: float = 0.6
    # A history is counted with its newest events.
    longest_history: int = 2000
    # Pairs are counted from the nearest gap on until there are so many: a bound on memory.
    most_pairs: int = 20_000_000

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if min(self.window, self.neighbours, self.history, self.most_pairs) < 1:
            raise ValueError("window, neighbours, history and most_pairs count from 1.")
        if self.longest_history < 2 or self.backward < 0 or self.shrinkage < 0:
            raise ValueError("longest_history is above 1; backward and shrinkage not below 0.")
        if self.sharpness <= 0:
            raise ValueError("sharpness is above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Every pair of a window, P of them, and the Q places of the (N + 1, N + 1) matrix they fill.

    `after`, `before`: (P,) place at which the pair counts as forward and as backward. `gaps`: (P,)
    positions between the two, from 1. `lengths`: (P,) events of the person. `sources`, `targets`:
    (Q,) item rows of each place, sorted. `frequency`: (N + 1,) events of each item.
    """

    after: SmallInts
    before: SmallInts
    gaps: SmallInts
    lengths: SmallInts
    sources: Ints
    targets: Ints
    frequency: Ints


def count_pairs(histories: Histories, item_count: int, config: ItemKnnConfig) -> Pairs:
    """The pairs within `config.window`, or within the largest window that `most_pairs` allows."""
    histories = histories.newest(config.longest_history)
    items, owners, lengths = histories.items, histories.owners, histories.lengths
    earlier: list[Ints] = [np.zeros(0, np.int64)]
    later: list[Ints] = [np.zeros(0, np.int64)]
    gaps: list[Ints] = [np.zeros(0, np.int64)]
    people: list[Ints] = [np.zeros(0, np.int64)]
    total = 0
    for gap in range(1, config.window + 1):
        together = (owners[gap:] == owners[:-gap]) & (items[gap:] != items[:-gap])
        total += int(together.sum())
        if gap > 1 and total > config.most_pairs:
            break
        earlier.append(items[:-gap][together])
        later.append(items[gap:][together])
        people.append(owners[gap:][together])
        gaps.append(np.full(len(people[-1]), gap))
    first, second = np.concatenate(earlier), np.concatenate(later)
    size = item_count + 1
    keys = np.concatenate([first * size + second, second * size + first])
    places, inverse = np.unique(keys, return_inverse=True)
    inverse = np.asarray(inverse, dtype=np.int32)
    return Pairs(
        after=np.asarray(inverse[: len(first)]),
        before=np.asarray(inverse[len(first) :]),
        gaps=np.concatenate(gaps).astype(np.int32),
        lengths=lengths[np.concatenate(people)].astype(np.int32),
        sources=places // size,
        targets=places % size,
        frequency=histories.counts(item_count),
    )


def similarities(pairs: Pairs, config: ItemKnnConfig) -> sparse.csr_matrix:
    """(N + 1, N + 1) sparse float32, row = item of a history, column = candidate, largest is 1.

    Each row keeps its `config.neighbours` best; among equals a fixed draw decides, not the row.
    """
    size, filled = len(pairs.frequency), len(pairs.sources)
    if not filled:
        return sparse.csr_matrix((size, size), dtype=np.float32)
    by_gap = np.zeros(max(int(pairs.gaps.max()), config.window) + 1)
    by_gap[1 : config.window + 1] = np.arange(1.0, config.window + 1) ** -config.gap_power
    by_length = np.arange(1.0, pairs.lengths.max() + 2) ** -config.person_power
    weights = by_gap[pairs.gaps] * by_length[pairs.lengths - 1]
    inside = (pairs.gaps <= config.window).astype(np.float64)
    before = config.backward * np.bincount(pairs.before, weights, filled)
    score: DoubleFloats = np.bincount(pairs.after, weights, filled) + before
    times = np.bincount(pairs.after, inside, filled) + np.bincount(pairs.before, inside, filled)
    frequency = np.maximum(pairs.frequency, 1).astype(np.float64)
    score = score * times / np.maximum(times + config.shrinkage, 1e-9)
    score = score * (frequency**-config.source_power)[pairs.sources]
    score = score * (frequency**-config.target_power)[pairs.targets]
    score = (score / score.max(initial=1e-300)) ** config.sharpness
    kept = (score > 0) & _best_of_each(pairs, score, config.neighbours)
    return sparse.csr_matrix(
        (score[kept].astype(np.float32), (pairs.sources[kept], pairs.targets[kept])), (size, size)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKnn:
    """Fitted neighbours; a Scorer. `popularity`: (N + 1,) float32 share of the commonest item."""

    similar: sparse.csr_matrix
    popularity: Floats
    config: ItemKnnConfig

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.popularity) - 1

    def sparse_scores(self, histories: Histories, persons: Ints) -> sparse.csr_matrix:
        """(B, N + 1) sparse float32: scores of the candidates that have one, all above 0.

        Args:
            histories: the events of people, known until now.
            persons: (B,) int64, which of them.
        """
        return question(histories.select(persons), len(self.popularity), self.config) @ self.similar

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32 scores of all items, the padding -inf; without neighbours popularity.

        Args:
            histories: the events of people, known until now.
            persons: (B,) int64, which of them.
        """
        scores = np.asarray(self.sparse_scores(histories, persons).todense(), np.float32)
        scores += np.float32(BACKFILL) * self.popularity
        scores[:, 0] = -np.inf
        return scores

    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """What is saved of it beside the config."""
        return {
            "similar.data": self.similar.data,
            "similar.indices": self.similar.indices.astype(np.int64),
            "similar.indptr": self.similar.indptr.astype(np.int64),
            "popularity": self.popularity,
        }

    @classmethod
    def of_tensors(cls, tensors: dict[str, npt.NDArray[np.generic]], config: ItemKnnConfig) -> Self:
        """The fitted neighbours that `tensors` gave.

        Raises:
            KeyError: where one is missing.
        """
        size = len(tensors["popularity"])
        parts = tuple(tensors[f"similar.{name}"] for name in ("data", "indices", "indptr"))
        return cls(
            similar=sparse.csr_matrix(parts, shape=(size, size)),
            popularity=tensors["popularity"].astype(np.float32),
            config=config,
        )


def fit_item_knn(
    histories: Histories, item_count: int, config: ItemKnnConfig | None = None
) -> ItemKnn:
    """Neighbours by counting; time and memory grow with events times window.

    Args:
        histories: the events to learn from.
        item_count: N.
        config: see its fields.
    """
    config = config or ItemKnnConfig()
    return knn_of_pairs(count_pairs(histories, item_count, config), config)


def knn_of_pairs(pairs: Pairs, config: ItemKnnConfig) -> ItemKnn:
    """Neighbours by pairs that were counted already, with a window at least that of `config`."""
    share = pairs.frequency / max(int(pairs.frequency.max(initial=0)), 1)
    return ItemKnn(
        similar=similarities(pairs, config), popularity=share.astype(np.float32), config=config
    )


def question(histories: Histories, size: int, config: ItemKnnConfig) -> sparse.csr_matrix:
    """(U, N + 1) sparse float32: what of each history is asked, with which weight; size = N + 1."""
    newest = histories.newest(config.history)
    age = np.repeat(newest.offsets[1:], newest.lengths) - np.arange(len(newest.items))
    weights = (age.astype(np.float64) ** -config.recency_power).astype(np.float32)
    return sparse.csr_matrix((weights, (newest.owners, newest.items)), (len(newest), size))


def _best_of_each(pairs: Pairs, scores: DoubleFloats, k: int) -> npt.NDArray[np.bool_]:
    """(Q,) marks of the k best of each source. Only sources past k are put in order."""
    rows = pairs.sources
    long = np.bincount(rows)[rows] > k
    kept = ~long
    places = np.flatnonzero(long)
    lots = np.random.default_rng(0).permutation(len(pairs.frequency))[pairs.targets[places]]
    order = places[np.lexsort((lots, -scores[places], rows[places]))]
    rank = np.arange(len(order)) - np.searchsorted(rows[order], rows[order], side="left")
    kept[order[rank < k]] = True
    return np.asarray(kept)
