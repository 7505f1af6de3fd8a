"""Whether what a model wrote rests on what it was told: its names, numbers, words and evidence.

Strict on purpose: a word of its own may well be a good one, and nobody can tell by its letters.
"""

import re
from collections.abc import Iterable, Sequence

from recs.code_names import EMPTY_WORDS
from search.bans import current_bans
from search.personal_data import is_private
from search.text import normalize_query

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
# A mark that ends a sentence, after a word that is no abbreviation.
_END_WITHIN = re.compile(r"[^\W\d_]{4,}[.!?\u2026][\"')\u201d\u2019]*\s+\S")
_ENDS = (".", "!", "?", "\u2026", "\u3002")
# Shorter words hold sentences together and say nothing by themselves.
LEAST_LETTERS = 4
# Two forms of one word share their beginning: all but so many letters of it.
ENDING = 3
# They say how things hang together and not what they are.
_JOINS = """
    according across along although among amid apart around away because become becomes becoming
    behind below beside besides beyond called containing despite done down either else enough
    except follow following follows forced front full further getting given gives giving help helps
    hers himself herself himself inside instead itself kind left less like long look looking looks
    lots much near next none onto once others outside over part past piece pieces rather really
    round seen several shows since soon still story stories taken takes taking tell telling tells
    themselves though thus together told toward towards turn turns turning upon various versus
    whether whom whole whilst within work works yours
"""
_JOINING = frozenset(_JOINS.split())
# What speaks of the question instead of answering it, and what leads elsewhere.
_OUTSIDE = re.compile(
    r"\b(?:instructions?|prompts?|as an ai|language models?|json)\b|\bignor(?:e|ing) (?:all|any|the"
    r"|these|this|your|previous)\b|https?:|www\.|<|>",
    re.IGNORECASE,
)


def why_not_a_sentence(text: str) -> str:
    """Why a text is not one whole sentence; "" where it is."""
    tests = (
        ("too short", len(normalize_query(text).split()) < 4),
        ("cut off", not text.rstrip("\"')\u201d\u2019").endswith(_ENDS)),
        ("several sentences", bool(_END_WITHIN.search(text))),
    )
    return next((why for why, fails in tests if fails), "")


def why_unfit(text: str) -> str:
    """Why nobody should read a text, whatever it is about; "" where they may."""
    tests = (
        ("personal data", is_private(text)),
        ("speaks of the task", bool(_OUTSIDE.search(text))),
        ("banned", current_bans().holds(normalize_query(text))),
    )
    return next((why for why, fails in tests if fails), "")


def why_not_of(text: str, told: str) -> str:
    """Why a text is unfit or says more than `told` does; "" where it does neither."""
    tests = (
        ("a number of its own", not numbers(text) <= numbers(told)),
        ("a name of its own", bool(own_names(text, told))),
        ("a word of its own", bool(own_words(text, told))),
    )
    return why_unfit(text) or next((why for why, fails in tests if fails), "")


def is_quoted(pieces: Iterable[str], told: str) -> bool:
    """Whether each piece stands in `told` letter for letter; spaces alone may differ."""
    plain = _spaced(told)
    found = [_spaced(piece) for piece in pieces]
    return bool(found) and all(piece and piece in plain for piece in found)


def numbers(text: str) -> set[str]:
    """The numbers that a text writes in figures."""
    return set(_NUMBER.findall(text))


def own_names(text: str, told: str) -> list[str]:
    """Words written with a capital, after the first, that `told` does not have."""
    known = set(_words(told))
    return [
        word
        for word in _WORD.findall(text)[1:]
        if word[:1].isupper() and not set(_words(word)) <= known
    ]


def own_words(text: str, told: str) -> list[str]:
    """Words that say something and are no form of a word of `told`."""
    known = _words(told)
    whole, stems = set(known), {word[:size] for word in known for size in range(4, len(word) + 1)}
    return [
        word
        for word in _words(text)
        if len(word) >= LEAST_LETTERS
        and not word.isdigit()
        and word not in whole
        and word not in EMPTY_WORDS
        and word not in _JOINING
        and word[: max(LEAST_LETTERS, len(word) - ENDING)] not in stems
    ]


def _words(text: str) -> Sequence[str]:
    # In pieces, because normalize_query() cuts long texts.
    words = text.split()
    return [
        word
        for start in range(0, len(words), 20)
        for word in normalize_query(" ".join(words[start : start + 20])).split()
    ]


def _spaced(text: str) -> str:
    return " ".join(text.split())
