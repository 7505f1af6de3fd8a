"""Which items people want close together in time: item-to-item neighbours by counting.

Source: Linden, Smith and York, Amazon.com Recommendations: Item-to-Item Collaborative Filtering,
2003 (cosine of co-occurrence); Sarwar et al., Item-based Collaborative Filtering, WWW 2001.
Differs from the papers: pairs count only within a window of each history, less with distance; very
active people count less; the score shrinks where few people stand behind it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CooccurrenceConfig:
    """What makes two items neighbours."""

    # Positions of the history between the two. People rate or browse in bursts, so the order
    # inside a burst says little: the weight falls slowly, by 1 / log2(1 + gap).
    window: int = 50
    # Days between the two: beyond it they are no longer of one life's phase.
    days: float = 365.0
    # A history counts only with its newest events: the oldest of a robot's million do not matter.
    longest_history: int = 2000
    # The score is multiplied by people / (people + shrinkage).
    shrinkage: float = 3.0
    # Exponent of the items' frequencies: 0.5 is the cosine, less favours what is popular.
    frequency_power: float = 0.5
    least_people: int = 2
    neighbours: int = 50

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.window < 1 or self.neighbours < 1 or self.least_people < 1:
            raise ValueError("window, neighbours and least_people count from 1.")
        if self.days <= 0 or self.shrinkage < 0 or self.longest_history < 2:
            raise ValueError("days must be above 0, shrinkage not below, longest_history above 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Ranked pairs, all of one length: item, neighbour, score (higher is better), people."""

    items: Ints
    neighbours: Ints
    scores: DoubleFloats
    people: Ints


def cooccurrence(
    *, people: Ints, items: Ints, times: DoubleFloats, config: CooccurrenceConfig
) -> Neighbours:
    """Neighbours of each item, best first, from who wanted what and when.

    Args:
        people: (E,) int64, who.
        items: (E,) int64, what; any numbers from 0.
        times: (E,) float64, when, in days.
        config: see its fields.

    Returns:
        At most `config.neighbours` for each item, ordered by item, then by falling score.
    """
    people, items, times = _histories(people, items, times, config.longest_history)
    names, rows = np.unique(items, return_inverse=True)
    size = len(names)
    weight, counted = _pairs(people, rows, times, size=size, config=config)
    frequency = np.bincount(rows, weights=_damping(people), minlength=size)
    # Both hold the same places, in the same order once sorted.
    weight.sort_indices()
    counted.sort_indices()
    enough = counted.data >= config.least_people
    places = weight.tocoo()
    left, right = places.row[enough].astype(np.int64), places.col[enough].astype(np.int64)
    n_people = counted.data[enough]
    scale = (frequency[left] * frequency[right]) ** config.frequency_power
    scores = weight.data[enough] / scale * (n_people / (n_people + config.shrinkage))
    kept = _best(left, right, scores, config.neighbours)
    return Neighbours(
        items=names[left[kept]],
        neighbours=names[right[kept]],
        scores=scores[kept],
        people=n_people[kept].astype(np.int64),
    )


def _histories(
    people: Ints, items: Ints, times: DoubleFloats, longest: int
) -> tuple[Ints, Ints, DoubleFloats]:
    """Events by person and time, each item once (its first time), at most the newest `longest`."""
    order = np.lexsort((items, times, people))
    people, items, times = people[order], items[order], times[order]
    # np.unique gives the first place of each pair, which is its earliest.
    pairs = people * (items.max(initial=0) + 1) + items
    first = np.sort(np.unique(pairs, return_index=True)[1])
    people, items, times = people[first], items[first], times[first]
    from_end = np.searchsorted(people, people, side="right") - np.arange(len(people))
    newest = from_end <= longest
    return people[newest], items[newest], times[newest]


def _pairs(
    people: Ints, rows: Ints, times: DoubleFloats, *, size: int, config: CooccurrenceConfig
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Symmetric sums of weights and numbers of people, one gap at a time: (N, N) both.

    Each item stands once in a history, so a person adds to a pair once.
    """
    damping = _damping(people)
    weight = sparse.csr_matrix((size, size), dtype=np.float64)
    counted = sparse.csr_matrix((size, size), dtype=np.int64)
    for gap in range(1, config.window + 1):
        together = (people[gap:] == people[:-gap]) & (times[gap:] - times[:-gap] <= config.days)
        earlier, later = rows[:-gap][together], rows[gap:][together]
        values = damping[gap:][together] / np.log2(1 + gap)
        weight = weight + sparse.csr_matrix((values, (earlier, later)), shape=(size, size))
        ones = np.ones(len(earlier), dtype=np.int64)
        counted = counted + sparse.csr_matrix((ones, (earlier, later)), shape=(size, size))
    return (weight + weight.T).tocsr(), (counted + counted.T).tocsr()


def _damping(people: Ints) -> DoubleFloats:
    """Weight of each event by how active its person is: 1 / log2(2 + events)."""
    _, place, counts = np.unique(people, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / np.log2(2.0 + counts))[place]


def _best(left: Ints, right: Ints, scores: DoubleFloats, k: int) -> Ints:
    """Places of the k best of each `left`, in order; ties by the smaller neighbour."""
    order = np.lexsort((right, -scores, left))
    rank = np.arange(len(order)) - np.searchsorted(left[order], left[order], side="left")
    return np.asarray(order[rank < k])
