"""Years in words: "from the 60s", "before 1970", "between 1960 and 1965", "late nineties"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.filters import Range
from search.text import normalize_query
from search.tsquery import decade_of

Phrases = tuple[tuple[str, ...], ...]
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_DECADE = re.compile(r"(?:1[89]|20)\d0s")
_TWO_YEARS = re.compile(r"((?:1[89]|20)\d\d)[-\u2013]((?:1[89]|20)\d\d)")


def phrases(text: str) -> Phrases:
    """Phrases between bars as words, the longest first."""
    found = [tuple(line.split()) for line in text.split("|")]
    return tuple(sorted(found, key=len, reverse=True))


TO = phrases("to|and|-|\u2013|until|till")
_IN = phrases("between|from|in|of|during|set in|made in|released in")
_BEFORE = phrases("before|until|till|pre|older than|earlier than|up to")
_AFTER = phrases("after|since|post|newer than|later than")
_ONWARD = phrases("on|onward|onwards|and later|or later")
# Ends that are inside: "until 1970" holds 1970, "before 1970" does not.
_INCLUSIVE = ("until", "till", "to", "since")
_PARTS_OF_A_DECADE = {"early": (0, 4), "mid": (3, 6), "late": (6, 9)}


@dataclass(frozen=True, slots=True)
class Years:
    """Years said by the words up to `end`, exclusive; `is_bare`: one year and no word beside it."""

    end: int
    range: Range
    is_bare: bool = False


def read_years(words: Sequence[str], at: int) -> Years | None:
    """The years that are spoken of from a word on; None where none are. Words in lower case."""
    return _one_sided(words, at) or _span(words, at)


def skip(words: Sequence[str], at: int, wanted: Phrases) -> int:
    """Where one of the phrases ends that begins here, the longest first; `at` where none does."""
    for phrase in wanted:
        if tuple(words[at : at + len(phrase)]) == phrase:
            return at + len(phrase)
    return at


def _one_sided(words: Sequence[str], at: int) -> Years | None:
    before, after = skip(words, at, _BEFORE), skip(words, at, _AFTER)
    begin = max(before, after)
    period = _period(words, begin) if begin != at else None
    if period is None:
        return None
    low, high, end = period
    is_inside = words[begin - 1] in _INCLUSIVE
    if after > before:
        return Years(end, _range(low if is_inside else high + 1, None))
    return Years(end, _range(None, high if is_inside else low - 1))


def _span(words: Sequence[str], at: int) -> Years | None:
    begin = skip(words, at, _IN)
    first = _period(words, begin)
    if first is None:
        return None
    low, high, end = first
    to, on = skip(words, end, TO), skip(words, end, _ONWARD)
    last = _period(words, to) if to != end else None
    if last is not None and last[1] >= low:
        return Years(last[2], _range(low, last[1]))
    if begin != at and words[begin - 1] == "between":
        return None
    ends = None if on != end else high
    return Years(on, _range(low, ends), is_bare=low == ends and begin == at)


def _period(words: Sequence[str], at: int) -> tuple[int, int, int] | None:
    """First and last year of a year, a decade or a part of one, and where it ends."""
    at = skip(words, at, (("the",),))
    part = _PARTS_OF_A_DECADE.get(words[at] if at < len(words) else "")
    at += bool(part)
    word = words[at] if at < len(words) else ""
    # "60s", "1960's", "sixties".
    plain = normalize_query(word)
    name = decade_of(plain) or (plain if _DECADE.fullmatch(plain) else "")
    if name:
        first, last = part or (0, 9)
        return int(name[:4]) + first, int(name[:4]) + last, at + 1
    both = _TWO_YEARS.fullmatch(word)
    if part or not (both or _YEAR.fullmatch(plain)):
        return None
    years = (int(both[1]), int(both[2])) if both else (int(plain), int(plain))
    return min(years), max(years), at + 1


def _range(low: int | None, high: int | None) -> Range:
    return Range(
        low=None if low is None else Decimal(low), high=None if high is None else Decimal(high)
    )
