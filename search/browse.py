"""Browsing: an empty query lists everything inside the filters, popular first."""

from catalog.models import Item, Profile
from search import facets, set_counts
from search.hits import build_hits
from search.item_sets import ItemSet, sorted_items
from search.rules import Applied, current_rules
from search.stages import Stages
from search.tsquery import ParsedQuery
from search.types import MOST_KEPT, Retrieved, SearchRequest

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
        page = _page(every, request)
    with stages.time("facets"):
        total, counts = set_counts.count(every, request.filters, profile)
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


def order_of(request: SearchRequest) -> tuple[int, ...]:
    """What a cursor keeps of the list; asked for only where there is a second page."""
    applied = current_rules().applied("", verbatim=request.verbatim)
    every = ItemSet(hidden=applied.hidden())
    return tuple(every.page(request, sort=request.sort, count=MOST_KEPT))


def _page(every: ItemSet, request: SearchRequest) -> list[Item]:
    rows = Item.objects.visible().defer("search_vector", "keywords", "content_hash")
    if request.offset is not None:
        ids = every.page(request, sort=request.sort, count=request.per_page)
        found = rows.in_bulk(ids)
        return [found[item_id] for item_id in ids if item_id in found]
    wanted = sorted_items(every.rows().filter(request.filters.q()), request.sort)
    wanted = wanted.defer("search_vector", "keywords", "content_hash")
    return list(wanted[request.start : request.start + request.per_page])
