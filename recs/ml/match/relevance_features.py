"""How well an item answers a query, in numbers that are there in a request.

The one function for learning and for serving. Letters: C items, D of the content space, M nearest
items, F features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np
import numpy.typing as npt

from recs.ml.match.texts import (
    DESCRIPTION_CHARACTERS,
    ItemText,
    Rarity,
    ReadText,
    read_naming,
    read_text,
    read_words,
)

Floats = npt.NDArray[np.float32]

# So many of the nearest items stand for what the query is about.
AGREEING = 20
NAMES = (
    "cosine", "share of nearest", "agreement", "nearest like it", "title coverage",
    "text coverage", "plain coverage", "rarest in title", "rarest in text", "share of title",
    "naming coverage", "last word named", "last word in title", "category coverage",
    "creator coverage", "fact coverage", "numbers missing", "pieces", "pairs", "words asked",
    "rarity asked", "title words", "has description", "people",
)  # fmt: skip
# With more of these an item is never the worse match; with more of the others never the better.
BETTER = frozenset(
    {
        "cosine", "share of nearest", "agreement", "title coverage", "text coverage",
        "plain coverage", "rarest in title", "rarest in text", "naming coverage",
        "last word named", "last word in title", "pieces", "pairs",
    }
)  # fmt: skip
WORSE = frozenset({"numbers missing"})
COSINE = NAMES.index("cosine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query: its words as text, its vector (D,) of unit length or None, and the nearest items.

    `near`: (M, D), vectors of those that are nearest to it, best first.
    """

    text: str
    vector: Floats | None = None
    near: Floats | None = None


def relevance_features(
    asked: Asked, items: Sequence[ItemText], vectors: Floats, rarity: Rarity
) -> Floats:
    """(C, F) float32, in the order of NAMES.

    Args:
        asked: what was asked.
        items: C texts.
        vectors: (C, D) content vectors, zeros where an item has none.
        rarity: of the catalog's words.
    """
    if not items:
        return np.zeros((0, len(NAMES)), np.float32)
    query = read_text(asked.text)
    weights = rarity.weighed(query.words)
    words = np.array([_words(query, weights, item) for item in items], np.float32)
    return np.concatenate([_meaning(asked, vectors), words], axis=1)


def _meaning(asked: Asked, vectors: Floats) -> Floats:
    """(C, 4): nearness to the query, its share of the nearest's, agreement with the nearest."""
    found = np.zeros((len(vectors), 4), np.float32)
    if asked.vector is None:
        return found
    cosines = vectors @ asked.vector  # (C,)
    near = asked.near[:AGREEING] if asked.near is not None and len(asked.near) else None
    best = float((near @ asked.vector).max()) if near is not None else float(cosines.max())
    found[:, 0] = cosines
    found[:, 1] = np.clip(cosines / max(best, 0.05), -2.0, 2.0)
    if near is not None:
        alike = vectors @ near.T  # (C, M)
        # An item that is one of the nearest agrees with the others, not with itself.
        itself = alike > 0.9995
        others = np.maximum((~itself).sum(axis=1), 1)
        found[:, 2] = np.where(itself, 0.0, alike).sum(axis=1) / others
        found[:, 3] = np.where(itself, -1.0, alike).max(axis=1)
    return found


def _words(query: ReadText, weights: Mapping[str, float], item: ItemText) -> list[float]:
    title = read_text(item.title)
    described = read_words(item.description[:DESCRIPTION_CHARACTERS])
    kinds, makers = read_words(item.categories), read_words(item.creators)
    facts, naming = read_words(item.facts), read_naming(item.title)
    total = sum(weights.values()) or 1.0
    everywhere = title.held | described | kinds | makers | facts
    rarest = max(weights, key=weights.__getitem__) if weights else ""
    last = list(weights)[-1] if weights else ""
    numbers = [word for word in weights if word.isdigit()]

    def coverage(held: frozenset[str]) -> float:
        return sum(weight for word, weight in weights.items() if word in held) / total

    return [
        coverage(title.held),
        coverage(everywhere),
        sum(word in everywhere for word in weights) / max(1, len(weights)),
        float(rarest in title.held),
        float(rarest in everywhere),
        sum(word in weights for word in title.held) / max(1, len(title.held)),
        coverage(naming),
        float(last in naming),
        float(last in title.held),
        coverage(kinds),
        coverage(makers),
        coverage(facts),
        sum(word not in everywhere for word in numbers),
        len(query.pieces & title.pieces) / max(1, len(query.pieces)),
        len(query.pairs & title.pairs) / max(1, len(query.pairs)),
        log1p(len(weights)),
        total / max(1, len(weights)),
        log1p(len(title.words)),
        float(bool(described)),
        log1p(item.people),
    ]
