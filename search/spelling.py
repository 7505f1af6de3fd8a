"""Typing errors: the catalog's words, and the query with its unknown words put right."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import log1p

from django.db import connection, transaction
from rapidfuzz.distance import OSA

from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from search.lexical import LexicalMatch, match_all_terms
from search.models import Term
from search.text import clean_query, normalize_query
from search.tsquery import ParsedQuery, parse

LEAST_LETTERS = 4
SHORT_WORD = 5  # up to here one typing error, above two
MAX_UNKNOWN_WORDS = 4
CHOICES_PER_WORD = 3
MAX_TRIES = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_TOKEN = re.compile(r"[\w'\u2019]+")

# Exact look-ups of all words one edit away, and words with similar letters for those farther off.
_CANDIDATES = """
SELECT word, items FROM search_term WHERE word = ANY(%(near)s)
UNION
SELECT similar_term.word, similar_term.items
FROM unnest(%(typed)s::text[]) AS given(typed)
CROSS JOIN LATERAL (
    SELECT word, items FROM search_term WHERE word %% given.typed
    ORDER BY similarity(word, given.typed) DESC, items DESC LIMIT 40
) AS similar_term
"""


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
    """The best correction that finds something, for a query that finds nothing as typed."""
    for text in _proposals(query):
        corrected = parse(text, fillers=query.fillers)
        if matches := match_all_terms(corrected):
            return Correction(corrected, matches)
    return None


def rank_candidates(typed: str, words: Iterable[tuple[str, int]]) -> list[str]:
    """Words that may have been meant, likeliest first.

    Args:
        typed: the mistyped word, normalized.
        words: (word, items that hold it) pairs to choose from.

    Returns:
        Words within 1 edit (up to 5 letters) or 2 (above), an exchange of neighbours being one
        edit. A nearer word goes first; a wrong first letter costs half an edit; among equals the
        commoner word wins, and ten times as common makes up for a little of the distance.
    """
    allowed = 1 if len(typed) <= SHORT_WORD else 2
    ranked = []
    for word, items in words:
        distance = OSA.distance(typed, word, score_cutoff=allowed)
        if distance > allowed or word == typed:
            continue
        cost = distance + 0.5 * (word[:1] != typed[:1]) - 0.12 * log1p(items)
        ranked.append((cost, word))
    return [word for _, word in sorted(ranked)]


def build_terms(*, progress: Progress = NO_PROGRESS) -> int:
    """Fill Term with the words of all visible items, in one transaction; how many words."""
    counts = _count_words(progress)
    table = Term._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        # Readers go on with the old words until this commits; two builders wait for each other.
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608  table name only
        with cursor.copy(f"COPY {table} (word, items) FROM STDIN") as copy:
            for row in counts.items():
                copy.write_row(row)
    return len(counts)


def _count_words(progress: Progress) -> Counter[str]:
    items = Item.objects.visible()
    progress.set_total(items.count())
    counts: Counter[str] = Counter()
    rows = items.values_list("title", "creators", "keywords").iterator(chunk_size=2000)
    for title, creators, keywords in rows:
        words = normalize_query(title).split()
        # Each name apart: normalize_query() cuts long texts.
        for text in (*creators, *_pieces(keywords)):
            words += normalize_query(text).split()
        counts.update({word for word in words if 1 < len(word) <= 80})
        progress.advance(1)
    return counts


def _pieces(text: str, size: int = 40) -> Iterator[str]:
    words = text.split()
    for start in range(0, len(words), size):
        yield " ".join(words[start : start + size])


def _proposals(query: ParsedQuery) -> list[str]:
    """Corrected texts worth trying, likeliest first."""
    words = [*dict.fromkeys(query.words)]
    typed = [word for word in words if _is_correctable(word)]
    if not typed:
        return []
    known = _look_up(words, typed)
    unknown = [word for word in typed if word not in known][:MAX_UNKNOWN_WORDS]
    proposals = _joined(query, known)
    if not unknown:
        return proposals[:MAX_TRIES]
    choices = [_choices(word, known) for word in unknown]
    if all(choices):
        ways = sorted(product(*(list(enumerate(options)) for options in choices)), key=_cost)
        for way in ways[:MAX_TRIES]:
            meant = {word: option for word, (_, option) in zip(unknown, way, strict=True)}
            proposals.append(_replace(query.text, meant))
    return proposals[:MAX_TRIES]


def _cost(way: Sequence[tuple[int, str]]) -> int:
    return sum(rank for rank, _ in way)


def _choices(word: str, known: dict[str, int]) -> list[str]:
    """Likely meanings of an unknown word: similar words, and the word cut in two known ones."""
    ranked = rank_candidates(word, known.items())[:CHOICES_PER_WORD]
    cuts = [
        (min(known[word[:at]], known[word[at:]]), f"{word[:at]} {word[at:]}")
        for at in range(2, len(word) - 1)
        if word[:at] in known and word[at:] in known
    ]
    return ranked + [text for _, text in sorted(cuts, reverse=True)[:2]]


def _joined(query: ParsedQuery, known: dict[str, int]) -> list[str]:
    """The query with two neighbouring words run together, where that is a word."""
    found = []
    for left, right in pairwise(query.words):
        if f"{left}{right}" in known:
            pattern = rf"\b{re.escape(left)}\W+{re.escape(right)}\b"
            joined, changes = re.subn(pattern, left + right, query.normalized, count=1)
            found += [joined] if changes else []
    return found


def _look_up(words: Sequence[str], typed: Sequence[str]) -> dict[str, int]:
    near = set(words)
    near.update(left + right for left, right in pairwise(words))
    for word in typed[:MAX_UNKNOWN_WORDS]:
        near |= _one_edit_away(word)
        for at in range(2, len(word) - 1):
            near |= {word[:at], word[at:]}
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, {"near": list(near), "typed": list(typed)})
        return dict(cursor.fetchall())


def _one_edit_away(word: str) -> set[str]:
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    deleted = {a + b[1:] for a, b in cuts if b}
    exchanged = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    replaced = {a + letter + b[1:] for a, b in cuts if b for letter in LETTERS}
    inserted = {a + letter + b for a, b in cuts for letter in LETTERS}
    return deleted | exchanged | replaced | inserted


def _is_correctable(word: str) -> bool:
    return LEAST_LETTERS <= len(word) <= 40 and word.isalnum() and not word[0].isdigit()


def _replace(text: str, meant: dict[str, str]) -> str:
    """The text with some words exchanged; quotes and minus stay."""
    return clean_query(_TOKEN.sub(lambda t: meant.get(normalize_query(t[0]), t[0]), text)).lower()
