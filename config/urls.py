"""The URL map: pages at the root, the API below /api/v1, the admin below /admin."""

import sys

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.crypto import constant_time_compare
from django_prometheus.exports import ExportToDjangoView

from catalog.api.problems import page_or_problem
from config.middleware import AWAY, UnavailableMiddleware
from search.views import errors


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics: open in the embedded mode, else for whoever knows METRICS_TOKEN."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.METRICS_TOKEN
    if settings.FORAY_EMBEDDED or (token and constant_time_compare(sent, token)):
        answer: HttpResponse = ExportToDjangoView(request)
        return answer
    raise PermissionDenied


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the session or another middleware lost the database.

    Django makes this handler's answer of what a middleware raises, before the middleware round it
    sees anything.
    """
    error = sys.exc_info()[1]
    if isinstance(error, AWAY):
        return UnavailableMiddleware.unavailable(request, error)
    return page_or_problem(500, errors.server_error)(request)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("recs.urls_api")),
    path("api/v1/", include("search.urls_api")),
    path("api/v1/", include("catalog.urls_api")),
    path("metrics", metrics),
    path("", include("search.urls")),
]

handler400 = page_or_problem(400, errors.bad_request)
handler403 = page_or_problem(403, errors.forbidden)
handler404 = page_or_problem(404, errors.not_found)
handler500 = server_error
