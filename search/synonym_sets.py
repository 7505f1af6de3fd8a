"""A set of synonyms as stated, in normal form; what cannot be one is refused."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from catalog.errors import InvalidInput
from search.text import normalize_query
from search.tsquery import FILLERS

MAX_PHRASES = 20
MAX_PHRASE_WORDS = 5
MAX_PHRASE_CHARACTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class SynonymSet:
    """Phrases in normal form. Two ways each of `words` finds the others; with `finds`, one way."""

    words: tuple[str, ...]
    finds: tuple[str, ...] = ()

    @classmethod
    def read(cls, words: Iterable[str], finds: Iterable[str] = ()) -> Self:
        """What was stated, in normal form, each phrase once.

        Raises:
            InvalidInput: names `words` or `finds`, and says what is wrong with it.
        """
        typed, found = _phrases("words", words), _phrases("finds", finds)
        if not typed:
            raise InvalidInput("State what people type, a phrase a line.", field="words")
        if not found and len(typed) < 2:
            raise InvalidInput(
                "State two phrases at least, or what is found as well.", field="words"
            )
        if both := set(typed) & set(found):
            raise InvalidInput(f"{min(both)!r} cannot stand for itself.", field="finds")
        return cls(words=typed, finds=found)

    @property
    def key(self) -> str:
        """64 characters, the same for the same phrases in any order."""
        told = "\n".join(sorted(self.words)) + "\n>\n" + "\n".join(sorted(self.finds))
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(typed, found as well), of every phrase that finds more than itself."""
        if self.finds:
            return [(word, other) for word in self.words for other in self.finds]
        return [(word, other) for word in self.words for other in self.words if word != other]


def _phrases(field: str, stated: Iterable[str]) -> tuple[str, ...]:
    phrases = []
    for text in stated:
        phrase = normalize_query(text)
        words = phrase.split()
        if not words:
            raise InvalidInput(f"{text!r} holds no word.", field=field)
        if len(words) > MAX_PHRASE_WORDS or len(phrase) > MAX_PHRASE_CHARACTERS:
            raise InvalidInput(
                f"A phrase has at most {MAX_PHRASE_WORDS} words and {MAX_PHRASE_CHARACTERS}"
                f" characters: {phrase[:MAX_PHRASE_CHARACTERS]!r} has more.",
                field=field,
            )
        if all(word in FILLERS for word in words):
            raise InvalidInput(
                f"{phrase!r} stands in too many queries to mean one thing.", field=field
            )
        phrases.append(phrase)
    phrases = list(dict.fromkeys(phrases))
    if len(phrases) > MAX_PHRASES:
        raise InvalidInput(f"At most {MAX_PHRASES} phrases.", field=field)
    return tuple(phrases)
