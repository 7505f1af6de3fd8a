"""Words of queries and titles in a common form, and where a title says what the thing is."""

import re
from collections.abc import Sequence

from recs.ml.unified.tokens import plain_words

# They say how words belong together, not what the thing is.
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "of",
        "on",
        "or",
        "over",
        "per",
        "s",
        "the",
        "to",
        "with",
        "w",
    ]
)
# What comes after one of these says what the thing is for, made of or bundled with.
_TURN = re.compile(
    r"\s(?:for|with|w/|in|by|of|from|featuring|compatible|fits|and|&)\s|[(\[,;:|/]|\s[-\u2013\u2014]+\s|w/",
    re.IGNORECASE,
)
_UNIT = re.compile(r"^(\d+)([a-z]{1,5})$")
_VOWEL = re.compile(r"[aeiouy]")


def stems(text: str) -> list[str]:
    """Words in small letters without accents and plural endings; a number apart from its unit."""
    found: list[str] = []
    for word in plain_words(text.replace("'", "").replace("\u2019", "")):
        parts = _UNIT.match(word)
        found.extend(stem(part) for part in (parts.groups() if parts else (word,)))
    return found


def stem(word: str) -> str:
    """The word without the ending of a plural.

    Source: Harman, How effective is suffixing?, JASIS 1991 (the S stemmer).
    Differs from the paper: "xes", "ches", "shes" and "sses" lose "es", as in dresses and watches.
    """
    if len(word) < 4 or not word.endswith("s") or not _VOWEL.search(word[:-1]):
        return word
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word if word.endswith(("ss", "us")) else word[:-1]


def content_words(words: Sequence[str]) -> list[str]:
    """Without stop words; a text of nothing else stays as it is."""
    return [word for word in words if word not in STOP_WORDS] or list(words)


def naming_part(title: str) -> str:
    """The beginning of a title that says what the thing is; the whole where nothing turns.

    "Carrying Case for Projector" is a carrying case. A beginning of one word is a brand or a
    quantity more often than a thing, so the part then goes on to the next turn.
    """
    for turn in _TURN.finditer(title):
        if len(plain_words(title[: turn.start()])) > 1:
            return title[: turn.start()].strip()
    return title
