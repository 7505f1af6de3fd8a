"""Who calls: an API key in `Authorization: Bearer` or `X-API-Key`."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from catalog.keys import authenticate
from catalog.models import ApiKey


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the key; a request without one stays anonymous."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """The key that was sent, None where none was.

        Raises:
            AuthenticationFailed: the key is unknown, expired or revoked.
        """
        secret = _sent_secret(request)
        if not secret:
            return None
        key = authenticate(secret)
        if key is None:
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        return None, key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 answer asks for."""
        return 'Bearer realm="api"'


def _sent_secret(request: Request) -> str:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return request.headers.get("X-API-Key", "").strip()
