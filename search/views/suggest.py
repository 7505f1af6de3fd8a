"""Completions for the search field, as the options of its list box."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from catalog.profiles import current_profile
from search.facet_wording import value_label
from search.facet_words import Said
from search.languages import accepted_languages
from search.suggest import suggest as complete
from search.text import read_query
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
    """Queries, then items, makers and categories, that begin with what was typed."""
    prefix = read_query(request.GET.get("q", ""))
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
        "groups": [
            (name, [_value(each) for each in values])
            for name, values in (
                (profile.category_noun, found.categories),
                (profile.creator_noun, found.creators),
            )
            if values
        ],
    }
    return render(request, "partials/suggestions.html", context)


def _value(said: Said) -> Pill:
    """A maker or a category, with the list of what it has."""
    profile = current_profile()
    url = f"{reverse('pages:search')}?{urlencode({said.facet: said.value})}"
    noun = profile.item_noun if said.items == 1 else profile.item_noun_plural
    return Pill(text=value_label(said.facet, said.value), url=url, hint=f"{said.items:,} {noun}")
