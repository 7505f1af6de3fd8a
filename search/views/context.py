"""What every page's template may use. Nothing is looked up before a template asks for it."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from catalog.profiles import current_profile
from search.text import MAX_QUERY_CHARACTERS
from search.views.viewer import visitor_of

THEME_COOKIE = "foray_theme"
THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, object]:
    """The catalog's profile, the visitor and the chosen theme, for base.html."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "profile": SimpleLazyObject(current_profile),
        "visitor": SimpleLazyObject(lambda: visitor_of(request)),
        "theme": theme if theme in THEMES else "auto",
        "max_query_characters": MAX_QUERY_CHARACTERS,
    }
