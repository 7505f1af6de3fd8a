"""Browsing: an empty query lists everything inside the filters, popular first."""

from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Coalesce, Lower

from catalog.models import Item, Profile
from catalog.querysets import ItemQuerySet
from recs.models import NeighbourVersion
from search import facets
from search.hits import build_hits
from search.rules import Applied
from search.stages import Stages
from search.tsquery import ParsedQuery
from search.types import Retrieved, SearchRequest

MAX_TOP_ITEMS = 50
NO_RULES = Applied()
_ORDER: dict[str, list[Any]] = {
    "newest": [F("year").desc(nulls_last=True), "-created_at", "id"],
    "title": [Lower("title"), "id"],
    "price": [F("price").asc(nulls_last=True), "id"],
}
_POPULAR: list[Any] = ["-people", F("year").desc(nulls_last=True), "-created_at", "id"]


def browse(
    request: SearchRequest,
    query: ParsedQuery,
    profile: Profile,
    stages: Stages,
    applied: Applied = NO_RULES,
) -> Retrieved:
    """The visible items inside the filters; counts and facets are over all of them.

    Of the editors' rules those count that hide, redirect or say something: there is no best match
    to move things in.
    """
    hidden = applied.hidden()
    rows: ItemQuerySet = Item.objects.visible().filter(request.filters.q()).exclude(hidden)
    start = (request.page - 1) * request.per_page
    with stages.time("browse"):
        wanted = _ordered(rows, request.sort).defer("search_vector", "keywords", "content_hash")
        page = list(wanted[start : start + request.per_page])
    with stages.time("facets"):
        total, counts = facets.count_catalog(request.filters, profile, hidden)
        shown_facets = facets.build_facets(counts, request.filters, profile)
    ranked = [(item.pk, "browse", 1 / (start + at)) for at, item in enumerate(page, start=1)]
    return Retrieved(
        query=query.text,
        normalized=query.normalized,
        corrected_query=None,
        total=total,
        total_relation="eq",
        page=request.page,
        per_page=request.per_page,
        hits=build_hits(query, ranked, {item.pk: item for item in page}, first=start + 1),
        related=(),
        facets=shown_facets,
        top_item_ids=tuple(item.pk for item in page[:MAX_TOP_ITEMS]),
        exact_title=False,
        stages=stages.milliseconds,
        rules=applied.told(sort=request.sort),
        redirect=applied.redirect,
        banner=applied.banner,
    )


def _ordered(rows: ItemQuerySet, sort: str) -> ItemQuerySet:
    if sort in _ORDER:
        return rows.order_by(*_ORDER[sort])
    live = NeighbourVersion.objects.live().values_list("pk", flat=True).first()
    counted: ItemQuerySet = rows.alias(
        live_popularity=FilteredRelation("popularity", condition=Q(popularity__version=live or 0))
    )
    counted = counted.annotate(people=Coalesce(F("live_popularity__people"), 0))
    return counted.order_by(*_POPULAR)
