"""Facets: the choices that narrow a list, each with what choosing it would leave.

A facet is counted with the other facets' filters applied and without its own, so that the
alternatives beside a chosen value stay visible.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from catalog.derive import decade
from catalog.filters import LIST_FACETS, RANGE_FACETS, ItemFilters, Range
from catalog.models import Item, Profile
from search.candidates import Candidate, failing_facets
from search.types import Facet, FacetValue

SHOWN = 12
MOST_PRICE_STEPS = 8
# Edges of price ranges, for any power of ten: 1, 2.5, 5, 10, 25, ...
PRICE_EDGES = [Decimal(n) * 10**power for power in range(7) for n in ("1", "2.5", "5")]
_COLUMN = {"category": "categories", "creator": "creators", "country": "countries"}
_READ: Mapping[str, Callable[[str], Any]] = {"year": int, "price": Decimal}
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
                counts[facet].update(_values(candidate, facet))
    return passing, counts


def count_catalog(
    filters: ItemFilters, profile: Profile, hidden: Q | None = None
) -> tuple[int, Counts]:
    """How many visible items pass, and how often each facet's values occur among them.

    What meets `hidden` is left out.

    One statement for all facets without a filter of their own, and one for each other facet.
    """
    keys = facet_keys(profile)
    free = [facet for facet in keys if not getattr(filters, facet)]
    counts, total = _count_rows(filters, free, hidden)
    for facet in keys:
        if facet not in free:
            counts |= _count_rows(filters.without(facet), [facet], hidden)[0]
    return total, counts


def _count_rows(
    filters: ItemFilters, facets: Sequence[str], hidden: Q | None
) -> tuple[dict[str, Any], int]:
    """Values of these facets among the visible items inside the filters, read once."""
    rows = Item.objects.visible().filter(filters.q()).exclude(hidden or Q()).order_by()
    kept, params = rows.values_list(*_COLUMN.values(), *RANGE_FACETS).query.sql_with_params()
    counting = ["SELECT '' AS facet, NULL::text AS value, count(*) FROM kept"]
    for facet in facets:
        value = f"unnest({_COLUMN[facet]})" if facet in LIST_FACETS else f"{facet}::text"
        counting.append(f"SELECT '{facet}', {value}, count(*) FROM kept GROUP BY 2")  # noqa: S608  our own column names
    counts: dict[str, Any] = {facet: {} for facet in facets}
    total = 0
    with connection.cursor() as cursor:
        cursor.execute(f"WITH kept AS MATERIALIZED ({kept}) {' UNION ALL '.join(counting)}", params)
        for facet, value, count in cursor.fetchall():
            if not facet:
                total = count
            elif value is not None:
                counts[facet][_READ.get(facet, str)(value)] = count
    return counts, total


def build_facets(counts: Counts, filters: ItemFilters, profile: Profile) -> tuple[Facet, ...]:
    """Facets ready to be shown; those without any value are left out."""
    built = [_build(facet, counts[facet], filters, profile) for facet in facet_keys(profile)]
    return tuple(facet for facet in built if facet.values)


def facet_keys(profile: Profile) -> tuple[str, ...]:
    """The facets that this installation offers, in the order of the page."""
    return (*LIST_FACETS, *([profile.range_facet] if profile.range_facet else []))


def _values(candidate: Candidate, facet: str) -> Iterable[Any]:
    values = getattr(candidate, facet)
    if facet in LIST_FACETS:
        return set(values)
    return () if values is None else (values,)


def _build(key: str, counts: Mapping[Any, int], filters: ItemFilters, profile: Profile) -> Facet:
    label = {
        "category": profile.category_noun,
        "creator": profile.creator_noun,
        "country": "country",
    }.get(key, key)
    if key in LIST_FACETS:
        return Facet(key=key, label=label, values=_list_values(key, counts, filters))
    bounds = (float(min(counts)), float(max(counts))) if counts else None
    values = _range_values(key, counts, getattr(filters, key))
    return Facet(key=key, label=label, values=values, bounds=bounds)


def _list_values(
    key: str, counts: Mapping[str, int], filters: ItemFilters
) -> tuple[FacetValue, ...]:
    selected: tuple[str, ...] = getattr(filters, key)
    offered = counts
    if key == "category":
        opened = {"", *(part for path in selected for part in _with_parents(path))}
        offered = {path: n for path, n in counts.items() if path.rpartition("/")[0] in opened}
    best = sorted(offered.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    shown = dict(best) | {value: counts.get(value, 0) for value in selected}
    return tuple(
        FacetValue(
            value=value,
            label=value.rpartition("/")[2] if key == "category" else value,
            count=count,
            is_selected=value in selected,
        )
        for value, count in sorted(shown.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _with_parents(path: str) -> list[str]:
    levels = path.split("/")
    return ["/".join(levels[:depth]) for depth in range(1, len(levels) + 1)]


def _range_values(
    key: str, counts: Mapping[Any, int], selected: Range | None
) -> tuple[FacetValue, ...]:
    steps = _decades(counts) if key == "year" else _price_steps(counts)
    if selected is not None and str(selected) not in {str(step) for step in steps}:
        steps = [selected, *steps]
    return tuple(
        FacetValue(
            value=str(step),
            label=_range_label(key, step),
            count=sum(n for value, n in counts.items() if _holds(step, value)),
            is_selected=selected is not None and str(step) == str(selected),
        )
        for step in steps
    )


def _decades(counts: Mapping[int, int]) -> list[Range]:
    starts = Counter[int]()
    for year, count in counts.items():
        starts[year // 10 * 10] += count
    kept = sorted(start for start, _ in starts.most_common(SHOWN))
    return [Range(low=Decimal(start), high=Decimal(start + 9)) for start in reversed(kept)]


def _price_steps(counts: Mapping[Decimal, int]) -> list[Range]:
    """Steps at round prices that hold a fair share each; closed, a cent apart, the last open."""
    total = sum(counts.values())
    edges: list[Decimal] = []
    below = 0
    for edge in PRICE_EDGES:
        now_below = sum(n for price, n in counts.items() if price < edge)
        if now_below - below >= total / MOST_PRICE_STEPS and now_below < total:
            edges.append(edge)
            below = now_below
    lows = [Decimal(0), *edges]
    highs = [*(edge - Decimal("0.01") for edge in edges), None]
    if not total:
        return []
    return [Range(low=low, high=high) for low, high in zip(lows, highs, strict=True)]


def _holds(step: Range, value: Any) -> bool:
    return (step.low is None or value >= step.low) and (step.high is None or value <= step.high)


def _range_label(key: str, step: Range) -> str:
    low, high = step.low, step.high
    if key == "year" and low is not None and high == low + 9 and low % 10 == 0:
        return decade(int(low))
    if low is None or (low == 0 and key == "price" and high is not None):
        return f"up to {high}"
    return f"{low} and above" if high is None else f"{low} to {high}"
