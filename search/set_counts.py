"""Counts of large sets, kept for as long as they are provably what counting would give.

The key is the statement with its parameters and the catalog's version (search.catalog_changes), so
nothing has to be thrown away when an item changes; the moment of the request is left out, and the
next one at which an item comes or goes by its dates is kept beside the counts instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from catalog.filters import ItemFilters
from catalog.models import Profile
from search import catalog_changes
from search.facet_counts import Rows, count_rows, run
from search.facets import Counts
from search.item_sets import ItemSet

SECONDS = 10 * 60
_NEVER = "never"


def count(items: ItemSet, filters: ItemFilters, profile: Profile) -> tuple[int, Counts]:
    """How many of the set pass the filters, and how often each facet's values occur among them."""
    at = timezone.now()
    version = catalog_changes.version()
    read = run if version is None else _Kept(version=version, at=at)
    return count_rows(items.rows(at), filters, profile, read=read)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Answers a statement from the cache, or asks and keeps; `at` is the moment of the request."""

    version: str
    at: datetime

    def __call__(self, text: str, params: Sequence[Any]) -> Rows:
        key = self._key(text, params)
        kept: Any = cache.get(key)
        if kept is not None and self._is_over(kept["until"]):
            kept = None
        if kept is None:
            # The version was read before: what is counted now is of that catalog or a newer one.
            kept = {"rows": [list(row) for row in run(text, params)], "until": self._until()}
            cache.set(key, kept, SECONDS)
        return [(place, value, items) for place, value, items in kept["rows"]]

    def _key(self, text: str, params: Sequence[Any]) -> str:
        asked = repr([self.version, text, [each for each in params if each != self.at]])
        return f"search:counts:{blake2b(asked.encode(errors='surrogatepass')).hexdigest()}"

    def _until(self) -> str:
        """The next moment at which dates change what is visible, as text; the same for all sets."""
        key = f"search:counts:until:{self.version}"
        known: str | None = cache.get(key)
        if known is None or self._is_over(known):
            moment = catalog_changes.next_change(self.at)
            known = moment.isoformat() if moment else _NEVER
            cache.set(key, known, SECONDS)
        return known

    def _is_over(self, until: str) -> bool:
        return until != _NEVER and datetime.fromisoformat(until) <= self.at
