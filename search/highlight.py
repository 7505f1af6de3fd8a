"""Highlighting: why an item is here, as safe HTML with <mark> around the words that match."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from catalog.derive import decade, demonyms
from catalog.models import Item
from search.text import normalize_query
from search.tsquery import ParsedQuery, decade_of

SNIPPET_CHARACTERS = 180
BEFORE_MATCH = 60
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_PLURALS = ("ies", "es", "s")
_ENDINGS = ("ing", "ed", "ly", "er")
_LEAST_STEM = 3


@dataclass(frozen=True, slots=True)
class Marker:
    """The stems of a query, and the start of its last word while that is being typed."""

    stems: frozenset[str]
    prefix: str = ""

    @property
    def is_ascii(self) -> bool:
        """Whether all it looks for is plain Latin letters and figures."""
        return self.prefix.isascii() and all(each.isascii() for each in self.stems)

    def hits(self, word: str) -> bool:
        """True where a word of an item answers a word of the query."""
        return _root(word) in self.stems or bool(
            self.prefix and _fold(word).startswith(self.prefix)
        )

    def may_hit(self, text: str) -> bool:
        """False where no word of the text can: a stem is always the beginning of its word.

        Most fields of most items are done with here, without looking at each of their words.
        """
        if text.isascii():
            plain = text.lower()
        elif self.is_ascii:
            plain = unicodedata.normalize("NFKD", text.casefold())
            plain = plain.encode("ascii", "ignore").decode()
        else:
            return True
        plain = plain.replace("'", "").replace("_", "")
        return bool(self.prefix and self.prefix in plain) or any(
            each in plain for each in self.stems
        )


def marker_for(query: ParsedQuery, *, is_typing: bool = False, whole: bool = False) -> Marker:
    """A marker of the query's content words; `whole` marks its fillers too (in titles)."""
    words = [*(query.words if whole else query.content_words)]
    words += [word for phrase in query.phrases for word in phrase]
    words += [word for part in query.also for phrase in part.phrases for word in phrase]
    words += [part for parts in query.apostrophes.values() for part in parts if len(part) > 1]
    words += [decade_of(word) for word in words if decade_of(word)]
    prefix = query.words[-1] if is_typing and query.words else ""
    return Marker(frozenset(stem(word) for word in words), prefix)


def mark(text: str, marker: Marker) -> SafeString:
    """The text as safe HTML, words that match in <mark>; everything else is escaped."""
    parts: list[str] = []
    end = 0
    text = unicodedata.normalize("NFC", text)
    if not marker.may_hit(text):
        return escape(text)
    for found in _WORD.finditer(text):
        if marker.hits(found[0]):
            parts += [escape(text[end : found.start()]), "<mark>", escape(found[0]), "</mark>"]
            end = found.end()
    joined = "".join([*parts, escape(text[end:])])
    # Safe: every piece of the item's text went through escape(), the rest is ours.
    return mark_safe(joined.replace("</mark> <mark>", " "))  # noqa: S308


def snippet(item: Item, marker: Marker) -> SafeString:
    """The part of the description that matches, else the names that do, else its beginning."""
    start = _first_match(item.description, marker)
    if start is None:
        for label, names in _names(item):
            if _any_matches(names, marker):
                matching = [name for name in names if _first_match(name, marker) is not None]
                return mark(f"{label}{', '.join(matching[:4])}", marker)
    return mark(_cut(item.description, start or 0), marker)


def matched_fields(item: Item, marker: Marker, *, by_meaning: bool) -> tuple[str, ...]:
    """Which of the item's fields answer the query, in the order of their weight."""
    fields: list[tuple[str, Iterable[str]]] = [
        ("title", [item.title]),
        ("creator", item.creators),
        ("category", item.categories),
        ("country", [*item.countries, *demonyms(item.countries)]),
        ("year", [str(item.year), decade(item.year)] if item.year else []),
        *((key, _texts(value)) for key, value in item.attributes.items()),
        ("description", [item.description]),
    ]
    matched = [name for name, texts in fields if _any_matches(texts, marker)]
    return tuple(dict.fromkeys([*matched, *(["meaning"] if by_meaning else [])]))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A rough English stem of a normalized word: singular and plural, "-ed" and "-ing" agree.

    Only marking depends on it; what is found is decided by PostgreSQL's own stemmer.
    """
    for endings in (_PLURALS, _ENDINGS):
        for ending in endings:
            if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
                word = word[: -len(ending)]
                break
    if len(word) > _LEAST_STEM and word[-1] in "eiy":
        word = word[:-1]
    if len(word) > _LEAST_STEM and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word


@lru_cache(maxsize=65536)
def _fold(word: str) -> str:
    return normalize_query(word).replace(" ", "")


@lru_cache(maxsize=65536)
def _root(word: str) -> str:
    """The stem of a word as it stands in a text."""
    return stem(_fold(word))


def _any_matches(texts: Iterable[str], marker: Marker) -> bool:
    """Whether one of the texts does; in one go, because no word goes beyond its line."""
    return _first_match("\n".join(texts), marker) is not None


def _first_match(text: str, marker: Marker) -> int | None:
    if not marker.may_hit(text):
        return None
    for found in _WORD.finditer(text):
        if marker.hits(found[0]):
            return found.start()
    return None


def _names(item: Item) -> Iterable[tuple[str, Sequence[str]]]:
    yield "", item.creators
    for key, value in item.attributes.items():
        yield f"{key.replace('_', ' ').capitalize()}: ", _texts(value)


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [text for text in values if isinstance(text, str)]


def _cut(text: str, start: int) -> str:
    """A window of the text round `start`, from word to word, with dots where it is cut."""
    begin = 0
    if start > BEFORE_MATCH:
        begin = text.rfind(" ", 0, start - BEFORE_MATCH // 2) + 1
    end = begin + SNIPPET_CHARACTERS
    if end < len(text):
        end = max(text.rfind(" ", begin, end), begin + SNIPPET_CHARACTERS // 2)
    before, after = "\u2026" if begin else "", "\u2026" if end < len(text) else ""
    return f"{before}{text[begin:end].strip()}{after}"
