"""Facets: the choices that narrow a list, each with what choosing it would leave.

A facet is counted with the other facets' filters applied and without its own, so that the
alternatives beside a chosen value stay visible.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models.fields.json import KeyTransform

from catalog.filters import ATTRIBUTE, LIST_FACETS, RANGE_FACETS, ItemFilters, Range
from catalog.models import Profile
from catalog.querysets import ItemQuerySet
from search.candidates import Candidate, failing_facets
from search.facet_steps import decades, even_steps, price_steps
from search.facet_wording import facet_label, range_label, value_label
from search.types import Facet, FacetValue

SHOWN = 12
# Of a facet with more values than this only the commonest are counted, and those chosen.
MOST_VALUES = 1000
_COLUMN = {"category": "categories", "creator": "creators", "country": "countries"}
_READ: Mapping[str, Callable[[str], Any]] = {"price": Decimal}
Counts = Mapping[str, Mapping[Any, int]]


def count_candidates(
    candidates: Iterable[Candidate], filters: ItemFilters, profile: Profile
) -> tuple[list[Candidate], Counts]:
    """The candidates that pass the filters, and how often each facet's values occur."""
    facets = facet_keys(profile)
    counts: dict[str, Counter[Any]] = {facet: Counter() for facet in facets}
    passing = []
    for candidate in candidates:
        failing = failing_facets(candidate, filters)
        if not failing:
            passing.append(candidate)
        if len(failing) > 1:
            continue
        for facet in failing or facets:
            if facet in counts:
                counts[facet].update(set(candidate.held(facet)))
    return passing, counts


def count_rows(items: ItemQuerySet, filters: ItemFilters, profile: Profile) -> tuple[int, Counts]:
    """How many of these items pass, and how often each facet's values occur among them.

    One statement for all facets without a filter of their own, and one for each other facet.
    """
    keys = facet_keys(profile)
    free = [facet for facet in keys if filters.wanted(facet) is None]
    counts, total = _count(items, filters, free)
    for facet in keys:
        if facet not in free:
            counts |= _count(items, filters.without(facet), [facet], filters)[0]
    return total, counts


def build_facets(counts: Counts, filters: ItemFilters, profile: Profile) -> tuple[Facet, ...]:
    """Facets ready to be shown; those without any value are left out."""
    built = [_build(facet, counts[facet], filters, profile) for facet in facet_keys(profile)]
    return tuple(facet for facet in built if facet.values)


def facet_keys(profile: Profile) -> tuple[str, ...]:
    """The facets that this installation offers, in the order of the page."""
    ranges = [profile.range_facet] if profile.range_facet else []
    return (*LIST_FACETS, *ranges, *(f"{ATTRIBUTE}{key}" for key in profile.facet_attributes))


def _count(
    items: ItemQuerySet,
    filters: ItemFilters,
    facets: Sequence[str],
    chosen: ItemFilters | None = None,
) -> tuple[dict[str, Any], int]:
    """Values of these facets among the items inside the filters, read once."""
    held = {f"held_{n}": facet for n, facet in enumerate(facets) if facet.startswith(ATTRIBUTE)}
    rows = items.filter(filters.q()).order_by()
    rows = rows.annotate(
        **{
            name: KeyTransform(facet.removeprefix(ATTRIBUTE), "attributes")
            for name, facet in held.items()
        }
    )
    own = [_COLUMN.get(facet, facet) for facet in facets if not facet.startswith(ATTRIBUTE)]
    kept, params = rows.values_list("id", *own, *held).query.sql_with_params()
    names = {facet: name for name, facet in held.items()}
    counting = ["SELECT '' AS facet, NULL::jsonb AS value, count(*) FROM kept"]
    every = list(params)
    for facet in facets:
        wanted = chosen.wanted(facet) if chosen else None
        counting.append(_counted(facet, names.get(facet, "")))
        every += [facet, list(wanted) if isinstance(wanted, tuple) else []]
    counts: dict[str, Any] = {facet: {} for facet in facets}
    total = 0
    with connection.cursor() as cursor:
        cursor.execute(f"WITH kept AS MATERIALIZED ({kept}) {' UNION ALL '.join(counting)}", every)
        for facet, value, count in cursor.fetchall():
            if not facet:
                total = count
            elif value is not None:
                counts[facet][_READ.get(facet, json.loads)(value)] = count
    return counts, total


def _counted(facet: str, held: str) -> str:
    """A statement that counts a facet's values; it takes the facet, and values counted anyway."""
    if held:
        # An item that says a value twice has it once.
        lists = (
            f"CASE jsonb_typeof({held}) WHEN 'array' THEN {held} ELSE jsonb_build_array({held}) END"
        )
        is_value = "jsonb_typeof(each) IN ('string', 'number') AND each <> '\"\"'"
        source = (
            f"(SELECT DISTINCT id, each AS value FROM kept,"  # noqa: S608  our own names
            f" LATERAL jsonb_array_elements({lists}) AS each WHERE {is_value}) AS one"
        )
    elif facet in LIST_FACETS:
        source = f"(SELECT unnest({_COLUMN[facet]}) AS value FROM kept) AS one"  # noqa: S608
    else:
        source = f"(SELECT {facet} AS value FROM kept WHERE {facet} IS NOT NULL) AS one"  # noqa: S608
    # Names of columns are ours; values are bound.
    return f"""
        SELECT %s, to_jsonb(value), items FROM (
            SELECT value, items, row_number() OVER (ORDER BY items DESC, value) AS place
            FROM (SELECT value, count(*) AS items FROM {source} GROUP BY value) AS counted
        ) AS placed
        WHERE place <= {MOST_VALUES} OR to_jsonb(value) #>> '{{}}' = ANY(%s::text[])"""  # noqa: S608


def _build(key: str, counts: Mapping[Any, int], filters: ItemFilters, profile: Profile) -> Facet:
    label = facet_label(key, profile)
    if not _is_range(key, counts, filters):
        texts = {value: n for value, n in counts.items() if isinstance(value, str)}
        return Facet(key=key, label=label, values=_list_values(key, texts, filters))
    numbers = {value: n for value, n in counts.items() if not isinstance(value, str)}
    bounds = (float(min(numbers)), float(max(numbers))) if numbers else None
    wanted = filters.wanted(key)
    values = _range_values(key, numbers, wanted if isinstance(wanted, Range) else None, profile)
    return Facet(key=key, label=label, values=values, bounds=bounds)


def _is_range(key: str, counts: Mapping[Any, int], filters: ItemFilters) -> bool:
    """Whether a facet is narrowed by numbers: an attribute is where most of its values are."""
    if key in LIST_FACETS or key in RANGE_FACETS:
        return key in RANGE_FACETS
    if not counts:
        return isinstance(filters.wanted(key), Range)
    numbers = sum(n for value, n in counts.items() if not isinstance(value, str))
    return 2 * numbers > sum(counts.values())


def _list_values(
    key: str, counts: Mapping[str, int], filters: ItemFilters
) -> tuple[FacetValue, ...]:
    wanted = filters.wanted(key)
    selected = wanted if isinstance(wanted, tuple) else ()
    offered = counts
    if key == "category":
        opened = {"", *(part for path in selected for part in _with_parents(path))}
        offered = {path: n for path, n in counts.items() if path.rpartition("/")[0] in opened}
    best = sorted(offered.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    shown = dict(best) | {value: counts.get(value, 0) for value in selected}
    return tuple(
        FacetValue(
            value=value,
            label=value_label(key, value),
            count=count,
            is_selected=value in selected,
        )
        for value, count in sorted(shown.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _with_parents(path: str) -> list[str]:
    levels = path.split("/")
    return ["/".join(levels[:depth]) for depth in range(1, len(levels) + 1)]


def _range_values(
    key: str, counts: Mapping[Any, int], selected: Range | None, profile: Profile
) -> tuple[FacetValue, ...]:
    steps = _steps(key, counts)
    if selected is not None and str(selected) not in {str(step) for step in steps}:
        steps = [selected, *steps]
    return tuple(
        FacetValue(
            value=str(step),
            label=range_label(key, step, profile),
            count=sum(n for value, n in counts.items() if step.holds(value)),
            is_selected=selected is not None and str(step) == str(selected),
        )
        for step in steps
    )


def _steps(key: str, counts: Mapping[Any, int]) -> list[Range]:
    if key == "year":
        return decades(counts, most=SHOWN)
    return price_steps(counts) if key == "price" else even_steps(counts)
