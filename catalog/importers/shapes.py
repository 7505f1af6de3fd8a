"""Shapes that other catalogs give their values, brought to the one that we read."""

import re
from collections.abc import Callable
from typing import Any

from catalog import values as checked
from catalog.errors import InvalidInput

# "$1,299.00", "12,99 €", "EUR 5": an amount with something around it.
_AMOUNT = re.compile(r"^[^\d,.-]{0,5}?\s*(\d[\d.,\s]*?)\s*[^\d,.]{0,5}$")
_YEAR = re.compile(r"^(?:1[5-9]|20)\d\d$")
_PATH_ARROW = re.compile(r"\s+(?:>|\u203a|\u00bb)\s+")


def shaped(field: str, value: Any) -> Any:
    """The value in the shape of our field; one that is in no shape we know comes back as it is."""
    shape = _SHAPES.get(field)
    return shape(value) if shape and value not in (None, "") else value


def fits(field: str, value: Any) -> bool:
    """Whether a column whose name only suggests the field holds such a value."""
    check = _CHECKS.get(field)
    if check is None:
        return True
    try:
        check(value)
    except InvalidInput:
        return False
    return True


def is_year(value: Any) -> bool:
    """Whether a value that should be a date is a year alone."""
    return bool(_YEAR.match(str(value)))


def _price(value: Any) -> Any:
    found = _AMOUNT.match(value.strip()) if isinstance(value, str) else None
    if not found:
        return value
    amount = re.sub(r"\s", "", found.group(1))
    if re.search(r",\d{1,2}$", amount):
        return amount.replace(".", "").replace(",", ".")
    return amount.replace(",", "")


def _paths(value: Any) -> Any:
    """Paths with "/": from "A > B", and from a list of levels inside the list."""
    if isinstance(value, str):
        return _PATH_ARROW.sub("/", value)
    if not isinstance(value, list):
        return value
    return [
        "/".join(str(level) for level in path)
        if isinstance(path, list)
        else _PATH_ARROW.sub("/", path)
        if isinstance(path, str)
        else path
        for path in value
    ]


def _paragraphs(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "\n".join(value)
    return value


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "price": _price,
    "categories": _paths,
    "description": _paragraphs,
    "image_url": _first,
}
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "price": lambda value: checked.money(value, field="price"),
    "year": lambda value: checked.integer(value, field="year", low=0, high=9999),
    "released_on": lambda value: checked.day(value, field="released_on"),
    "image_url": lambda value: checked.address(value, field="image_url", limit=1000),
    "countries": lambda value: checked.text_list(value, field="countries", limit=100),
    "creators": lambda value: checked.text_list(value, field="creators", limit=200),
}
