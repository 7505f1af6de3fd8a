"""The ban list: phrases and patterns that no query that is shown may hold, held in memory.

It counts wherever queries are generated and at the moment each is shown (search.answerable), from
the next request on. What is banned may still be searched by hand; it is suggested to nobody.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.db import connection

from catalog.scope import PerCatalog
from search.models import BannedPattern, Rule
from search.rule_patterns import ANY, fits, read_patterns

# Tells whether anything changed; part of the statement that looks at queries anyway.
VERSION = (
    "(SELECT count(*) || ' ' || coalesce(max(updated_at)::text, '') FROM search_bannedpattern)"
)


@dataclass(frozen=True, slots=True)
class Bans:
    """Phrases, word for word anywhere in a query, and patterns that a whole query fits."""

    phrases: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, stated: Iterable[str]) -> Self:
        """What is stated, in normal form, each as what it is."""
        lines = frozenset(stated)
        patterns = frozenset(line for line in lines if ANY in line)
        return cls(lines - patterns, patterns)

    def holds(self, normalized: str) -> bool:
        """Whether a query, in normal form, is banned."""
        return fits(Rule.Match.HOLDS, self.phrases, normalized) or fits(
            Rule.Match.PATTERN, self.patterns, normalized
        )


_lock = threading.Lock()
_NONE: tuple[str, Bans] = ("0 ", Bans())
_loaded = PerCatalog(lambda: _NONE)


def read_ban(line: str) -> str:
    """A phrase or a pattern in normal form.

    Raises:
        InvalidInput: names `patterns`, and says what is wrong with it.
    """
    match = Rule.Match.PATTERN if ANY in line else Rule.Match.HOLDS
    return read_patterns(match, [line])[0]


def current_bans(version: str | None = None) -> Bans:
    """The ban list as it is now.

    Args:
        version: what VERSION gave, where a statement has read it; else one cheap statement does.
    """
    if version is None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {VERSION}")
            version = str(cursor.fetchone()[0])
    if version != _loaded.value[0]:
        with _lock:
            if version != _loaded.value[0]:
                stated = BannedPattern.objects.values_list("pattern", flat=True)
                _loaded.value = (version, Bans.of(stated))
    return _loaded.value[1]
