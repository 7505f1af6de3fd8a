"""The approved synonyms, held in memory: what each phrase of a query may stand for as well.

They are applied to the query, never to the index: a set counts from the next search on, and no
further than one step, so that sets that speak of each other make no loop.
"""

import threading
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Max

from catalog.scope import PerCatalog
from search.models import Synonym
from search.synonym_sets import SynonymSet
from search.tsquery import Phrase, SynonymTable

# What one phrase may stand for, over all sets.
MAX_MEANINGS = 20

Version = tuple[int, datetime | None]
_lock = threading.Lock()
_NONE: tuple[Version, SynonymTable] = ((0, None), {})
_loaded = PerCatalog(lambda: _NONE)


def synonyms() -> SynonymTable:
    """Those approved now; one cheap statement tells whether anything changed."""
    approved = Synonym.objects.filter(review=Synonym.Review.APPROVED)
    row = approved.aggregate(count=Count("pk"), latest=Max("updated_at"))
    version = (row["count"], row["latest"])
    if version != _loaded.value[0]:
        with _lock:
            if version != _loaded.value[0]:
                _loaded.value = (version, approved_table())
    return _loaded.value[1]


def approved_table(*, without: int | None = None) -> SynonymTable:
    """What is approved now, as stored; `without` leaves out one set, to see what it changes."""
    rows = Synonym.objects.filter(review=Synonym.Review.APPROVED).order_by("pk")
    kept = rows.exclude(pk=without) if without else rows
    return table_of(set_of(row) for row in kept.only("words", "finds"))


def table_of(sets: Iterable[SynonymSet]) -> SynonymTable:
    """What each phrase finds as well, in the order of the sets."""
    found: dict[Phrase, dict[Phrase, None]] = {}
    for each in sets:
        for typed, other in each.pairs:
            found.setdefault(tuple(typed.split()), {})[tuple(other.split())] = None
    return {typed: tuple(others)[:MAX_MEANINGS] for typed, others in found.items()}


def set_of(row: Synonym) -> SynonymSet:
    """What a stored row states."""
    return SynonymSet(words=tuple(row.words), finds=tuple(row.finds))
