"""How often a caller may ask: so many requests a minute for each key, or for each address."""

import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from catalog.models import ApiKey

if TYPE_CHECKING:  # it imports this module by its name in the settings
    from rest_framework.views import APIView

WINDOW_SECONDS = 60


class KeyRateThrottle(BaseThrottle):
    """Counts requests by the minute in the cache; while the cache is away everybody may."""

    limit = 0
    remaining = 0
    seconds_left = WINDOW_SECONDS

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Whether this request is within the rate; leaves the numbers for the headers."""
        now = time.time()
        window = int(now // WINDOW_SECONDS)
        self.seconds_left = max(1, round((window + 1) * WINDOW_SECONDS - now))
        who, self.limit = self._caller(request)
        count = _count(f"rate:{who}:{window}")
        self.remaining = max(0, self.limit - count)
        request.rate_headers = self.headers()  # type: ignore[attr-defined]
        return count <= self.limit

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self.seconds_left

    def headers(self) -> dict[str, str]:
        """What an answer says of the rate (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"minute";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"minute";r={self.remaining};t={self.seconds_left}',
        }

    def _caller(self, request: Request) -> tuple[str, int]:
        if isinstance(request.auth, ApiKey):
            return f"key:{request.auth.pk}", request.auth.rate_per_minute
        # X-Forwarded-For is the caller's own word, unless it is said how many proxies write it.
        trusted = api_settings.NUM_PROXIES
        address = self.get_ident(request) if trusted else request.META.get("REMOTE_ADDR", "")
        return f"address:{address}", settings.API_ANONYMOUS_RATE_PER_MINUTE


def _count(key: str) -> int:
    cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
    try:
        return cache.incr(key)
    except ValueError:  # it was evicted between the two calls
        return 1
