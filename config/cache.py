"""A cache that may be away: a lost Valkey slows pages down, it does not break them."""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

logger = logging.getLogger(__name__)


class ForgivingRedisCache(RedisCache):
    """Redis cache whose calls answer "nothing stored" while the server cannot be reached."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Value of the key, or the default where it is missing or the server is away."""
        return self._forgive(super().get, default, key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        """Store the value if the server can be reached."""
        self._forgive(super().set, None, key, value, timeout, version)

    def add(self, key: Any, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        """Store the value if the key is new; True also while the server is away."""
        return bool(self._forgive(super().add, True, key, value, timeout, version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Count up; answers delta while the server is away."""
        return int(self._forgive(super().incr, delta, key, delta, version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Remove the key if the server can be reached."""
        return bool(self._forgive(super().delete, False, key, version))

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """Values of the keys that are stored and can be reached."""
        return dict(self._forgive(super().get_many, {}, keys, version))

    @staticmethod
    def _forgive(call: Callable[..., Any], instead: Any, *args: Any) -> Any:
        try:
            return call(*args)
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("cache is away: %s", error)
            return instead


class JsonSerializer:
    """Keeps cached values as JSON: what comes back from the server is data, never code."""

    def dumps(self, value: Any) -> bytes | int:
        """Bytes to store; integers stay as they are so that the server can count them."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        """The stored value."""
        return json.loads(data)
