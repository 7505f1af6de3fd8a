"""Filters on items: one meaning for search, recommendations, browsing and the API."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import JSONField, Q, Value
from django.db.models.fields.json import KeyTransform, KeyTransformGte, KeyTransformLte

from catalog.errors import InvalidInput
from catalog.values import check_storable

LIST_FACETS = ("category", "creator", "country")
RANGE_FACETS = ("year", "price")
FACETS = (*LIST_FACETS, *RANGE_FACETS)
# The facet "attributes.color" is the item's attribute "color".
ATTRIBUTE = "attributes."
MAX_VALUES = 50
# Of all facets together: a page links from each to the address without it.
MAX_IN_ALL = 100
MAX_CHARACTERS = 300
MAX_NUMBER = Decimal(10) ** 9
# What the feed says with what was added to it: the same columns for filters, facets and counts.
COLUMNS = {"category": "all_categories", "creator": "creators", "country": "countries"}
ATTRIBUTES = "all_attributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Closed interval; None leaves an end open."""

    low: Decimal | None = None
    high: Decimal | None = None

    def __str__(self) -> str:
        return f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"

    def holds(self, value: Decimal | float | None) -> bool:
        """Whether the value lies inside; an unknown one only where both ends are open."""
        if self.low is None and self.high is None:
            return True
        if value is None:
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


Wanted = tuple[str, ...] | Range


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilters:
    """Values of one facet are alternatives; facets are combined.

    `attributes`: (key, values or range) by key, for attributes of items. `also`: other filters that
    must hold as well, because two values of one facet in a row are alternatives.
    """

    category: tuple[str, ...] = ()
    creator: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    year: Range | None = None
    price: Range | None = None
    attributes: tuple[tuple[str, Wanted], ...] = ()
    also: tuple["ItemFilters", ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where nothing is filtered."""
        return not self.facets() and all(each.is_empty for each in self.also)

    def narrowed(self, other: "ItemFilters") -> "ItemFilters":
        """What passes both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return replace(self, also=(*self.also, other))

    def facets(self) -> tuple[str, ...]:
        """Names of the facets that are filtered, in a stable order; not those of `also`."""
        own = [facet for facet in FACETS if getattr(self, facet)]
        return (*own, *(f"{ATTRIBUTE}{key}" for key, _ in self.attributes))

    def wanted(self, facet: str) -> Wanted | None:
        """The values or the range of a facet; None where it is not filtered."""
        if facet.startswith(ATTRIBUTE):
            return dict(self.attributes).get(facet.removeprefix(ATTRIBUTE))
        return getattr(self, facet) or None

    def replaced(self, facet: str, wanted: Wanted | None) -> "ItemFilters":
        """The same with one facet filtered otherwise; None or () lets it go."""
        if facet.startswith(ATTRIBUTE):
            key = facet.removeprefix(ATTRIBUTE)
            kept = [pair for pair in self.attributes if pair[0] != key]
            kept += [(key, wanted)] if wanted else []
            return replace(self, attributes=tuple(sorted(kept, key=lambda pair: pair[0])))
        emptied: dict[str, Any] = {facet: wanted or (None if facet in RANGE_FACETS else ())}
        return replace(self, **emptied)

    def without(self, facet: str) -> "ItemFilters":
        """The same filters with one facet let go."""
        return self.replaced(facet, None)

    def q(self, prefix: str = "") -> Q:
        """Condition on Item columns; `prefix` reaches Item from another model ("item__")."""
        condition = Q()
        for facet in self.facets():
            wanted = self.wanted(facet)
            if facet.startswith(ATTRIBUTE):
                condition &= _attribute_q(prefix, facet.removeprefix(ATTRIBUTE), wanted)
            elif isinstance(wanted, Range):
                if wanted.low is not None:
                    condition &= Q(**{f"{prefix}{facet}__gte": wanted.low})
                if wanted.high is not None:
                    condition &= Q(**{f"{prefix}{facet}__lte": wanted.high})
            elif wanted:
                condition &= Q(**{f"{prefix}{COLUMNS[facet]}__overlap": list(wanted)})
        for other in self.also:
            condition &= other.q(prefix)
        return condition

    def as_params(self) -> list[tuple[str, str]]:
        """URL parameters that parse_filters() reads back."""
        params = []
        for facet in self.facets():
            wanted = self.wanted(facet)
            values = (str(wanted),) if isinstance(wanted, Range) else wanted or ()
            params += [(facet, value) for value in values]
        return params + [pair for other in self.also for pair in other.as_params()]


def attribute_values(value: object) -> tuple[str | float, ...]:
    """What an item's attribute holds, as values of a facet: texts, and numbers as numbers."""
    held = value if isinstance(value, list | tuple) else [value]
    return tuple(
        dict.fromkeys(
            each
            for each in held
            if (isinstance(each, str) and each)
            or (isinstance(each, int | float) and not isinstance(each, bool))
        )
    )


def parse_filters(
    params: Mapping[str, Sequence[str]],
    *,
    known: Iterable[str] = (),
    attributes: Iterable[str] = (),
) -> ItemFilters:
    """Filters from URL parameters ({"category": ["Drama"], "year": ["1960..1969"]}).

    Args:
        params: each parameter's values; parameters that are no facets are looked up in `known`.
        known: names of parameters that belong to the caller. Where it is given, any other name
            is refused; where it is empty, other names are ignored.
        attributes: keys of item attributes that are facets ("color" is read as
            "attributes.color"); a value with ".." is a range of numbers.

    Raises:
        InvalidInput: names the parameter that is unknown or cannot be read.
    """
    keys = list(attributes)
    offered = [*FACETS, *(f"{ATTRIBUTE}{key}" for key in keys)]
    allowed = set(known)
    if allowed:
        for name in params:
            if name not in allowed and name not in offered:
                raise InvalidInput(_unknown(name, offered, allowed), field=name)
    values: dict[str, Any] = {f: _read_list(f, params.get(f, ())) for f in LIST_FACETS}
    values |= {f: _read_range(f, params.get(f, ())) for f in RANGE_FACETS}
    filters = ItemFilters(**values)
    for key in keys:
        facet = f"{ATTRIBUTE}{key}"
        filters = filters.replaced(facet, _read_attribute(facet, params.get(facet, ())))
    _refuse_too_many(filters)
    return filters


def _refuse_too_many(filters: ItemFilters) -> None:
    counts = {facet: _size(filters.wanted(facet)) for facet in filters.facets()}
    if sum(counts.values()) > MAX_IN_ALL:
        raise InvalidInput(
            f"At most {MAX_IN_ALL} values of all facets together; these are"
            f" {sum(counts.values()):,}.",
            field=max(counts, key=lambda facet: counts[facet]),
        )


def _size(wanted: Wanted | None) -> int:
    return len(wanted) if isinstance(wanted, tuple) else int(wanted is not None)


def _attribute_q(prefix: str, key: str, wanted: Wanted | None) -> Q:
    if not isinstance(wanted, Range):
        condition = Q()
        for value in wanted or ():
            # Both shapes that an attribute may have; each can use the index on the attributes.
            condition |= Q(**{f"{prefix}{ATTRIBUTES}__contains": {key: [value]}})
            condition |= Q(**{f"{prefix}{ATTRIBUTES}__contains": {key: value}})
        return condition
    if wanted.low is None and wanted.high is None:
        return Q()
    # JSON sorts numbers above texts and below lists, so that two ends let numbers alone pass.
    low, high = (
        -MAX_NUMBER if wanted.low is None else wanted.low,
        MAX_NUMBER if wanted.high is None else wanted.high,
    )
    held = KeyTransform(key, f"{prefix}{ATTRIBUTES}")
    return Q(KeyTransformGte(held, _json(low))) & Q(KeyTransformLte(held, _json(high)))


def _json(number: Decimal) -> Value:
    is_whole = number == number.to_integral_value()
    return Value(int(number) if is_whole else float(number), output_field=JSONField())


def _unknown(name: str, offered: Sequence[str], allowed: set[str]) -> str:
    near = difflib.get_close_matches(name, [*offered, *allowed], n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"Unknown parameter '{name[:60]}'.{hint} Facets are: {', '.join(offered)}."


def _read_attribute(facet: str, given: Sequence[str]) -> Wanted | None:
    if any(".." in text for text in given):
        return _read_range(facet, given)
    return _read_list(facet, given) or None


def _read_list(facet: str, given: Sequence[str]) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value.strip() for value in given if value.strip()))
    if len(values) > MAX_VALUES:
        raise InvalidInput(
            f"At most {MAX_VALUES} values of '{facet}'; these are {len(values):,}.", field=facet
        )
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
    if not number.is_finite() or abs(number) > MAX_NUMBER:
        raise InvalidInput(
            f"'{facet}' is read as low..high in numbers, such as 1960..1969.", field=facet
        )
    return number
