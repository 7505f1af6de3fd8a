"""Facts of the candidates: what filters, facets and sorting need to know of an item."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from catalog.filters import LIST_FACETS, RANGE_FACETS, ItemFilters, Range
from catalog.prepared import int_array, prepared_cursor

_FACTS = """
SELECT item.id, item.title, item.categories, item.creators, item.countries, item.year, item.price,
       extract(epoch FROM item.created_at)::float8, coalesce(popularity.people, 0)
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


def load_candidates(item_ids: Collection[int], *, excluded: str = "") -> dict[int, Candidate]:
    """Facts by item id, in one statement; items that match the tsquery `excluded` are left out."""
    if not item_ids:
        return {}
    with prepared_cursor() as cursor:
        cursor.execute(_FACTS, {"ids": int_array(item_ids), "excluded": excluded})
        return {row[0]: Candidate(*row) for row in cursor.fetchall()}


def failing_facets(candidate: Candidate, filters: ItemFilters) -> list[str]:
    """The facets by which the filters turn the candidate away; [] where it passes.

    The same meaning as ItemFilters.q(), for rows that are already here.
    """
    failing = [
        facet
        for facet in LIST_FACETS
        if (wanted := getattr(filters, facet))
        and not any(value in wanted for value in getattr(candidate, facet))
    ]
    return failing + [
        facet
        for facet in RANGE_FACETS
        if (bounds := getattr(filters, facet)) and not _is_within(getattr(candidate, facet), bounds)
    ]


def _is_within(value: int | Decimal | None, bounds: Range) -> bool:
    if bounds.low is None and bounds.high is None:
        return True
    if value is None:
        return False
    return (bounds.low is None or value >= bounds.low) and (
        bounds.high is None or value <= bounds.high
    )
