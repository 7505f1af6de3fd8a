"""What text vectors say of a pair: how near, and whether the query's other products agree.

The products that one query was judged with were found for it, so most of them are what it asks
for: one that is far from the others is usually the wrong thing. That reads the list and no grade.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.relevance.pairs import Pairs, numbers_of, products_of
from recs.ml.relevance.words import naming_part

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Encode = Callable[[Sequence[str]], Floats]

# Letters of a description that are read beside the title.
MOST_LETTERS = 350
# How sharply a list's centre leans to the products nearest to the query.
_SHARPNESS = 10.0
_NEIGHBOURS = (5, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairVectors:
    """Unit vectors of each pair's texts, (P, D) float32 each."""

    queries: Floats
    titles: Floats
    naming: Floats
    full: Floats


def full_text(title: str, description: str) -> str:
    """A product as one text: the title and the beginning of the description."""
    return f"{title}. {description[:MOST_LETTERS]}" if description else title


def encode_pairs(pairs: Pairs, encode: Encode) -> PairVectors:
    """Each distinct text is encoded once.

    Args:
        pairs: P of them.
        encode: T texts to (T, D) float32 of unit length.
    """
    naming = [naming_part(title) for title in pairs.titles]
    full = [full_text(*both) for both in zip(pairs.titles, pairs.descriptions, strict=True)]
    texts, _ = numbers_of([*pairs.queries, *pairs.titles, *naming, *full])
    vectors = encode(texts)
    row = {text: place for place, text in enumerate(texts)}

    def of(listed: Sequence[str]) -> Floats:
        return np.asarray(vectors[[row[text] for text in listed]])

    return PairVectors(
        queries=of(pairs.queries), titles=of(pairs.titles), naming=of(naming), full=of(full)
    )


def meaning_features(pairs: Pairs, vectors: PairVectors) -> dict[str, Floats]:
    """(P,) float32 by name; grades are not read."""
    groups = pairs.groups
    found = {
        "cosine title": _cosines(vectors.queries, vectors.titles),
        "cosine full": _cosines(vectors.queries, vectors.full),
        "cosine naming": _cosines(vectors.queries, vectors.naming),
        "title like full": _cosines(vectors.titles, vectors.full),
    }
    both = found["cosine title"] + found["cosine full"]
    for name, table in (("title", vectors.titles), ("full", vectors.full)):
        found |= _agreement(name, table, both, groups)
    found |= _elsewhere(pairs, vectors)
    found |= _neighbours(pairs, vectors.full)
    return found


def _cosines(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.einsum("pd,pd->p", one, other), np.float32)


def _agreement(name: str, table: Floats, nearness: Floats, groups: Ints) -> Mapping[str, Floats]:
    """How like the other products of the same query each is."""
    mean, nearest, centre = (np.zeros(len(table), np.float32) for _ in range(3))
    for rows in lists_of(groups):
        cosines = table[rows] @ table[rows].T  # (L, L)
        np.fill_diagonal(cosines, 0.0)
        others = max(1, len(rows) - 1)
        mean[rows] = cosines.sum(axis=1) / others
        count = min(3, others)
        nearest[rows] = np.sort(cosines, axis=1)[:, -count:].mean(axis=1)
        weights = np.exp(_SHARPNESS * (nearness[rows] - nearness[rows].max()))
        # Nobody counts for his own centre.
        share = np.tile(weights, (len(rows), 1)) * (1.0 - np.eye(len(rows)))
        centre[rows] = (cosines * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9)
    return {f"agrees {name}": mean, f"nearest {name}": nearest, f"centre {name}": centre}


def _elsewhere(pairs: Pairs, vectors: PairVectors) -> Mapping[str, Floats]:
    """Whether another query of the file would fit the product better."""
    names, rows = numbers_of(pairs.queries)
    first = {row: place for place, row in reversed(list(enumerate(rows.tolist())))}
    asked = vectors.queries[[first[row] for row in range(len(names))]]  # (Q, D)
    scores = vectors.full @ asked.T  # (P, Q)
    own = scores[np.arange(len(rows)), rows].copy()
    scores[np.arange(len(rows)), rows] = -1.0
    count = min(5, max(1, scores.shape[1] - 1))
    top = np.sort(scores, axis=1)[:, -count:]
    return {
        "over best other": own - top[:, -1],
        "over others": own - top.mean(axis=1),
        "queries nearer": np.log1p((scores > own[:, None]).sum(axis=1)).astype(np.float32),
    }


def _neighbours(pairs: Pairs, table: Floats) -> Mapping[str, Floats]:
    """The share of the nearest products of the file that were found for the same query."""
    products, product_rows = products_of(pairs)
    _, groups = numbers_of(pairs.queries)
    queries = int(groups.max()) + 1
    lists = np.zeros((len(products), queries), np.float32)
    lists[product_rows, groups] = 1.0
    first = np.zeros(len(products), np.int64)
    first[product_rows[::-1]] = np.arange(len(table))[::-1]
    distinct = table[first]  # (N, D)
    found = {name: np.zeros(len(table), np.float32) for name in _NEIGHBOURS}
    width = min(max(_NEIGHBOURS), len(products) - 1)
    for start in range(0, len(table), 1024):
        rows = np.arange(start, min(start + 1024, len(table)))
        cosines = table[rows] @ distinct.T
        cosines[np.arange(len(rows)), product_rows[rows]] = -2.0
        near = np.argsort(-cosines, axis=1)[:, :width]  # (1024, width)
        same = lists[near, groups[rows][:, None]]
        for count in _NEIGHBOURS:
            found[count][rows] = same[:, :count].sum(axis=1) / count
    return {f"same query of {count}": values for count, values in found.items()}


def lists_of(groups: Ints) -> list[Ints]:
    """Places of the pairs of each query."""
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
