"""Browsing: an empty query lists everything inside the filters, popular first."""

from catalog.models import Profile
from search import facets
from search.hits import build_hits
from search.item_sets import ItemSet, sorted_items
from search.rules import Applied
from search.stages import Stages
from search.tsquery import ParsedQuery
from search.types import Retrieved, SearchRequest

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
    every = ItemSet(hidden=applied.hidden()).rows()
    start = request.start
    with stages.time("browse"):
        wanted = sorted_items(every.filter(request.filters.q()), request.sort)
        wanted = wanted.defer("search_vector", "keywords", "content_hash")
        page = list(wanted[start : start + request.per_page])
    with stages.time("facets"):
        total, counts = facets.count_rows(every, request.filters, profile)
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
