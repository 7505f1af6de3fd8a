"""Completions for the search field, as the options of its list box."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from catalog.profiles import current_profile
from search.languages import accepted_languages
from search.suggest import suggest as complete
from search.text import MAX_QUERY_CHARACTERS, clean_query
from search.views.cards import Trail, card
from search.views.pages import page
from search.views.params import query_url
from search.views.pills import Pill
from search.views.viewer import viewer_of

QUERIES = 6
ITEMS = 3


@require_safe
@vary_on_headers("Accept-Language")
@page
def suggest(request: HttpRequest) -> HttpResponse:
    """Queries, then items, that begin with what was typed."""
    prefix = clean_query(request.GET.get("q", ""))[:MAX_QUERY_CHARACTERS]
    found = complete(
        prefix=prefix,
        viewer=viewer_of(request),
        k=QUERIES,
        languages=accepted_languages(request.headers.get("Accept-Language", "")),
    )
    profile, trail = current_profile(), Trail(surface="suggest")
    context = {
        "queries": [
            Pill(text=one.text, url=query_url(one.text, source=one.source), hint=one.hint)
            for one in found.queries[:QUERIES]
        ],
        "cards": [
            card(item, profile, trail=trail, position=place)
            for place, item in enumerate(found.items[:ITEMS], 1)
        ],
    }
    return render(request, "partials/suggestions.html", context)
