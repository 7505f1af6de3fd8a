"""Saving a search, and letting it go again."""

from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from catalog.saved_searches import let_go, save_search
from search.views.pages import page
from search.views.params import read_params
from search.views.viewer import remembered, visitor_of


@require_POST
@page
@remembered
def save(request: HttpRequest) -> HttpResponse:
    """Keep the search that the form names, and go back to it."""
    given = QueryDict(urlencode(parse_qsl(request.POST.get("search", "")[:4000])))
    params = read_params(given)
    address = params.at_page(1).url().partition("?")[2]
    visitor = visitor_of(request)
    if not visitor.is_borrowed:
        save_search(viewer=visitor.viewer, query=params.query, address=address)
        messages.success(request, "Saved. It stands with your history.")
    return redirect(f"{reverse('pages:search')}?{address}")


@require_POST
@page
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a saved search of the visitor's own go."""
    visitor = visitor_of(request)
    if not visitor.is_borrowed and let_go(viewer=visitor.viewer, pk=pk):
        messages.success(request, "Let go.")
    return redirect("pages:history")
