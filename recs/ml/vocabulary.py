"""Which row of every table belongs to which item; row 0 is padding."""

import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
PADDING = 0


class VocabularyMismatch(ValueError):
    """Two things that belong together were made with different vocabularies."""


@dataclass(frozen=True)
class Vocabulary:
    """Items in the order of their rows; an item that is not among them has no row.

    The order carries no meaning, and nothing may learn from it.
    """

    item_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse an item that stands twice."""
        if len(set(self.item_ids)) != len(self.item_ids):
            raise ValueError("An item stands twice in the vocabulary.")

    @classmethod
    def of(cls, item_ids: Iterable[str]) -> "Vocabulary":
        """These items, each once, in the order of their first appearance."""
        return cls(tuple(dict.fromkeys(item_ids)))

    def __len__(self) -> int:
        """N, the number of items; tables have one row more."""
        return len(self.item_ids)

    @functools.cached_property
    def _row_of(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.item_ids, start=1)}

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over the items in their order: what is saved beside weights."""
        return hashlib.sha256("\n".join(self.item_ids).encode()).hexdigest()

    def __contains__(self, item_id: object) -> bool:
        """Whether the item has a row."""
        return item_id in self._row_of

    def rows(self, item_ids: Iterable[str]) -> Rows:
        """Rows of these items, int64, 0 where an item is not in the vocabulary."""
        return np.array([self._row_of.get(item_id, PADDING) for item_id in item_ids], np.int64)

    def ids(self, rows: Sequence[int] | Rows) -> list[str]:
        """Items of these rows.

        Raises:
            IndexError: for the padding row or one past the end.
        """
        if any(not 1 <= row <= len(self.item_ids) for row in rows):
            raise IndexError(f"rows go from 1 to {len(self.item_ids)}")
        return [self.item_ids[row - 1] for row in rows]

    def check(self, digest: str) -> None:
        """Refuse to go on with weights of another vocabulary.

        Raises:
            VocabularyMismatch: where the digest is not this one's.
        """
        if digest != self.digest:
            raise VocabularyMismatch(
                "The weights were made for another vocabulary than the one that is given."
            )
