"""BM25 over items' words, tuned on validation: what every learned search is measured against."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import bm25s
import numpy as np
import numpy.typing as npt

from recs.ml.unified.tokens import plain_words

Floats = npt.NDArray[np.float32]

# It logs each index at the level of debugging, whatever the application asked for.
logging.getLogger("bm25s").setLevel(logging.WARNING)

K1 = (0.4, 0.9, 1.5)
B = (0.2, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Bm25:
    """An index of N items' texts."""

    index: bm25s.BM25
    item_count: int

    def score(self, texts: Sequence[str]) -> Floats:
        """(R, N + 1) float32; 0 for items without any of a text's words, and for the padding."""
        scores = np.zeros((len(texts), self.item_count + 1), np.float32)
        known = self.index.vocab_dict
        for row, text in enumerate(texts):
            words = [word for word in plain_words(text) if word in known]
            if words:
                scores[row, 1:] = self.index.get_scores(words)
        return scores


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
    return Bm25(index, len(texts))
