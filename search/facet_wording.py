"""Facets, attributes and their values in the words of the page."""

from collections.abc import Sequence

from catalog.category_names import category_label
from catalog.derive import decade
from catalog.filters import ATTRIBUTE, Range
from catalog.models import Profile

# An attribute's key may end in its unit: "runtime_minutes" is shown as Runtime, 112 min.
UNITS = {
    "minutes": " min", "hours": " h", "percent": "%", "pages": " pages", "g": " g", "kg": " kg",
    "mm": " mm", "cm": " cm", "m": " m", "km": " km", "ml": " ml", "l": " l", "w": " W",
}  # fmt: skip
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def facet_label(facet: str, profile: Profile) -> str:
    """A facet's name, in lower case: "director" for creators of films, "runtime"."""
    if facet.startswith(ATTRIBUTE):
        return attribute_label(facet.removeprefix(ATTRIBUTE))
    names = {"category": profile.category_noun, "creator": profile.creator_noun}
    return names.get(facet, facet)


def value_label(facet: str, value: str) -> str:
    """A value as it is shown: "Hoodies" for the category Men/Tops/Hoodies."""
    return category_label(value) if facet == "category" else value


def range_label(facet: str, bounds: Range, profile: Profile) -> str:
    """A range beside its facet's name: "1960s", "up to 100 min", "$5 to $10"."""
    low, high = bounds.low, bounds.high
    if facet == "year" and low is not None and high == low + 9 and low % 10 == 0:
        return decade(int(low))
    first = "" if low is None else _number(facet, f"{low:f}", profile)
    last = "" if high is None else _number(facet, f"{high:f}", profile)
    if low is None or (low == 0 and facet == "price" and high is not None):
        return f"up to {last}" if last else "any"
    if high is None:
        return f"{first} and above"
    # The unit once: "80 to 100 min", "$5 to $10".
    between = _number(facet, f"{low:f}", profile, bare=True)
    return first if low == high else f"{between} to {last}"


def filter_label(facet: str, wanted: Sequence[str] | Range, profile: Profile) -> str:
    """A whole filter in words, as its chip says it: "France", "Runtime up to 100 min"."""
    if isinstance(wanted, Range):
        told = range_label(facet, wanted, profile)
        # A decade and a price say themselves what they are.
        says_itself = told.endswith("s") and facet == "year"
        return told if says_itself else f"{facet_label(facet, profile).capitalize()} {told}"
    return " or ".join(dict.fromkeys(value_label(facet, value) for value in wanted))


def attribute_label(key: str) -> str:
    """An attribute's name in words, without its unit."""
    name, _, unit = key.rpartition("_")
    return (name if name and unit in UNITS else key).replace("_", " ")


def attribute_text(key: str, value: object, most: int = 6) -> str:
    """An attribute's value in words, with its unit."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = f" and {len(value) - most} more" if len(value) > most else ""
        return ", ".join(str(one) for one in value[:most]) + more
    if value is None or value == "":
        return ""
    name, _, unit = key.rpartition("_")
    return f"{value}{UNITS.get(unit, '') if name else ''}"


def _number(facet: str, text: str, profile: Profile, *, bare: bool = False) -> str:
    if facet == "price":
        return f"{SYMBOLS.get(profile.currency, '')}{text}"
    if facet.startswith(ATTRIBUTE) and not bare:
        return attribute_text(facet.removeprefix(ATTRIBUTE), text)
    return text
