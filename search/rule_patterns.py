"""Which searches a rule is for: phrases and patterns, in the normal form of queries.

A pattern is words with `*` standing for any run of characters, also for none. It is no regular
expression: fitting a query takes one walk along it, whatever an editor writes.
"""

from collections.abc import Iterable

from catalog.errors import InvalidInput
from catalog.values import check_storable
from search.models import Rule
from search.text import MAX_NORMALIZED_CHARACTERS, normalize_query
from search.tsquery import FILLERS

MAX_PATTERNS = 100
ANY = "*"
# A symbol that stays when a query is brought into normal form, where the asterisk goes.
_KEPT = "\u2731"
_WITHOUT_PATTERNS = (Rule.Match.EVERY, Rule.Match.BROWSE)


def read_patterns(match: str, stated: Iterable[str]) -> tuple[str, ...]:
    """What was stated, in normal form, each once.

    Raises:
        InvalidInput: names `patterns`, and says what is wrong with it.
    """
    if match in _WITHOUT_PATTERNS:
        return ()
    lines = [line for line in stated if line.strip()]
    found = tuple(dict.fromkeys(_read(match, line) for line in lines))
    if not found:
        raise _wrong("State the queries that it is for, one a line, or choose every search.")
    if len(found) > MAX_PATTERNS:
        raise _wrong(f"At most {MAX_PATTERNS} lines, not {len(found):,}.")
    return found


def fits(match: str, patterns: Iterable[str], query: str) -> bool:
    """Whether the query, in normal form, is one of those that are meant."""
    if match in _WITHOUT_PATTERNS:
        return bool(query) == (match == Rule.Match.EVERY)
    if match == Rule.Match.IS:
        return query in patterns
    if match == Rule.Match.HOLDS:
        return any(f" {phrase} " in f" {query} " for phrase in patterns)
    return any(_fits(pattern, query) for pattern in patterns)


def plain(pattern: str) -> str:
    """A query that fits the pattern, or nearly: its words alone."""
    return " ".join(pattern.replace(ANY, " ").split())


def _fits(pattern: str, query: str) -> bool:
    first, *rest = pattern.split(ANY)
    if not rest:
        return pattern == query
    *middle, last = rest
    at, end = len(first), len(query) - len(last)
    if at > end or not query.startswith(first) or not query.endswith(last):
        return False
    for piece in middle:
        found = query.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _read(match: str, line: str) -> str:
    check_storable(line, field="patterns")
    if len(line) > MAX_NORMALIZED_CHARACTERS:
        raise _wrong(
            f"{line[:30]!r}… has {len(line):,} characters; at most {MAX_NORMALIZED_CHARACTERS} fit."
        )
    is_pattern = match == Rule.Match.PATTERN
    if ANY in line and not is_pattern and plain(normalize_query(line)):
        raise _wrong(f"{line!r} holds a *: choose the queries that fit a pattern.")
    found = normalize_query(line.replace(ANY, _KEPT) if is_pattern else line)
    if is_pattern:
        found = _once(found.replace(_KEPT, ANY))
    words = plain(found).split()
    if not words and ANY in line:
        raise _wrong(f"{line!r} fits everything: choose every search, if that is what you mean.")
    if not words:
        raise _wrong(f"{line!r} holds no word.")
    # The query "the who" is a query; all that hold "the" are too many to mean one thing.
    if match != Rule.Match.IS and all(word in FILLERS for word in words):
        raise _wrong(f"{line!r} stands in too many queries to mean one thing.")
    return found


def _once(pattern: str) -> str:
    """Asterisks in a row are one."""
    while ANY * 2 in pattern:
        pattern = pattern.replace(ANY * 2, ANY)
    return pattern


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(detail, field="patterns")
