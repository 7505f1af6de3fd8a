"""Browsing by category: all of them, and the items of one."""

from dataclasses import replace
from itertools import islice

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.category_names import category_line, category_trail
from catalog.profiles import current_profile
from catalog.types import QueryRecommendation, Viewer
from recs.kinds import live_codes
from search.answer import SearchAnswer
from search.answer import search as answer_search
from search.placement import ITEM
from search.query_recommendation import PageFacts, recommend
from search.text import normalize_query
from search.views.pages import HtmxRequest, page
from search.views.params import read_params
from search.views.pills import pill_groups
from search.views.results import results_page
from search.views.shelves import category_counts, category_shelves
from search.views.viewer import viewer_of

MAX_SHELVES = 60


@require_safe
@page
def browse(request: HtmxRequest) -> HttpResponse:
    """The catalog's first-level categories."""
    counts = {path: n for path, n in category_counts().items() if "/" not in path}
    context = {
        "shelves": category_shelves(_largest(counts)),
        "of": len(counts),
        "has_kinds": live_codes() is not None,
    }
    return render(request, "pages/browse.html", context)


@require_safe
@page
def category(request: HtmxRequest, path: str) -> HttpResponse:
    """The items of one category, its parts, and the way back up."""
    path = path.strip("/")
    counts = category_counts()
    if path not in counts:
        raise Http404
    asked = read_params(request.GET)
    sort = asked.sort if asked.sort != "relevance" else "popular"
    filters = replace(asked.filters, category=(path,))
    params = replace(asked, query="", filters=filters, sort=sort, path=request.path)
    viewer = viewer_of(request)
    answer = answer_search(params.request(viewer, surface="browse"))
    *above, (name, _) = category_trail(path)
    parts = _below(path, counts)
    context = {
        "title": name,
        "line": category_line(path),
        "trail": above,
        "parts": category_shelves(_largest(parts)),
        "of": len(parts),
        "results": results_page(answer, params, current_profile()),
        "banner": answer.retrieved.banner,
        "params": params,
        "pill_groups": pill_groups(_searches_from(name, answer, viewer)),
    }
    part = "#more" if request.htmx and request.htmx.target == "more" else ""
    return render(request, f"pages/category.html{part}", context)


def _searches_from(
    name: str, answer: SearchAnswer, viewer: Viewer
) -> tuple[QueryRecommendation, ...]:
    """Queries that share something with the items on the first page."""
    if answer.retrieved.page > 1:
        return ()
    return recommend(
        query=name,
        normalized=normalize_query(name),
        top_item_ids=answer.retrieved.top_item_ids,
        exact_title=False,
        viewer=viewer,
        page=PageFacts(surface=ITEM, total=answer.retrieved.total),
    ).queries


def _largest(counts: dict[str, int]) -> dict[str, int]:
    """Those with most items; more of them than that are no choice, and are found by searching."""
    return dict(islice(counts.items(), MAX_SHELVES))


def _below(path: str, counts: dict[str, int]) -> dict[str, int]:
    depth = path.count("/") + 1
    inside = ((p, n) for p, n in counts.items() if p.startswith(f"{path}/"))
    return {p: n for p, n in inside if p.count("/") == depth}
