"""Facets: the choices that narrow a list, each with what choosing it would leave.

A facet is counted with the other facets' filters applied and without its own, so that the
alternatives beside a chosen value stay visible.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from catalog.filters import ATTRIBUTE, LIST_FACETS, RANGE_FACETS, ItemFilters, Range
from catalog.models import Profile
from search.candidates import Candidate, failing_facets
from search.facet_steps import decades, even_steps, price_steps
from search.facet_wording import facet_label, range_label, value_label
from search.types import Facet, FacetValue

SHOWN = 12
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


def build_facets(counts: Counts, filters: ItemFilters, profile: Profile) -> tuple[Facet, ...]:
    """Facets ready to be shown; those without any value are left out."""
    built = [_build(facet, counts[facet], filters, profile) for facet in facet_keys(profile)]
    return tuple(facet for facet in built if facet.values)


def facet_keys(profile: Profile) -> tuple[str, ...]:
    """The facets that this installation offers, in the order of the page."""
    ranges = [profile.range_facet] if profile.range_facet else []
    return (*LIST_FACETS, *ranges, *(f"{ATTRIBUTE}{key}" for key in profile.facet_attributes))


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
