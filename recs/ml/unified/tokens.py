"""Words as hashed n-grams, the same for queries and items, so that both share one table."""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

Floats = npt.NDArray[np.float32]

BUCKETS = 2**15
# Of a longer text the first words: titles stand in front.
MOST_WORDS = 120
_WORD = re.compile(r"[^\W_]+")


def plain_words(text: str) -> list[str]:
    """Words in small letters without accents; numbers are words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(c for c in decomposed if not unicodedata.combining(c)))


def n_grams(text: str) -> Iterator[str]:
    """Words, pairs of neighbouring words, and groups of three letters of each word.

    Source: Jha et al., Unified Embedding Based Personalized Retrieval in Etsy Search, 2023,
        section 3.1.1 (token unigrams, bigrams, character trigrams).
    """
    words = plain_words(text)[:MOST_WORDS]
    yield from (f"w {word}" for word in words)
    yield from (f"p {first} {second}" for first, second in itertools.pairwise(words))
    for word in words:
        marked = f"<{word}>"
        yield from (f"c {marked[place : place + 3]}" for place in range(len(marked) - 2))


def count_tokens(texts: Sequence[str], buckets: int = BUCKETS) -> sparse.csr_matrix:
    """(T, buckets) float32: how often a bucket's n-grams stand in each text."""
    if not len(texts):
        return sparse.csr_matrix((0, buckets), dtype=np.float32)
    hashing = HashingVectorizer(
        analyzer=n_grams, n_features=buckets, alternate_sign=False, norm=None, dtype=np.float32
    )
    return hashing.transform(texts).tocsr()


@dataclass(frozen=True, slots=True)
class TokenWeights:
    """How much a bucket says, learned from items' texts: `rarity` (buckets,) float32."""

    rarity: Floats

    def apply(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Rows of unit length; a text without words stays empty."""
        damped = counts.copy()
        damped.data = np.sqrt(damped.data)
        weighted = damped @ sparse.diags(self.rarity)
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).reshape(-1)
        scale = sparse.diags((1.0 / np.maximum(lengths, 1e-9)).astype(np.float32))
        return (scale @ weighted).tocsr().astype(np.float32)


def fit_token_weights(counts: sparse.csr_matrix) -> TokenWeights:
    """Inverse document frequency, smoothed, of these texts."""
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log((1.0 + counts.shape[0]) / (1.0 + documents)) + 1.0
    return TokenWeights(rarity.astype(np.float32))
