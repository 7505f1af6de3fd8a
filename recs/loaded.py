"""Versions as they answer: loaded once in a process, a broken folder not at each request."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from recs.errors import UnusableVersion
from recs.models import ModelVersion

# The live one and another: the one before it, or a candidate that is judged.
MOST_LOADED = 2
# A folder that is broken is looked at again after so long, not at every request.
FAILED_SECONDS = 30.0

_Key = tuple[int, str]
Model = TypeVar("Model")


class Loaded(Generic[Model]):
    """The latest models of one kind that were asked for."""

    def __init__(self, read: Callable[[ModelVersion], Model]) -> None:
        """`read` loads a version, or raises UnusableVersion."""
        self._read = read
        self._lock = threading.Lock()
        self._kept: dict[_Key, Model] = {}
        self._failed: dict[_Key, tuple[float, str]] = {}

    def get(self, version: ModelVersion) -> Model:
        """The version's model, read from its folder at the first call in a process.

        Raises:
            UnusableVersion: where it cannot be read.
        """
        key = (version.pk, version.manifest_sha256)
        if (found := self._kept.get(key)) is not None:
            return found
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                return found
            failed_at, message = self._failed.get(key, (0.0, ""))
            if message and time.monotonic() - failed_at < FAILED_SECONDS:
                raise UnusableVersion(message)
            try:
                model = self._read(version)
            except UnusableVersion as error:
                self._failed[key] = (time.monotonic(), error.detail)
                raise
            self._failed.pop(key, None)
            while len(self._kept) >= MOST_LOADED:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = model
            return model

    def forget(self) -> None:
        """Load them anew at the next call."""
        with self._lock:
            self._kept.clear()
            self._failed.clear()
