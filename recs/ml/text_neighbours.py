"""Items whose content is like that of what one looked at last: works for items nobody has seen."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_knn import ItemKnnConfig, question
from recs.ml.sequence_data import SequenceData, TrainOptions

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Tried one field at a time, around and around, as in `item_knn_tuning`.
SEARCH: Final[dict[str, tuple[Any, ...]]] = {
    "history": (1, 2, 3, 5, 10, 20, 50),
    "recency_power": (0.0, 0.3, 0.6, 1.0, 1.5, 2.0),
    "attribute_weight": (0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0),
    "centred": (True, False),
}
LEAST_GAIN: Final = 0.002
ROUNDS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNeighboursConfig:
    """How a history asks for items like it."""

    # Newest items that are asked; the r-th newest weighs r ** -recency_power.
    history: int = 10
    recency_power: float = 1.0
    # Cosine of attributes (rare ones count more) beside the cosines of the vectors.
    attribute_weight: float = 0.2
    # Whether the mean vector is taken off, so that what all texts share does not count.
    centred: bool = True

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.history < 1 or self.attribute_weight < 0:
            raise ValueError("history counts from 1; attribute_weight is not below 0.")


@dataclass(frozen=True, slots=True)
class TextNeighbours:
    """A Scorer. The score is the mean of the modalities' cosines plus the attributes'.

    `vectors`: (N + 1, D) float32, all modalities side by side, of unit length each. `attributes`:
    (N + 1, A) sparse float32, rows of unit length.
    """

    vectors: Floats
    attributes: sparse.csr_matrix
    config: TextNeighboursConfig

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.vectors) - 1

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`. What has no content scores 0."""
        config = self.config
        asked = ItemKnnConfig(history=config.history, recency_power=config.recency_power)
        who = question(histories.select(persons), len(self.vectors), asked)
        scores = np.asarray(who @ self.vectors, np.float32) @ self.vectors.T
        if config.attribute_weight and self.attributes.nnz:
            alike = ((who @ self.attributes) @ self.attributes.T).toarray()
            scores += np.float32(config.attribute_weight) * alike
        scores[:, 0] = -np.inf
        return np.asarray(scores, np.float32)


def text_neighbours(
    content: ItemContent, config: TextNeighboursConfig | None = None
) -> TextNeighbours:
    """Neighbours by the content of all modalities; nothing is learned."""
    config = config or TextNeighboursConfig()
    parts = [_unit(content, name, centred=config.centred) for name in sorted(content.vectors)]
    scale = np.float32(max(len(parts), 1) ** -0.5)
    vectors = (
        np.concatenate(parts, axis=1) * scale
        if parts
        else np.zeros((content.item_count + 1, 1), np.float32)
    )
    attributes = attribute_matrix(content.attributes, content.item_count)
    return TextNeighbours(vectors.astype(np.float32), attributes, config)


def attribute_matrix(attributes: Attributes, item_count: int) -> sparse.csr_matrix:
    """(N + 1, A) sparse float32 of unit rows; an attribute weighs log(N / items that have it)."""
    size = max(attributes.size, 1)
    having = np.bincount(attributes.values, minlength=size)
    rarity = np.log((item_count + 1) / np.maximum(having, 1)).astype(np.float32)
    matrix = sparse.csr_matrix(
        (rarity[attributes.values], attributes.values, attributes.offsets),
        shape=(item_count + 1, size),
    )
    matrix.sum_duplicates()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).reshape(-1))
    lengths = np.where(lengths > 0, lengths, 1.0)
    return sparse.csr_matrix(sparse.diags(1 / lengths) @ matrix, dtype=np.float32)


def tune_text_neighbours(
    data: SequenceData, config: TextNeighboursConfig, options: TrainOptions
) -> TextNeighbours:
    """The numbers that rank the targets of validation best, searched one field at a time.

    Args:
        data: content, and people to validate on.
        config: where the search starts; with nobody to validate on, what is taken.
        options: seconds (120 where None) and seed.
    """
    sample = data.sample(options.most_validation_people, options.seed)
    deadline = time.monotonic() + (120.0 if options.seconds is None else options.seconds)
    best = text_neighbours(data.content, config)
    score = sample.ndcg(best)
    for name, value in _trials():
        if time.monotonic() > deadline or not len(sample.targets):
            break
        changed = _changed(best, name, value, data.content)
        gained = score if changed is best else sample.ndcg(changed)
        if gained > score * (1 + LEAST_GAIN):
            best, score = changed, gained
    return best


def _trials() -> Iterator[tuple[str, Any]]:
    for _ in range(ROUNDS):
        for name, values in SEARCH.items():
            for value in values:
                yield name, value


def _changed(best: TextNeighbours, name: str, value: Any, content: ItemContent) -> TextNeighbours:
    """With another value of a field; the same object where it has that value."""
    if getattr(best.config, name) == value:
        return best
    config = replace(best.config, **{name: value})
    return text_neighbours(content, config) if name == "centred" else replace(best, config=config)


def _unit(content: ItemContent, modality: str, *, centred: bool) -> Floats:
    """(N + 1, D) float32 of unit rows; items without the modality stay zeros."""
    table, has = content.vectors[modality], content.has(modality)
    if centred and has.any():
        table = np.where(has[:, None], table - table[has].mean(axis=0), 0.0)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.where(lengths > 0, lengths, 1.0), np.float32)
