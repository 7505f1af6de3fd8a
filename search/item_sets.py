"""Sets of items too large to be looked at one by one: counted, sorted and paged in the database.

The set of a query is what its words match inside what was understood, and the items that were found
otherwise (by meaning, by a similar title). The set of an empty query is the whole catalog.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, FilteredRelation, Q, Subquery
from django.db.models.functions import Coalesce, Lower

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.querysets import ItemQuerySet
from recs.models import NeighbourVersion
from search import tsquery
from search.tsquery import ParsedQuery
from search.types import SearchRequest

_ORDER: dict[str, list[Any]] = {
    "newest": [F("year").desc(nulls_last=True), "-created_at", "id"],
    "title": [Lower("title"), "id"],
    "price": [F("price").asc(nulls_last=True), "id"],
}
_POPULAR: list[Any] = ["-people", F("year").desc(nulls_last=True), "-created_at", "id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSet:
    """Visible items. Without a query that asks for words it is all inside `within`.

    `others`: items of the set whatever their words. `hidden`: what is left out, but for
    `shown_anyway`.
    """

    query: ParsedQuery | None = None
    within: ItemFilters = field(default_factory=ItemFilters)
    others: Collection[int] = frozenset()
    hidden: Q = field(default_factory=Q)
    shown_anyway: Collection[int] = frozenset()

    def rows(self, at: datetime | None = None) -> ItemQuerySet:
        """The items, in no order; those that are visible at a moment, now where it is None."""
        rows: Any = Item.objects.visible(at)
        others = sorted(self.others)
        if inside := self.within.q():
            rows = rows.filter(inside | Q(pk__in=others))
        if self.hidden:
            rows = rows.exclude(self.hidden & ~Q(pk__in=sorted(self.shown_anyway)))
        terms = tsquery.all_terms(self.query) if self.query else ""
        if terms:
            held = "catalog_item.search_vector @@ to_tsquery('foray', %s)"
            where = f"({held} OR catalog_item.id = ANY(%s))"
            # Our own text; what was typed is bound.
            rows = rows.extra(where=[where], params=[terms, others])  # noqa: S610
        excluded = tsquery.excluded_terms(self.query) if self.query else ""
        if excluded:
            rows = rows.extra(
                where=["NOT catalog_item.search_vector @@ to_tsquery('foray', %s)"],
                params=[excluded],
            )
        kept: ItemQuerySet = rows
        return kept

    def page(self, asked: SearchRequest, *, sort: str, count: int) -> list[int]:
        """Items inside the request's filters from its place on, sorted.

        By a cursor in the order that it keeps: its places stay where they are, and what is gone
        since leaves a gap, so that nothing is passed over.
        """
        rows, start, order = self.rows().filter(asked.filters.q()), asked.start, asked.order
        if asked.offset is None:
            sorted_ids = sorted_items(rows, sort).values_list("pk", flat=True)
            return list(sorted_ids[start : start + count])
        wanted = order[start : start + count]
        there = set(rows.filter(pk__in=list(wanted)).values_list("pk", flat=True))
        page = [item_id for item_id in wanted if item_id in there]
        if len(wanted) < count and asked.has_rest:
            beyond = max(0, start - len(order))
            rest = sorted_items(rows.exclude(pk__in=list(order)), sort).values_list("pk", flat=True)
            page += rest[beyond : beyond + count - len(wanted)]
        return page

    def rest(
        self, filters: ItemFilters, head: Sequence[int], *, start: int, count: int
    ) -> list[int]:
        """What follows the first items: the others, the best known first."""
        rows = self.rows().filter(filters.q()).exclude(pk__in=list(head))
        ordered = sorted_items(rows, "popular").values_list("pk", flat=True)
        return list(ordered[start : start + count])

    def price_below(self, share: float) -> Decimal | None:
        """The price that this share of the items stay below; None where none has a price."""
        rows = self.rows().filter(Q(price__isnull=False)).order_by()
        text, params = rows.values_list("price").query.sql_with_params()
        with connection.cursor() as cursor:
            # The queryset's own text; values are bound.
            cursor.execute(
                f"SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY price) FROM ({text}) AS kept",  # noqa: S608
                [share, *params],
            )
            price: Decimal | None = cursor.fetchone()[0]
        return price


def sorted_items(rows: ItemQuerySet, sort: str) -> ItemQuerySet:
    """Items in an order that is total, so that pages never overlap."""
    if sort in _ORDER:
        return rows.order_by(*_ORDER[sort])
    live = Subquery(NeighbourVersion.objects.live().values("pk")[:1])
    counted: ItemQuerySet = rows.alias(
        live_popularity=FilteredRelation("popularity", condition=Q(popularity__version=live))
    )
    counted = counted.annotate(people=Coalesce(F("live_popularity__people"), 0))
    return counted.order_by(*_POPULAR)
