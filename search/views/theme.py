"""Light, dark, or as the system says."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from search.views.addresses import safe_next
from search.views.context import THEME_COOKIE, THEMES

COOKIE_SECONDS = 365 * 24 * 3600


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice in a cookie, so that the next page comes in it without a flash."""
    chosen = request.POST.get("theme", "")
    response = redirect(safe_next(request))
    response.set_cookie(
        THEME_COOKIE,
        chosen if chosen in THEMES else "auto",
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )
    return response
