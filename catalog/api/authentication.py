"""Who calls: an API key in `Authorization: Bearer` or `X-API-Key`."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from catalog import scope
from catalog.keys import authenticate, catalog_of
from catalog.models import ApiKey


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the key; a request without one stays anonymous."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """The key that was sent, None where none was.

        Raises:
            AuthenticationFailed: the key is unknown, expired or revoked.
        """
        secret = sent_secret(request)
        if not secret:
            return None
        if catalog_of(secret) not in (None, scope.current()):
            raise AuthenticationFailed("This API key is of another catalog than this host.")
        key = authenticate(secret)
        if key is None:
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        return None, key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 answer asks for."""
        return 'Bearer realm="api"'


def sent_secret(request: Request | HttpRequest) -> str:
    """The secret that a request carries, "" where it carries none."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return request.headers.get("X-API-Key", "").strip()
