"""What speaks for an item beside the user model, each as a number for every item of a catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_knn import ItemKnn
from recs.ml.scorers import Scorer

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# Share of the neighbours' sum below which an item counts as no neighbour at all.
LEAST_SHARE = 1e-4


class Evidence(Protocol):
    """One kind of evidence; it may give several numbers."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers."""
        ...

    def tables(self, histories: Histories) -> list[Floats]:
        """For each name (B, N + 1) float32, finite; row 0 means nothing."""
        ...


@dataclass(frozen=True, slots=True)
class ModelEvidence:
    """Log-probability of each item as what comes next, the mean over the members."""

    members: Sequence[Scorer]

    @property
    def names(self) -> tuple[str, ...]:
        """One number."""
        return ("user_model",)

    def tables(self, histories: Histories) -> list[Floats]:
        """See `Evidence`."""
        persons = np.arange(len(histories))
        total = np.zeros((len(histories), self.members[0].item_count + 1), np.float32)
        for member in self.members:
            scores = member.score(histories, persons)
            scores[:, 0] = scores[:, 1:].min(axis=1, initial=0.0)
            highest = scores.max(axis=1, keepdims=True)
            total += scores - highest
            total -= np.log(np.exp(scores - highest).sum(axis=1, keepdims=True)).astype(np.float32)
        return [total / np.float32(len(self.members))]


@dataclass(frozen=True, slots=True)
class KnnEvidence:
    """How much an item is wanted after those of the history: log of its share; whether at all."""

    name: str
    knn: ItemKnn

    @property
    def names(self) -> tuple[str, ...]:
        """Two numbers."""
        return (self.name, f"{self.name}_any")

    def tables(self, histories: Histories) -> list[Floats]:
        """See `Evidence`."""
        found = self.knn.sparse_scores(histories, np.arange(len(histories)))
        sums = np.asarray(found.sum(axis=1)).reshape(-1)
        scale = sparse.diags((1.0 / np.maximum(sums, 1e-30)).astype(np.float32))
        shares = np.asarray((scale @ found).todense(), np.float32)
        is_any = (shares > 0).astype(np.float32)
        return [np.log(shares + np.float32(LEAST_SHARE)), is_any]


@dataclass(frozen=True, slots=True)
class ContentEvidence:
    """Cosine of an item's content with that of what was done last, in three ways.

    With the newest item; with the fading mean of the newest ten; the highest with one of the
    newest five.

    `vectors`: (N + 1, D) float32, unit length, zeros where an item lacks it.
    """

    modality: str
    vectors: Floats
    newest: int = 10
    fade: float = 0.8
    nearest_of: int = 5

    @property
    def names(self) -> tuple[str, ...]:
        """Three numbers."""
        return tuple(f"{self.modality}_{way}" for way in ("mean", "last", "nearest"))

    def tables(self, histories: Histories) -> list[Floats]:
        """See `Evidence`."""
        means = fading(histories, len(self.vectors), self.newest, self.fade) @ self.vectors
        means = unit(np.asarray(means, np.float32))
        last = self.vectors[histories.last_items()] @ self.vectors.T
        nearest = last.copy()
        for age in range(1, self.nearest_of):
            older = histories.offsets[1:] - 1 - age
            has = np.flatnonzero(older >= histories.offsets[:-1])
            near = self.vectors[histories.items[older[has]]] @ self.vectors.T
            nearest[has] = np.maximum(nearest[has], near)
        return [means @ self.vectors.T, last, nearest]


@dataclass(frozen=True, slots=True)
class AttributeEvidence:
    """Attributes shared with the newest items, rare ones weighing more.

    `weights`: (N + 1, A) sparse float32, rows of unit length.
    """

    weights: sparse.csr_matrix
    newest: int = 10
    fade: float = 0.8

    @classmethod
    def of(cls, attributes: Attributes) -> "AttributeEvidence":
        """Weighed by inverse frequency."""
        rows = len(attributes.offsets) - 1
        ones = np.ones(len(attributes.values), np.float32)
        table = sparse.csr_matrix(
            (ones, attributes.values, attributes.offsets), (rows, attributes.size)
        )
        table.sum_duplicates()
        frequency = np.asarray((table > 0).sum(axis=0)).reshape(-1)
        rarity = np.log(rows / np.maximum(frequency, 1)).astype(np.float32)
        table = table @ sparse.diags(rarity)
        lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).reshape(-1))
        return cls((sparse.diags(1.0 / np.maximum(lengths, 1e-9)) @ table).tocsr())

    @property
    def names(self) -> tuple[str, ...]:
        """One number."""
        return ("attributes",)

    def tables(self, histories: Histories) -> list[Floats]:
        """See `Evidence`."""
        rows = self.weights.shape[0]
        asked = fading(histories, rows, self.newest, self.fade) @ self.weights
        return [np.asarray((asked @ self.weights.T).todense(), np.float32)]


@dataclass(frozen=True, slots=True)
class PopularityEvidence:
    """Log of how many events an item had.

    `counts`: (N + 1,) int64.
    """

    counts: Ints

    @property
    def names(self) -> tuple[str, ...]:
        """One number."""
        return ("popularity",)

    def tables(self, histories: Histories) -> list[Floats]:
        """See `Evidence`."""
        row = np.log1p(self.counts).astype(np.float32)
        return [np.broadcast_to(row, (len(histories), len(row)))]


@dataclass(frozen=True, slots=True)
class NewItemEvidence:
    """What speaks for an item that nobody wanted yet, apart, so that it has weights of its own.

    `is_new`: (N + 1,) bool. `parts`: evidence that new items have too.
    """

    is_new: Bools
    parts: Sequence[Evidence]

    @property
    def names(self) -> tuple[str, ...]:
        """Being new, and each number of the parts."""
        return ("new_item", *(f"new_{name}" for part in self.parts for name in part.names))

    def tables(self, histories: Histories) -> list[Floats]:
        """See `Evidence`; zeros for items that are not new."""
        if not self.is_new[1:].any():
            zeros = np.zeros((len(histories), len(self.is_new)), np.float32)
            return [zeros for _ in self.names]
        return self.of([table for part in self.parts for table in part.tables(histories)])

    def of(self, tables: Sequence[Floats]) -> list[Floats]:
        """The same from tables that the parts gave."""
        mask = self.is_new.astype(np.float32)
        return [np.broadcast_to(mask, tables[0].shape), *(table * mask for table in tables)]


def all_tables(evidence: Sequence[Evidence], histories: Histories) -> list[Floats]:
    """(B, N + 1) float32 for each name; what new items share with others is computed once."""
    made: dict[int, list[Floats]] = {}
    for part in evidence:
        if (
            isinstance(part, NewItemEvidence)
            and part.is_new[1:].any()
            and all(id(one) in made for one in part.parts)
        ):
            made[id(part)] = part.of([t for one in part.parts for t in made[id(one)]])
        else:
            made[id(part)] = part.tables(histories)
    return [table for part in evidence for table in made[id(part)]]


def content_evidence(content: ItemContent) -> list[Evidence]:
    """What can be said of these items without anybody's behaviour."""
    found: list[Evidence] = [
        ContentEvidence(name, unit(content.vectors[name])) for name in sorted(content.vectors)
    ]
    if content.attributes.size:
        found.append(AttributeEvidence.of(content.attributes))
    return found


def fading(histories: Histories, rows: int, newest: int, fade: float) -> sparse.csr_matrix:
    """(U, rows) sparse float32: the newest items of each history, each `fade` of the one after."""
    kept = histories.newest(newest)
    age = np.repeat(kept.offsets[1:], kept.lengths) - np.arange(len(kept.items)) - 1
    weights = (fade ** age.astype(np.float64)).astype(np.float32)
    return sparse.csr_matrix((weights, (kept.owners, kept.items)), (len(kept), rows))


def unit(vectors: Floats) -> Floats:
    """Rows of unit length; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)
