"""How well an item answers a query, in numbers that are there in a request.

The one function for learning and for serving. Letters: C items, D of the content space, M nearest
items, F features.
"""

from collections.abc import Sequence
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
    query = _Query.of(read_text(asked.text), rarity)
    words = np.array([_words(query, item) for item in items], np.float32)
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


@dataclass(frozen=True, slots=True)
class _Query:
    """What of a query is the same for every item. `weights`: its words with their share of all."""

    text: ReadText
    weights: tuple[tuple[str, float], ...]
    words: frozenset[str]
    rarest: str
    last: str
    numbers: frozenset[str]
    told: tuple[float, float]

    @classmethod
    def of(cls, text: ReadText, rarity: Rarity) -> "_Query":
        weights = rarity.weighed(text.words)
        total = sum(weights.values()) or 1.0
        return cls(
            text=text,
            weights=tuple((word, weight / total) for word, weight in weights.items()),
            words=frozenset(weights),
            rarest=max(weights, key=weights.__getitem__) if weights else "",
            last=list(weights)[-1] if weights else "",
            numbers=frozenset(word for word in weights if word.isdigit()),
            told=(log1p(len(weights)), total / max(1, len(weights))),
        )


def _words(query: _Query, item: ItemText) -> tuple[float, ...]:
    """What an item shares with a query in words; in the order of NAMES, behind the meaning."""
    title = read_text(item.title)
    held, naming = title.held, read_naming(item.title)
    described = read_words(item.description[:DESCRIPTION_CHARACTERS])
    kinds, makers = read_words(item.categories), read_words(item.creators)
    facts = read_words(item.facts)
    in_title = in_text = in_naming = in_kinds = in_makers = in_facts = 0.0
    known = 0
    has_rarest, missing = False, 0
    for word, share in query.weights:
        of_title, of_kinds = word in held, word in kinds
        of_makers, of_facts = word in makers, word in facts
        in_title += share * of_title
        in_naming += share * (word in naming)
        in_kinds += share * of_kinds
        in_makers += share * of_makers
        in_facts += share * of_facts
        if of_title or of_kinds or of_makers or of_facts or word in described:
            in_text += share
            known += 1
            has_rarest = has_rarest or word == query.rarest
        elif word in query.numbers:
            missing += 1
    text = query.text
    return (
        in_title,
        in_text,
        known / max(1, len(query.weights)),
        query.rarest in held,
        has_rarest,
        len(query.words & held) / max(1, len(held)),
        in_naming,
        query.last in naming,
        query.last in held,
        in_kinds,
        in_makers,
        in_facts,
        missing,
        len(text.pieces & title.pieces) / max(1, len(text.pieces)),
        len(text.pairs & title.pairs) / max(1, len(text.pairs)),
        *query.told,
        log1p(len(title.words)),
        bool(described),
        log1p(item.people),
    )
