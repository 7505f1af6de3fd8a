"""Which of an installation's catalogs the work at hand is about.

Each catalog has a PostgreSQL schema of its own, with all the tables. A request or a task is in one
catalog from its first statement to its last; config/database connects to that schema alone, so that
no statement has to name its catalog, and none can forget to. What a process remembers between
requests is kept for each catalog apart: see PerCatalog.
"""

import re
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.db import connections

# The catalog of an installation that has one, and of requests that name none.
MAIN = "main"
# Where the extensions lie as soon as there are several catalogs: in no catalog.
SHARED_SCHEMA = "foray_shared"
NAME = re.compile(r"[a-z][a-z0-9]{0,29}")

_current: ContextVar[str] = ContextVar("catalog", default=MAIN)
T = TypeVar("T")


class WrongCatalog(RuntimeError):
    """Work of one catalog was about to use a connection of another. A defect, never a user's."""


def current() -> str:
    """The name of the catalog that this thread works in."""
    return _current.get()


def schema_of(name: str) -> str:
    """The schema of a catalog. No other catalog's name can make it: "catalog_" is put before."""
    if name == MAIN:
        return "public"
    if not NAME.fullmatch(name):
        raise ValueError(f"not a catalog's name: {name!r}")
    return f"catalog_{name}"


@contextmanager
def use(name: str) -> Iterator[None]:
    """Work in a catalog for the length of a block.

    Connections go back to the pool of the catalog that they belong to, on the way in and out.
    A thread that is started inside works in MAIN, unless it is run in a copy of this context.

    Raises:
        WrongCatalog: inside a transaction, which belongs to one catalog.
    """
    if name == current():
        yield
        return
    schema_of(name)
    _leave()
    token = _current.set(name)
    try:
        yield
    finally:
        try:
            _leave()
        finally:
            _current.reset(token)


def folder(root: str | Path) -> Path:
    """A catalog's own folder in one that all share: the folder itself for MAIN."""
    return Path(root) if current() == MAIN else Path(root) / "catalogs" / current()


def cache_key(key: str, prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: what one catalog cached is never found by another."""
    name = current()
    return f"{prefix}:{version}:{key}" if name == MAIN else f"{prefix}@{name}:{version}:{key}"


class PerCatalog(Generic[T]):
    """A value that a process keeps between requests, for each catalog apart."""

    _all: "weakref.WeakSet[PerCatalog[Any]]" = weakref.WeakSet()

    def __init__(self, make: Callable[[], T]) -> None:
        """`make` gives what a catalog starts with."""
        self._make = make
        self._all.add(self)
        self._values: dict[str, T] = {}
        self._lock = threading.Lock()

    @property
    def value(self) -> T:
        """This catalog's."""
        name = current()
        if name not in self._values:
            with self._lock:
                self._values.setdefault(name, self._make())
        return self._values[name]

    @value.setter
    def value(self, new: T) -> None:
        self._values[current()] = new

    def forget(self) -> None:
        """Start anew in this catalog."""
        with self._lock:
            self._values.pop(current(), None)

    def forget_all(self) -> None:
        """Start anew in every catalog."""
        with self._lock:
            self._values.clear()

    @classmethod
    def forget_everything_of(cls, name: str) -> None:
        """Start anew in the catalog of that name, in all that this process remembers.

        It was removed: one that is made under its name has nothing in common with it.
        """
        for each in tuple(cls._all):
            with each._lock:
                each._values.pop(name, None)


def _leave() -> None:
    """Give this thread's connections back; those of a transaction cannot be given."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise WrongCatalog("A transaction belongs to one catalog: end it before the next.")
        connection.close()
