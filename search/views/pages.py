"""What every page has in common: compression, caching rules, and errors told in words."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from catalog.errors import ProjectError

View = Callable[..., HttpResponse]


class HtmxRequest(HttpRequest):
    """A request as django_htmx.middleware leaves it."""

    htmx: HtmxDetails


def page(view: View) -> View:
    """Make a view a page: the viewer's own, told apart from its fragment, errors in words."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ProjectError as error:
            context = {"detail": error.detail, "query": request.GET.get("q", "")[:500]}
            return render(request, "errors/400.html", context, status=error.http_status)

    varied = vary_on_headers("HX-Request", "Cookie")(answer)
    return gzip_page(cache_control(private=True, no_cache=True)(varied))
