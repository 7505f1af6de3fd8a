"""BM25 over items' words, tuned on validation: what every learned search is measured against."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bm25s
import numpy as np
import numpy.typing as npt

from recs.ml.unified.tokens import plain_words

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# It logs each index at the level of debugging, whatever the application asked for.
logging.getLogger("bm25s").setLevel(logging.WARNING)

K1 = (0.4, 0.9, 1.5)
B = (0.2, 0.5, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25:
    """What each word adds to each of N items, word by word.

    Word w adds `values[starts[w]:starts[w + 1]]` to the items (from 0) at the same places of
    `items`. `words`: numbers of the words.
    """

    words: Mapping[str, int]
    starts: Ints
    items: Ints
    values: Floats
    item_count: int

    def score(self, texts: Sequence[str]) -> Floats:
        """(R, N + 1) float32; 0 for items without any of a text's words, and for the padding."""
        scores = np.zeros((len(texts), self.item_count + 1), np.float32)
        for row, text in enumerate(texts):
            for word in plain_words(text):
                if (number := self.words.get(word)) is not None:
                    part = slice(self.starts[number], self.starts[number + 1])
                    # A word names each item once.
                    scores[row, self.items[part] + 1] += self.values[part]
        return scores

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """What is saved of it; the words as one text."""
        ordered = sorted(self.words, key=self.words.__getitem__)
        return {
            "words": np.frombuffer("\n".join(ordered).encode(), np.uint8),
            "starts": self.starts,
            "items": self.items,
            "values": self.values,
            "item_count": np.array([self.item_count], np.int64),
        }

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, npt.NDArray[Any]]) -> "Bm25":
        """The index that tensors() gave.

        Raises:
            KeyError: where one is missing.
        """
        words = bytes(tensors["words"]).decode().split("\n")
        return cls(
            words={word: number for number, word in enumerate(words)},
            starts=np.asarray(tensors["starts"], np.int64),
            items=np.asarray(tensors["items"], np.int64),
            values=np.asarray(tensors["values"], np.float32),
            item_count=int(tensors["item_count"][0]),
        )


def fit_bm25(texts: Sequence[str], *, k1: float = 0.9, b: float = 0.5) -> Bm25:
    """The index of these texts.

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009;
        Lu, BM25S, 2024 (scores of all words computed beforehand).

    Args:
        texts: of N items.
        k1: how soon repeating a word stops to count.
        b: how much long texts pay for their length.
    """
    index = bm25s.BM25(k1=k1, b=b)
    # A catalogue without a word still is one.
    words = [plain_words(text) or [""] for text in texts]
    index.index(words, show_progress=False)
    return Bm25(
        words=dict(index.vocab_dict),
        starts=np.asarray(index.scores["indptr"], np.int64),
        items=np.asarray(index.scores["indices"], np.int64),
        values=np.asarray(index.scores["data"], np.float32),
        item_count=len(texts),
    )
