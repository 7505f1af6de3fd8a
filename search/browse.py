"""Browsing: an empty query lists everything inside the filters, popular first."""

from collections.abc import Sequence

from catalog.models import Item, Profile
from search import facets, set_counts
from search.hits import build_hits
from search.item_sets import ItemSet
from search.rules import Applied
from search.stages import Stages
from search.tsquery import ParsedQuery
from search.types import MOST_KEPT, HitSource, Retrieved, SearchRequest

MAX_TOP_ITEMS = 50
NO_RULES = Applied()


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
    every, start = ItemSet(hidden=applied.hidden()), request.start
    with stages.time("browse"):
        ids = _ids(every, request)
        page = _items(ids[: request.per_page])
    with stages.time("facets"):
        total, counts = set_counts.count(every, request.filters, profile)
        shown_facets = facets.build_facets(counts, request.filters, profile)
    ranked = [
        (item.pk, HitSource.BROWSE, 1 / (start + at)) for at, item in enumerate(page, start=1)
    ]
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
        ordered_ids=tuple(ids),
        exact_title=False,
        stages=stages.milliseconds,
        rules=applied.told(sort=request.sort),
        redirect=applied.redirect,
        banner=applied.banner,
    )


def _ids(every: ItemSet, request: SearchRequest) -> list[int]:
    """The items of the page in their order; a first page with what follows, for its cursor."""
    is_kept = request.offset is None and request.start == 0 and not request.is_typing
    count = MOST_KEPT if is_kept else request.per_page
    return every.page(request, sort=request.sort, count=count)


def _items(ids: Sequence[int]) -> list[Item]:
    """Those that are visible, in this order."""
    rows = Item.objects.visible().defer("search_vector", "keywords", "content_hash")
    found = rows.in_bulk(list(ids))
    return [found[item_id] for item_id in ids if item_id in found]
