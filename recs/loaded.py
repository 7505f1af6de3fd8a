"""Versions as they answer: loaded once in a process, a broken folder not at each request."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from catalog.scope import PerCatalog
from recs.errors import UnusableVersion
from recs.models import ModelVersion

# Of each catalog the live one and another: the one before it, or a candidate that is judged.
MOST_LOADED = 2
# A folder that is broken is looked at again after so long, not at every request.
FAILED_SECONDS = 30.0

_Key = tuple[int, str]
Model = TypeVar("Model")


class _Memory(Generic[Model]):
    """What one catalog has loaded."""

    def __init__(self) -> None:
        self.kept: dict[_Key, Model] = {}
        self.failed: dict[_Key, tuple[float, str]] = {}


class Loaded(Generic[Model]):
    """The latest models of one kind that were asked for."""

    def __init__(self, read: Callable[[ModelVersion], Model]) -> None:
        """`read` loads a version, or raises UnusableVersion."""
        self._read = read
        self._lock = threading.Lock()
        self._all: PerCatalog[_Memory[Model]] = PerCatalog(_Memory)

    def get(self, version: ModelVersion) -> Model:
        """The version's model, read from its folder at the first call in a process.

        Raises:
            UnusableVersion: where it cannot be read.
        """
        key = (version.pk, version.manifest_sha256)
        memory = self._all.value
        if (found := memory.kept.get(key)) is not None:
            return found
        with self._lock:
            if (found := memory.kept.get(key)) is not None:
                return found
            failed_at, message = memory.failed.get(key, (0.0, ""))
            if message and time.monotonic() - failed_at < FAILED_SECONDS:
                raise UnusableVersion(message)
            try:
                model = self._read(version)
            except UnusableVersion as error:
                memory.failed[key] = (time.monotonic(), error.detail)
                raise
            memory.failed.pop(key, None)
            while len(memory.kept) >= MOST_LOADED:
                memory.kept.pop(next(iter(memory.kept)))
            memory.kept[key] = model
            return model

    def forget(self) -> None:
        """Load them anew at the next call."""
        self._all.forget_all()
