"""Years, prices and other amounts in words: "from the 60s", "under $20", "at least two hours".

Plain functions over the words of a query; what they find becomes a filter (search.understanding).
Ends of a range are inclusive, whatever the words say: nobody who asks for less than 100 minutes
minds a film of 100.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.filters import ATTRIBUTE, Range
from search.years import TO, phrases, read_years, skip

_AMOUNT = re.compile(r"([$€£]?)(\d{1,9}(?:[.,]\d{1,3})*)([$€£]|[a-z]*)")
_THOUSANDS = re.compile(r",(?=\d{3}\b)")
_NUMBERS = {
    "a": "1", "an": "1", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "half": "0.5",
}  # fmt: skip
# How many of an attribute's unit one of these is: an attribute's key ends in its unit.
_TIMES = {"minute": 1, "min": 1, "hour": 60, "hr": 60, "h": 60}
_UNITS: dict[str, dict[str, Decimal]] = {
    "minutes": {name: Decimal(n) for name, n in _TIMES.items()},
    "hours": {name: Decimal(n) / 60 for name, n in _TIMES.items()},
    "pages": {"page": Decimal(1)},
    "percent": {"percent": Decimal(1), "%": Decimal(1)},
    "g": {"g": Decimal(1), "gram": Decimal(1), "kg": Decimal(1000), "kilo": Decimal(1000)},
    "kg": {"g": Decimal("0.001"), "gram": Decimal("0.001"), "kg": Decimal(1), "kilo": Decimal(1)},
    "mm": {"mm": Decimal(1), "cm": Decimal(10)},
    "cm": {"mm": Decimal("0.1"), "cm": Decimal(1), "m": Decimal(100), "metre": Decimal(100)},
    "m": {"cm": Decimal("0.01"), "m": Decimal(1), "metre": Decimal(1), "meter": Decimal(1)},
    "km": {"km": Decimal(1), "kilometre": Decimal(1), "kilometer": Decimal(1)},
    "ml": {"ml": Decimal(1), "l": Decimal(1000), "litre": Decimal(1000), "liter": Decimal(1000)},
    "l": {"ml": Decimal("0.001"), "l": Decimal(1), "litre": Decimal(1), "liter": Decimal(1)},
    "w": {"w": Decimal(1), "watt": Decimal(1)},
}
_MONEY = {
    "$": "USD", "dollar": "USD", "usd": "USD", "buck": "USD",
    "€": "EUR", "euro": "EUR", "eur": "EUR", "£": "GBP", "pound": "GBP", "gbp": "GBP",
}  # fmt: skip


_LESS = phrases(
    "under|below|less than|cheaper than|shorter than|fewer than|lighter than|at most|up to|within"
    "|no more than|not more than|no longer than|not longer than|max|maximum"
)
_MORE = phrases(
    "over|above|more than|longer than|heavier than|at least|no less than|not less than|minimum"
)
_OR_LESS = phrases("or less|or under|or shorter|or fewer|or cheaper|max|maximum|at most|tops")
_OR_MORE = phrases("or more|or over|or longer|at least|minimum|and up|and above")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a catalog has numbers of: names of facets, and the currency of its prices."""

    facets: Collection[str]
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A range of a facet, said by the words up to `end`, exclusive.

    `is_bare`: a year with no word beside it, which may as well be a name.
    """

    end: int
    facet: str
    range: Range
    is_bare: bool = False


def read_quantity(words: Sequence[str], at: int, numbers: Numbers) -> Quantity | None:
    """The quantity that begins at a word; None where none does. Words are in lower case."""
    if "year" in numbers.facets and (said := read_years(words, at)):
        return Quantity(said.end, "year", said.range, said.is_bare)
    return _between(words, at, numbers) or _one_sided(words, at, numbers)


def _between(words: Sequence[str], at: int, numbers: Numbers) -> Quantity | None:
    begin = skip(words, at, phrases("between|from"))
    first = _amount(words, begin)
    to = skip(words, first[2], TO) if first else at
    last = _amount(words, to) if first and to != first[2] else None
    if first is None or last is None:
        return None
    found = _facet(last[1] or first[1], numbers, has_cue=begin != at)
    if found is None:
        return None
    facet, factor = found
    low, high = first[0] * factor, last[0] * factor
    return Quantity(last[2], facet, Range(low=low, high=high)) if low <= high else None


def _one_sided(words: Sequence[str], at: int, numbers: Numbers) -> Quantity | None:
    less, more = skip(words, at, _LESS), skip(words, at, _MORE)
    begin = max(less, more)
    amount = _amount(words, begin)
    found = _facet(amount[1], numbers, has_cue=begin != at) if amount else None
    if amount is None or found is None:
        return None
    end = amount[2]
    facet, factor = found
    value = (amount[0] * factor).normalize() + 0
    if begin == at:
        less, more = skip(words, end, _OR_LESS), skip(words, end, _OR_MORE)
        if less == end and more == end:
            return None
        is_less, end = less != end, max(less, more)
    else:
        is_less = less > more
    return Quantity(end, facet, Range(high=value) if is_less else Range(low=value))


def _amount(words: Sequence[str], at: int) -> tuple[Decimal, str, int] | None:
    """A number, its unit in the singular ("" for none), and where it ends."""
    word = words[at] if at < len(words) else ""
    following = _unit(words[at + 1]) if at + 1 < len(words) else ""
    if word in _NUMBERS:
        return (Decimal(_NUMBERS[word]), following, at + 2) if following else None
    found = _AMOUNT.fullmatch(word)
    glued = (found[1] or found[3]) if found else ""
    if found is None or (glued and not _unit(glued)):
        return None
    number = Decimal(_THOUSANDS.sub("", found[2]).replace(",", "."))
    return number, _unit(glued) or following, at + 1 + (bool(following) and not glued)


def _unit(word: str) -> str:
    """The unit that a word is, in the singular; "" for any other word."""
    for name in (word, word.removesuffix("s")):
        if name in _MONEY or any(name in units for units in _UNITS.values()):
            return name
    return ""


def _facet(unit: str, numbers: Numbers, *, has_cue: bool) -> tuple[str, Decimal] | None:
    """The facet that an amount is of, and what one of its unit is there."""
    if not unit or unit in _MONEY:
        # "under 20" in a shop is a price; "20 things" is not.
        is_price = "price" in numbers.facets and (has_cue or bool(unit))
        fits = not unit or _MONEY[unit] == numbers.currency
        return ("price", Decimal(1)) if is_price and fits else None
    for facet in numbers.facets:
        key = facet.removeprefix(ATTRIBUTE)
        factor = _UNITS.get(key.rpartition("_")[2], {}).get(unit)
        if facet.startswith(ATTRIBUTE) and factor is not None:
            return facet, factor
    return None
