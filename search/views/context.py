"""What every page's template may use."""

from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """The catalog's profile and the viewer, for base.html."""
    return {}
