"""What the towers read of items and of words: frozen arrays, made once for a moment."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.unified.tokens import plain_words

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# Words of the longest name of a fact that is recognised in a query.
LONGEST_NAME = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WordInputs:
    """M texts that may stand in a search field: queries people asked, then titles of items.

    `text`: (M + 1, T) float32, unit length. `graph`: (M + 1, G) float32, zeros where nobody asked.
    `tokens`: (M + 1, buckets) and `attributes`: (M + 1, A) sparse float32. Row 0 is no text.
    """

    text: Floats
    graph: Floats
    tokens: sparse.csr_matrix
    attributes: sparse.csr_matrix

    def __len__(self) -> int:
        """M."""
        return len(self.text) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInputs:
    """N items; row 0 is padding and all zeros.

    `text`: (N + 1, T) float32. `others`: further modalities by name, (N + 1, D_m) float32. `graph`:
    (N + 1, G) float32. `tokens`: (N + 1, buckets), `attributes`: (N + 1, A) sparse float32.
    `scalars`: (N + 1, S) float32 from 0 to 1. `codes`: (N + 1, L) int64 from 1, 0 for none, of
    `code_sizes`. `counts`: (N + 1,) int64, how often each was wanted before the moment.
    """

    text: Floats
    others: Mapping[str, Floats]
    graph: Floats
    tokens: sparse.csr_matrix
    attributes: sparse.csr_matrix
    scalars: Floats
    codes: Ints
    code_sizes: tuple[int, ...]
    counts: Ints

    def __len__(self) -> int:
        """N."""
        return len(self.text) - 1


@dataclass(frozen=True, slots=True)
class FactNames:
    """Facts of items ("genre:Drama") as columns, and how to find them in a query's words."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, facts: Iterable[Iterable[str]], *, least: int = 2) -> "FactNames":
        """Those that at least so many items have, in alphabetical order."""
        counts: dict[str, int] = {}
        for row in facts:
            for name in set(row):
                counts[name] = counts.get(name, 0) + 1
        return cls(tuple(sorted(name for name, count in counts.items() if count >= least)))

    def table(self, facts: Sequence[Iterable[str]]) -> sparse.csr_matrix:
        """(rows, A) sparse float32, rows of unit length; unknown names are passed over."""
        column = {name: place for place, name in enumerate(self.names)}
        found = [sorted({column[n] for n in row if n in column}) for row in facts]
        return _bags(found, len(self.names))

    def recognise(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """(T, A) sparse float32: the facts whose value stands in a text as whole words.

        "french comedies" names no fact, "comedy" does: wording is left to tokens and text vectors.
        """
        columns = _columns_by_value(self.names)
        found = []
        for text in texts:
            words = plain_words(text)
            spans = (
                tuple(words[start : start + length])
                for length in range(1, LONGEST_NAME + 1)
                for start in range(len(words) - length + 1)
            )
            found.append(sorted({place for span in spans for place in columns.get(span, ())}))
        return _bags(found, len(self.names))


# A request names the same facts as the one before it.
@functools.lru_cache(maxsize=4)
def _columns_by_value(names: tuple[str, ...]) -> dict[tuple[str, ...], list[int]]:
    """Columns of the facts by the words of their value."""
    columns: dict[tuple[str, ...], list[int]] = {}
    for place, name in enumerate(names):
        value = tuple(plain_words(name.partition(":")[2]))
        if 0 < len(value) <= LONGEST_NAME:
            columns.setdefault(value, []).append(place)
    return columns


def _bags(lists: Sequence[Sequence[int]], size: int) -> sparse.csr_matrix:
    """One row for each list, every entry 1 over the root of the list's length."""
    lengths = np.array([len(row) for row in lists], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.fromiter((v for row in lists for v in row), np.int64, int(offsets[-1]))
    weights = np.repeat(1.0 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32)
    return sparse.csr_matrix((weights, values, offsets), (len(lists), size), dtype=np.float32)


def principal_axes(vectors: Floats, size: int) -> Floats:
    """(T, size) float32 orthonormal: products in these axes are nearest to those of the vectors.

    Args:
        vectors: (N, T) float32.
        size: where T is smaller, columns of zeros fill up.
    """
    kept = vectors[(vectors != 0).any(axis=1)].astype(np.float64)
    axes = np.zeros((vectors.shape[1], size), np.float32)
    if len(kept):
        strength, directions = np.linalg.eigh(kept.T @ kept)
        order = np.argsort(-strength)[:size]
        axes[:, : len(order)] = directions[:, order]
    return axes
