"""Filters on items: one meaning for search, recommendations, browsing and the API."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q

from catalog.errors import InvalidInput
from catalog.values import check_storable

LIST_FACETS = ("category", "creator", "country")
RANGE_FACETS = ("year", "price")
FACETS = (*LIST_FACETS, *RANGE_FACETS)
MAX_VALUES = 50
MAX_CHARACTERS = 300
_COLUMN = {"category": "categories", "creator": "creators", "country": "countries"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Closed interval; None leaves an end open."""

    low: Decimal | None = None
    high: Decimal | None = None

    def __str__(self) -> str:
        return f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilters:
    """Values of one facet are alternatives; facets are combined."""

    category: tuple[str, ...] = ()
    creator: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    year: Range | None = None
    price: Range | None = None

    @property
    def is_empty(self) -> bool:
        """True where nothing is filtered."""
        return not any(getattr(self, facet) for facet in FACETS)

    def q(self, prefix: str = "") -> Q:
        """Condition on Item columns; `prefix` reaches Item from another model ("item__")."""
        condition = Q()
        for facet in LIST_FACETS:
            if values := getattr(self, facet):
                condition &= Q(**{f"{prefix}{_COLUMN[facet]}__overlap": list(values)})
        for facet in RANGE_FACETS:
            bounds: Range | None = getattr(self, facet)
            if bounds and bounds.low is not None:
                condition &= Q(**{f"{prefix}{facet}__gte": bounds.low})
            if bounds and bounds.high is not None:
                condition &= Q(**{f"{prefix}{facet}__lte": bounds.high})
        return condition

    def without(self, facet: str) -> "ItemFilters":
        """The same filters with one facet let go."""
        emptied: dict[str, Any] = {facet: None if facet in RANGE_FACETS else ()}
        return replace(self, **emptied)

    def as_params(self) -> list[tuple[str, str]]:
        """URL parameters that parse_filters() reads back."""
        params = [(facet, value) for facet in LIST_FACETS for value in getattr(self, facet)]
        return params + [(f, str(getattr(self, f))) for f in RANGE_FACETS if getattr(self, f)]


def parse_filters(params: Mapping[str, Sequence[str]], *, known: Iterable[str] = ()) -> ItemFilters:
    """Filters from URL parameters ({"category": ["Drama"], "year": ["1960..1969"]}).

    Args:
        params: each parameter's values; parameters that are no facets are looked up in `known`.
        known: names of parameters that belong to the caller. Where it is given, any other name
            is refused; where it is empty, other names are ignored.

    Raises:
        InvalidInput: names the parameter that is unknown or cannot be read.
    """
    allowed = set(known)
    if allowed:
        for name in params:
            if name not in allowed and name not in FACETS:
                raise InvalidInput(_unknown(name, allowed), field=name)
    values: dict[str, Any] = {f: _read_list(f, params.get(f, ())) for f in LIST_FACETS}
    values |= {f: _read_range(f, params.get(f, ())) for f in RANGE_FACETS}
    return ItemFilters(**values)


def _unknown(name: str, allowed: set[str]) -> str:
    near = difflib.get_close_matches(name, [*FACETS, *allowed], n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"Unknown parameter '{name[:60]}'.{hint} Facets are: {', '.join(FACETS)}."


def _read_list(facet: str, given: Sequence[str]) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value.strip() for value in given if value.strip()))
    if len(values) > MAX_VALUES:
        raise InvalidInput(f"At most {MAX_VALUES} values of '{facet}'.", field=facet)
    for value in values:
        check_storable(value, field=facet)
        if len(value) > MAX_CHARACTERS:
            raise InvalidInput(
                f"A value of '{facet}' has at most {MAX_CHARACTERS} characters.", field=facet
            )
    return values


def _read_range(facet: str, given: Sequence[str]) -> Range | None:
    texts = [text.strip() for text in given if text.strip() and text.strip() != ".."]
    if not texts:
        return None
    low, dots, high = texts[-1].partition("..")
    bounds = Range(low=_number(facet, low), high=_number(facet, high if dots else low))
    if bounds.low is not None and bounds.high is not None and bounds.low > bounds.high:
        raise InvalidInput(f"'{facet}' begins after it ends: write low..high.", field=facet)
    return bounds


def _number(facet: str, text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > Decimal(10) ** 9:
        raise InvalidInput(
            f"'{facet}' is read as low..high in numbers, such as 1960..1969.", field=facet
        )
    return number
