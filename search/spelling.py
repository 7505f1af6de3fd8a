"""Typing errors: the query with the words that the catalog does not know put right."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import log1p

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.lexical import LexicalMatch, match_all_terms
from search.text import clean_query, normalize_query
from search.tsquery import ParsedQuery, parse
from search.vocabulary import Vocabulary, build_terms, vocabulary

__all__ = ("Correction", "build_terms", "correct", "find_correction", "rank_candidates")

LEAST_LETTERS = 4
MOST_LETTERS = 40
SHORT_WORD = 5  # up to here one typing error, above two
LEAST_PART = 2  # letters of each part of a word that is cut in two
MAX_UNKNOWN_WORDS = 4
CHOICES_PER_WORD = 3
MAX_TRIES = 4
_TOKEN = re.compile(r"[\w'\u2019]+")


@dataclass(frozen=True, slots=True)
class Correction:
    """A query put right, and what it finds."""

    query: ParsedQuery
    matches: list[LexicalMatch]


def correct(query: str) -> str | None:
    """The query with its typing errors put right; None where there is nothing to put right.

    Only words that the catalog does not know are changed, and only where the changed query finds
    items with all of its words.
    """
    parsed = parse(query)
    if not parsed.words or match_all_terms(parsed):
        return None
    found = find_correction(parsed)
    return found.query.text if found else None


def find_correction(query: ParsedQuery) -> Correction | None:
    """The best correction, for a query that finds nothing as typed.

    The likeliest under which something has all the words; else, among several words, the likeliest
    that is a single typing error away, found or not.
    """
    likely = proposals(query, vocabulary())
    for text in likely:
        corrected = parse(text, fillers=query.fillers)
        if matches := match_all_terms(corrected):
            return Correction(corrected, matches)
    if likely and len(query.content_words) > 1 and OSA.distance(query.text.lower(), likely[0]) == 1:
        return Correction(parse(likely[0], fillers=query.fillers), [])
    return None


def rank_candidates(typed: str, words: Sequence[str], items: Mapping[str, int]) -> list[str]:
    """Words that may have been meant, likeliest first.

    Args:
        typed: the mistyped word, normalized.
        words: the words to choose from.
        items: how many items hold each word.

    Returns:
        Words within 1 edit (up to 5 letters) or 2 (above), an exchange of neighbours being one
        edit. A nearer word goes first; a wrong first letter costs half an edit more; among equals
        the commoner word wins, and being much commoner makes up for a little of the distance.
    """
    near = process.extract(
        typed, words, scorer=OSA.distance, score_cutoff=allowed_edits(typed), limit=None
    )
    ranked = [
        (distance + 0.5 * (word[0] != typed[0]) - 0.12 * log1p(items.get(word, 0)), word)
        for word, distance, _ in near
        if word != typed
    ]
    return [word for _, word in sorted(ranked)]


def allowed_edits(typed: str) -> int:
    """How many typing errors a word of that length may hold."""
    return 1 if len(typed) <= SHORT_WORD else 2


def proposals(query: ParsedQuery, words: Vocabulary) -> list[str]:
    """Corrected texts worth trying, likeliest first."""
    unknown = [
        word
        for word in dict.fromkeys(query.words)
        if _is_correctable(word) and word not in words.items
    ][:MAX_UNKNOWN_WORDS]
    found = _joined(query, words)
    choices = [_choices(word, words) for word in unknown]
    if choices and all(choices):
        ways = sorted(product(*(list(enumerate(each)) for each in choices)), key=_cost)
        for way in ways[:MAX_TRIES]:
            meant = {word: each for word, (_, each) in zip(unknown, way, strict=True)}
            found.append(_replace(query.text, meant))
    return list(dict.fromkeys(found))[:MAX_TRIES]


def _cost(way: Sequence[tuple[int, str]]) -> int:
    return sum(place for place, _ in way)


def _choices(word: str, words: Vocabulary) -> list[str]:
    """Likely meanings of an unknown word: similar words, and the word cut in two known ones."""
    cuts = [
        (min(words.items[word[:at]], words.items[word[at:]]), f"{word[:at]} {word[at:]}")
        for at in range(LEAST_PART, len(word) - LEAST_PART + 1)
        if word[:at] in words.items and word[at:] in words.items
    ]
    return _similar(word, words)[:CHOICES_PER_WORD] + [t for _, t in sorted(cuts, reverse=True)[:2]]


def _similar(word: str, words: Vocabulary) -> list[str]:
    return rank_candidates(word, words.near(word, allowed_edits(word)), words.items)


def _joined(query: ParsedQuery, words: Vocabulary) -> list[str]:
    """The query with two neighbouring words run together, where that is (almost) a word."""
    found = []
    for left, right in pairwise(query.words):
        whole = left + right
        if whole not in words.items:
            is_known = all(word in words.items or word in query.fillers for word in (left, right))
            whole = "" if is_known else next(iter(_similar(whole, words)), "")
        if whole:
            pattern = rf"\b{re.escape(left)}\W+{re.escape(right)}\b"
            text, changes = re.subn(pattern, whole, query.normalized, count=1)
            found += [text] if changes else []
    return found


def _is_correctable(word: str) -> bool:
    return LEAST_LETTERS <= len(word) <= MOST_LETTERS and word.isalnum() and not word[0].isdigit()


def _replace(text: str, meant: Mapping[str, str]) -> str:
    """The text with some words exchanged; quotes and minus stay."""
    return clean_query(_TOKEN.sub(lambda t: meant.get(normalize_query(t[0]), t[0]), text)).lower()
