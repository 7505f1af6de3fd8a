"""The search page, its fragment while somebody types, and the next page of a list."""

from dataclasses import replace

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect, push_url, replace_url
from django_htmx.middleware import HtmxDetails

from catalog.errors import InvalidInput
from catalog.profiles import current_profile
from catalog.types import Viewer
from search.answer import SearchAnswer
from search.answer import search as answer_search
from search.query_recommendation import recommend
from search.retrieval import matching, retrieve
from search.views.pages import HtmxRequest, page
from search.views.params import Params, read_params
from search.views.pills import PillGroup, pill_groups
from search.views.results import Page, WayOn, chips, relaxations, results_page, words_let_go
from search.views.viewer import remembered, viewer_of, visitor_of


@require_safe
@page
@remembered
def search(request: HtmxRequest) -> HttpResponse:
    """Results of a query with filters; as a whole page, or the part that htmx asks for."""
    params = read_params(request.GET)
    answer = _answer(params, viewer_of(request))
    leads_to = answer.retrieved.redirect
    if leads_to and _is_submitted(params):
        return _led(leads_to, request.htmx)
    results = results_page(answer, params, current_profile())
    context = {
        "params": params,
        "results": results,
        "corrected": answer.retrieved.corrected_query,
        "synonyms": answer.retrieved.synonyms,
        "banner": answer.retrieved.banner,
        "leads_to": leads_to,
        "verbatim_url": replace(params, verbatim=True, page=1).url(),
        "pill_groups": pill_groups(answer.query_recommendations),
        "places_to_start": _places_to_start(answer, request),
        "ways_on": _ways_on(params, results),
        "saves": _saves(params, request),
        "explained": _may_see_reasons(request),
        "live_search": True,
    }
    if not request.htmx:
        return render(request, "pages/search.html", context)
    if request.htmx.target == "more":
        return render(request, "pages/search.html#more", context)
    fragment = render(request, "pages/search.html#main", context)
    return _at(fragment, params.url(), request.htmx, is_typing=params.is_typing)


def _answer(params: Params, viewer: Viewer) -> SearchAnswer:
    """The answer; an order that is kept no longer gives way to that of now."""
    try:
        return answer_search(params.request(viewer))
    except InvalidInput as error:
        if error.field != "cursor":
            raise
        return answer_search(replace(params, cursor="").request(viewer))


def _is_submitted(params: Params) -> bool:
    """Whether words were sent off: neither half typed, nor narrowed, nor paged through."""
    return not params.is_typing and params.page == 1 and params.filters.is_empty


def _led(url: str, htmx: HtmxDetails) -> HttpResponse:
    """The browser goes where a rule leads; a fragment cannot go there by itself."""
    return HttpResponseClientRedirect(url) if htmx else HttpResponseRedirect(url)


def _places_to_start(answer: SearchAnswer, request: HtmxRequest) -> tuple[PillGroup, ...]:
    """Where neither hits nor searches from here are found: popular searches."""
    if answer.retrieved.total or answer.query_recommendations:
        return ()
    popular = recommend(
        query="", normalized="", top_item_ids=(), exact_title=False, viewer=viewer_of(request)
    )
    return pill_groups(popular.queries)


def _saves(params: Params, request: HtmxRequest) -> str:
    """What the button to save keeps; "" for borrowed eyes, which keep nothing."""
    return "" if visitor_of(request).is_borrowed else params.at_page(1).url().partition("?")[2]


def _may_see_reasons(request: HtmxRequest) -> bool:
    """Whether what each recommended query was chosen by is asked for, by who may see answers."""
    wants = request.GET.get("explain", "").lower() in ("1", "true")
    return wants and request.user.has_perm("catalog.view_answer")


def _at(fragment: HttpResponse, url: str, htmx: HtmxDetails, *, is_typing: bool) -> HttpResponse:
    """The fragment and its address: one step of history for a query, none for each letter."""
    if is_typing and (htmx.current_url_abs_path or "").startswith("/search"):
        return replace_url(fragment, url)
    return push_url(fragment, url)


def _ways_on(params: Params, results: Page) -> list[WayOn]:
    """Where nothing is found: what letting go of each filter, or of each word, would give."""
    if results.total:
        return []
    ways = []
    for relaxed in relaxations(params):
        total = retrieve(relaxed.request(Viewer())).total
        let_go = set(_labels(params)) - set(_labels(relaxed))
        ways.append(WayOn(label=", ".join(sorted(let_go)), url=relaxed.url(), total=total))
    for word, shorter in words_let_go(params):
        total = matching(shorter.query, shorter.filters)
        ways.append(WayOn(label=f"\u201c{word}\u201d", url=shorter.url(), total=total))
    return [way for way in ways if way.total]


def _labels(params: Params) -> list[str]:
    return [chip.label for chip in chips(params, current_profile())]
