"""What a caller may do: the scopes of its key."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from catalog.models import ApiKey

if TYPE_CHECKING:  # it imports this module by its name in the settings
    from rest_framework.views import APIView

READ = ApiKey.Scope.READ.value


class HasScope(BasePermission):
    """Asks for the view's `required_scope`, or `required_scopes` by method ("read" by default)."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True where the key has the scope, or where anybody may read.

        Raises:
            NotAuthenticated: no key was sent.
            PermissionDenied: the key lacks the scope, which is named.
        """
        scope = required_scope(view, request.method or "GET")
        if may(request, scope):
            return True
        if request.auth is None:
            raise NotAuthenticated(
                f"Send an API key with the scope '{scope}' as 'Authorization: Bearer KEY'."
            )
        raise PermissionDenied(f"This API key lacks the scope '{scope}'.")


def required_scope(view: "APIView", method: str) -> str:
    """The scope that a method of a view asks for."""
    by_method: dict[str, str] = getattr(view, "required_scopes", {})
    return by_method.get(method, getattr(view, "required_scope", READ))


def may(request: Request, scope: str) -> bool:
    """Whether the caller has a scope."""
    if scope == READ and settings.API_PUBLIC_READ:
        return True
    key = request.auth
    return isinstance(key, ApiKey) and (
        scope in key.scopes or ApiKey.Scope.ADMIN.value in key.scopes
    )
