"""Facts of the candidates: what filters, facets and sorting need to know of an item."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog.filters import ATTRIBUTE, RANGE_FACETS, ItemFilters, Range, attribute_values
from catalog.prepared import int_array, prepared_cursor
from catalog.profiles import current_profile

_FACTS = """
SELECT item.id, item.title, item.all_categories, item.creators, item.countries, item.year,
       item.price, extract(epoch FROM item.created_at)::float8, coalesce(popularity.people, 0),
       (SELECT jsonb_agg(item.all_attributes -> key) FROM unnest(%(keys)s::text[]) AS key)
FROM catalog_item item
LEFT JOIN recs_itempopularity popularity
       ON popularity.item_id = item.id
      AND popularity.version_id = (SELECT id FROM recs_neighbourversion WHERE is_live)
WHERE item.id = ANY(%(ids)s::bigint[])
  AND (%(excluded)s::text = ''
       OR NOT item.search_vector @@ to_tsquery('foray', %(excluded)s::text))
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item of the candidate set, without what only the page needs."""

    item_id: int
    title: str
    category: tuple[str, ...]
    creator: tuple[str, ...]
    country: tuple[str, ...]
    year: int | None
    price: Decimal | None
    created: float  # seconds since 1970
    people: int
    # Of those attributes that are facets or filtered by.
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def held(self, facet: str) -> tuple[Any, ...]:
        """The values that it has in a facet."""
        if facet.startswith(ATTRIBUTE):
            return attribute_values(self.attributes.get(facet.removeprefix(ATTRIBUTE)))
        if facet in RANGE_FACETS:
            value = getattr(self, facet)
            return () if value is None else (value,)
        return tuple(getattr(self, facet))


def load_candidates(
    item_ids: Collection[int], *, excluded: str = "", filters: ItemFilters | None = None
) -> dict[int, Candidate]:
    """Facts by item id, in one statement.

    Args:
        item_ids: the items; those that are gone are left out.
        excluded: a tsquery; items that match it are left out.
        filters: what they will be filtered by, beside the facets of the profile.
    """
    if not item_ids:
        return {}
    also = [key for key, _ in filters.attributes] if filters else []
    keys = list(dict.fromkeys([*current_profile().facet_attributes, *also]))
    params: dict[str, Any] = {
        "ids": int_array(item_ids),
        "excluded": excluded,
        "keys": keys,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_FACTS, params)
        rows = ((*row[:-1], _attributes(keys, row[-1])) for row in cursor.fetchall())
        return {row[0]: Candidate(*row) for row in rows}


def _attributes(keys: Sequence[str], held: str | None) -> dict[str, Any]:
    return dict(zip(keys, json.loads(held), strict=True)) if held else {}


def failing_facets(candidate: Candidate, filters: ItemFilters) -> list[str]:
    """The facets by which the filters turn the candidate away; [] where it passes.

    The same meaning as ItemFilters.q(), for rows that are already here.
    """
    own = [facet for facet in filters.facets() if not _passes(candidate, facet, filters)]
    return own + [facet for each in filters.also for facet in failing_facets(candidate, each)]


def _passes(candidate: Candidate, facet: str, filters: ItemFilters) -> bool:
    wanted = filters.wanted(facet)
    if not isinstance(wanted, Range):
        return any(value in (wanted or ()) for value in candidate.held(facet))
    if not facet.startswith(ATTRIBUTE):
        return wanted.holds(getattr(candidate, facet))
    # A list of numbers is no number.
    value = candidate.attributes.get(facet.removeprefix(ATTRIBUTE))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return wanted.holds(value if is_number else None)
