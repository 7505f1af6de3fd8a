"""Judged pairs of a query and a thing as rows of the match filter, without a catalog.

The things of the pairs are the catalog: the nearest of a query are looked for among all of them, as
a search does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.match.relevance_features import AGREEING, NAMES, Asked, relevance_features
from recs.ml.match.texts import ItemText, Rarity, learn_rarity
from recs.ml.relevance.pairs import Pairs, numbers_of, products_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Encode = Callable[[Sequence[str]], Floats]
# Of a thing's text so much is encoded, as of an item.
CHARACTERS = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWorld:
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
        """A query with the nearest of all things."""
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
                self.asked(query),
                [self.products[place] for place in own.tolist()],
                self.product_vectors[own],
                self.rarity,
            )
        return found


def judged_world(pairs: Pairs, encode: Encode) -> JudgedWorld:
    """The pairs with vectors of their texts.

    Args:
        pairs: P.
        encode: texts to (N, D) unit vectors.
    """
    products, product_of = products_of(pairs)
    queries, query_of = numbers_of(list(pairs.queries))
    texts = [ItemText(title=title, description=described) for title, described in products]
    return JudgedWorld(
        pairs=pairs,
        products=tuple(texts),
        queries=queries,
        product_of=product_of,
        query_of=query_of,
        product_vectors=encode([f"{t}. {d}"[:CHARACTERS] for t, d in products]),
        query_vectors=encode(list(queries)),
        rarity=learn_rarity(texts),
    )
