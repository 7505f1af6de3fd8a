"""Texts as the match filter reads them in a request: words, pieces and naming part, read once."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

from recs.ml.relevance.words import STOP_WORDS, naming_part, stem, stems

# Of a description its beginning: what a thing is stands in front.
DESCRIPTION_CHARACTERS = 600
# So many words have a rarity of their own; what is rarer counts as unknown.
MOST_WORDS = 30_000
_WORD = re.compile(r"[^\W_]+")
_UNIT = re.compile(r"^(\d+)([a-z]{1,5})$")
_stem = lru_cache(maxsize=65_536)(stem)


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text taken apart: `words` in order, `held` as a set, `pieces` of three letters."""

    words: tuple[str, ...]
    held: frozenset[str]
    pieces: frozenset[str]
    pairs: frozenset[tuple[str, str]]


# Of a text alone, the same in every catalog; the texts of a few thousand items.
@lru_cache(maxsize=16_384)
def read_text(text: str) -> ReadText:
    """The text taken apart."""
    words = tuple(fast_stems(text))
    pieces = frozenset(
        marked[place : place + 3]
        for marked in (f"<{word}>" for word in words)
        for place in range(len(marked) - 2)
    )
    return ReadText(words, frozenset(words), pieces, frozenset(itertools.pairwise(words)))


@lru_cache(maxsize=16_384)
def read_words(text: str) -> frozenset[str]:
    """The words of a text that is only looked into."""
    return frozenset(fast_stems(text))


@lru_cache(maxsize=16_384)
def read_naming(title: str) -> frozenset[str]:
    """The words of that part of a title which says what the thing is."""
    return frozenset(fast_stems(naming_part(title)))


def fast_stems(text: str) -> list[str]:
    """What recs.ml.relevance.words.stems() gives, sooner where the text is plain ASCII."""
    if not text.isascii():
        return stems(text)
    found: list[str] = []
    for word in _WORD.findall(text.lower().replace("'", "")):
        parts = _UNIT.match(word) if word[0].isdigit() else None
        found.extend(_stem(part) for part in (parts.groups() if parts else (word,)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemText:
    """What is read of an item. `facts`: values of its attributes. `people`: who wanted it."""

    title: str
    description: str = ""
    categories: str = ""
    creators: str = ""
    facts: str = ""
    people: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """How much a word tells: the fewer items hold it the more. `items`: how many there were."""

    items: int = 0
    held_by: Mapping[str, int] = field(default_factory=dict)

    def of(self, word: str) -> float:
        """From about 0 (everywhere) upwards; a word that nobody knows is the rarest."""
        return log((2.0 + self.items) / (1.0 + self.held_by.get(word, 0)))

    def weighed(self, words: Iterable[str]) -> dict[str, float]:
        """Each distinct word with its rarity; words that only join others are left out."""
        distinct = dict.fromkeys(words)
        kept = [word for word in distinct if word not in STOP_WORDS] or list(distinct)
        return {word: self.of(word) for word in kept}

    def as_json(self) -> dict[str, object]:
        """For an artifact."""
        return {"items": self.items, "held_by": dict(self.held_by)}


def learn_rarity(items: Iterable[ItemText]) -> Rarity:
    """Of these items: how many hold each word in title, categories, creators or facts."""
    counts: Counter[str] = Counter()
    number = 0
    for item in items:
        number += 1
        counts.update(set(fast_stems(f"{item.title} {item.categories} {item.creators}")))
    return Rarity(items=number, held_by=dict(counts.most_common(MOST_WORDS)))
