"""What `explain` shows, and to whom: scores are told to those who run the site."""

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from catalog.api.permissions import may
from catalog.errors import InvalidInput
from catalog.models import ApiKey

ADMIN = ApiKey.Scope.ADMIN.value
_TRUTH = {"": False, "0": False, "false": False, "1": True, "true": True}

EXPLAIN = OpenApiParameter(
    "explain", bool, default=False,
    description="Say what spoke for each hit, and for each recommended query. Needs a key with the "
    "scope 'admin'.",
)  # fmt: skip


def wants_explanation(request: Request, text: str) -> bool:
    """Whether explanations are asked for.

    Raises:
        InvalidInput: where it is neither true nor false.
        NotAuthenticated, PermissionDenied: for who may not see them.
    """
    value = text.strip().lower()
    if value not in _TRUTH:
        raise InvalidInput("'explain' is true or false.", field="explain")
    if _TRUTH[value] and not may(request, ADMIN):
        if request.auth is None:
            raise NotAuthenticated("'explain' needs an API key with the scope 'admin'.")
        raise PermissionDenied("'explain' needs an API key with the scope 'admin'.")
    return _TRUTH[value]


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """To four places."""
    return {name: round(value, 4) for name, value in values.items()}
