"""Facets of a set that is too large to be looked at: counted in the database, read once.

Items are first grouped by what they hold of each facet, all facets in one pass over the set; what a
group holds is taken apart afterwards. Of a list or an attribute there are far fewer different
contents than items.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models.fields.json import KeyTransform

from catalog.filters import ATTRIBUTE, ATTRIBUTES, COLUMNS, LIST_FACETS, ItemFilters
from catalog.models import Profile
from catalog.querysets import ItemQuerySet
from search.facets import SHOWN, Counts, facet_keys

# Of a facet with more texts than this only the commonest are counted, and those chosen. Numbers are
# counted all: steps are made of them, and the count of a step is of every number in it.
MOST_VALUES = 1000
# Of makers and countries no more are looked at than are shown; a category may be opened, and what
# an attribute is depends on all its values.
MOST_OF = {"creator": SHOWN, "country": SHOWN}
_READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(LIST_FACETS, str),
    "price": Decimal,
    "year": int,
}
# Whatever the database sorts by, values that are equally common stand as Python sorts them.
_COMMONEST = 'items DESC, value COLLATE "C"'


# (place of the facet, value, items)
Rows = Sequence[tuple[int, str, int]]
Read = Callable[[str, Sequence[Any]], Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facet:
    """A facet of the statement: its column there, and texts that are counted however rare."""

    facet: str
    column: str
    bit: int
    anyway: Sequence[str]


def run(text: str, params: Sequence[Any]) -> Rows:
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        found: Rows = cursor.fetchall()
    return found


def count_rows(
    items: ItemQuerySet, filters: ItemFilters, profile: Profile, *, read: Read = run
) -> tuple[int, Counts]:
    """How many of these items pass, and how often each facet's values occur among them.

    One statement for all facets without a filter of their own, and one for each other facet.
    `read` answers them.
    """
    keys = facet_keys(profile)
    free = [facet for facet in keys if filters.wanted(facet) is None]
    total, counts = _counted(read, free, statement(items, filters, free))
    for facet in keys:
        if facet not in free:
            asked = statement(items, filters.without(facet), [facet], filters)
            counts |= _counted(read, [facet], asked)[1]
    return total, counts


def _counted(
    read: Read, facets: Sequence[str], asked: tuple[str, Sequence[Any]]
) -> tuple[int, dict[str, Any]]:
    """How many items there are, and the values of these facets among them."""
    counts: dict[str, Any] = {facet: {} for facet in facets}
    total = 0
    for place, value, items in read(*asked):
        if place < 0:
            total = items
        else:
            facet = facets[place]
            counts[facet][_READ.get(facet, json.loads)(value)] = items
    return total, counts


def statement(
    items: ItemQuerySet,
    filters: ItemFilters,
    facets: Sequence[str],
    chosen: ItemFilters | None = None,
) -> tuple[str, list[Any]]:
    """The statement and its parameters: rows of (place among the facets, value, items).

    The place of the number of all items is -1.
    """
    held = {f"held_{n}": facet for n, facet in enumerate(facets) if facet.startswith(ATTRIBUTE)}
    rows = items.filter(filters.q()).order_by()
    rows = rows.annotate(
        **{
            name: KeyTransform(facet.removeprefix(ATTRIBUTE), ATTRIBUTES)
            for name, facet in held.items()
        }
    )
    names = {facet: name for name, facet in held.items()}
    columns = [names.get(facet) or COLUMNS.get(facet, facet) for facet in facets]
    kept, given = rows.values_list("id", *columns).query.sql_with_params()
    params = list(given)
    parts = ["SELECT -1 AS place, NULL::text AS value, items FROM grouped WHERE sets = %s"]
    params.append(2 ** len(columns) - 1)
    for place, (facet, column) in enumerate(zip(facets, columns, strict=True)):
        wanted = chosen.wanted(facet) if chosen else None
        anyway = list(wanted) if isinstance(wanted, tuple) else []
        # grouping() has a bit for each column that a row is not grouped by, the first the highest.
        bit = (2 ** len(columns) - 1) ^ (1 << (len(columns) - 1 - place))
        one = _Facet(facet=facet, column=column, bit=bit, anyway=anyway)
        text, own = _part(place, one)
        parts.append(text)
        params += own
    # Names of columns are ours; values are bound.
    listed = ", ".join(columns)
    sets = ", ".join(["()", *(f"({column})" for column in columns)])
    mask = f"grouping({listed})" if columns else "0"
    return (
        f"WITH grouped AS MATERIALIZED (SELECT {mask} AS sets, "  # noqa: S608
        f"{f'{listed}, ' if columns else ''}count(*) AS items "
        f"FROM ({kept}) AS kept GROUP BY GROUPING SETS ({sets})) {' UNION ALL '.join(parts)}",
        params,
    )


def _part(place: int, one: _Facet) -> tuple[str, list[Any]]:
    """What counts the values of one facet."""
    if one.facet.startswith(ATTRIBUTE):
        return _of_attribute(place, one)
    if one.facet not in LIST_FACETS:
        return (
            f"SELECT {place}, {one.column}::text, items FROM grouped"  # noqa: S608  our own names
            f" WHERE sets = %s AND {one.column} IS NOT NULL",
            [one.bit],
        )
    return (
        f"(SELECT {place}, value, items FROM"  # noqa: S608  our own names
        f" (SELECT value, sum(items)::bigint AS items FROM grouped, unnest({one.column}) AS value"
        " WHERE sets = %s GROUP BY value) AS counted"
        f" ORDER BY value = ANY(%s::text[]) DESC, {_COMMONEST}"
        f" LIMIT {MOST_OF.get(one.facet, MOST_VALUES) + len(one.anyway)})",
        [one.bit, one.anyway],
    )


def _of_attribute(place: int, one: _Facet) -> tuple[str, list[Any]]:
    held = one.column
    lists = f"CASE jsonb_typeof({held}) WHEN 'array' THEN {held} ELSE jsonb_build_array({held}) END"
    # An item that says a value twice has it once.
    values = f"""
        SELECT each AS value, jsonb_typeof(each) = 'number' AS is_number,
               sum(items)::bigint AS items
        FROM grouped, LATERAL (
            SELECT DISTINCT each FROM jsonb_array_elements({lists}) AS each
            WHERE jsonb_typeof(each) IN ('string', 'number') AND each <> '""') AS of_it
        WHERE sets = %s AND {held} IS NOT NULL GROUP BY each"""  # noqa: S608  our own names
    return (
        f"""
        SELECT {place}, value::text, items FROM (
            SELECT value, is_number, items, row_number() OVER (
                PARTITION BY is_number ORDER BY (value #>> '{{}}') = ANY(%s::text[]) DESC,
                items DESC, (value #>> '{{}}') COLLATE "C") AS place
            FROM ({values}) AS counted) AS placed
        WHERE is_number OR place <= {MOST_VALUES + len(one.anyway)}""",  # noqa: S608  our own names
        [one.anyway, one.bit],
    )
