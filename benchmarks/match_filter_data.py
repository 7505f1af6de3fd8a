"""Judged pairs of a query and a product as rows of the match filter, for its benchmarks.

The products of the file are the catalog: the nearest items of a query are looked for among all of
them, as a search does.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.match.relevance_features import AGREEING, NAMES, Asked, relevance_features
from recs.ml.match.texts import ItemText, Rarity, learn_rarity
from recs.ml.relevance.pairs import Pairs, numbers_of, products_of, read_pairs
from recs.ml.text_encoder import TextEncoder, packaged_model_dir

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
# Of a product's text so much is encoded, as of an item.
CHARACTERS = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """P pairs and what is read of them. `product_of`, `query_of`: (P,) places."""

    pairs: Pairs
    products: tuple[ItemText, ...]
    queries: tuple[str, ...]
    product_of: Ints
    query_of: Ints
    product_vectors: Floats
    query_vectors: Floats
    rarity: Rarity

    def asked(self, query: int) -> Asked:
        """A query with the nearest of all products."""
        vector = self.query_vectors[query]
        nearest = np.argsort(-(self.product_vectors @ vector))[:AGREEING]
        return Asked(text=self.queries[query], vector=vector, near=self.product_vectors[nearest])

    def features(self) -> Floats:
        """(P, F)."""
        found = np.zeros((len(self.pairs), len(NAMES)), np.float32)
        for query in range(len(self.queries)):
            rows = np.flatnonzero(self.query_of == query)
            own = self.product_of[rows]
            found[rows] = relevance_features(
                self.asked(query), [self.products[place] for place in own.tolist()],
                self.product_vectors[own], self.rarity,
            )  # fmt: skip
        return found


def read_world(path: Path, cache: Path | None = None) -> World:
    """The file with its vectors, which are kept in `cache` (.npz) where one is named."""
    pairs = read_pairs(path, judged=True)
    products, product_of = products_of(pairs)
    queries, query_of = numbers_of(list(pairs.queries))
    texts = [ItemText(title=title, description=described) for title, described in products]
    if cache is not None and cache.exists():
        with np.load(cache) as kept:
            query_vectors, product_vectors = kept["q"], kept["p"]
    else:
        encoder = TextEncoder(packaged_model_dir())
        query_vectors = encoder.encode_documents(list(queries))
        product_vectors = encoder.encode_documents([f"{t}. {d}"[:CHARACTERS] for t, d in products])
        if cache is not None:
            np.savez(cache, q=query_vectors, p=product_vectors)
    return World(
        pairs=pairs, products=tuple(texts), queries=queries, product_of=product_of,
        query_of=query_of, product_vectors=product_vectors, query_vectors=query_vectors,
        rarity=learn_rarity(texts),
    )  # fmt: skip
