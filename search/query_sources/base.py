"""What a source of queries is: one file, one name, one switch.

A source with a generator runs offline (search.query_store); `recent` answers only online, because
what one person typed is never copied into a store that others read.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.conf import settings

from catalog.models import Profile
from search.text import clean_query, normalize_query

# A pill or a completion longer than this is cut by every layout.
MAX_SHOWN_CHARACTERS = 80
# How many answering items are kept with a query, best first, to see at a glance if one is visible.
MAX_WITNESSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuery:
    """One query that a source proposes, with what it was made from and what answers it."""

    text: str
    source: str
    provenance: Mapping[str, object]
    answers_estimate: int
    # 0 to 1 on one scale for all sources: see POPULARITY in search/query_sources/facts.py.
    popularity: float
    # The best answering items, best first.
    witnesses: Sequence[int]
    # "kind:value" for each thing the query speaks of.
    anchors: Sequence[str] = ()
    # How many different people typed it (source log).
    people: int = 0
    normalized: str = field(default="")


class QuerySource(Protocol):
    """A source that generates queries offline."""

    name: str

    def candidates(self, profile: Profile) -> Iterable[CandidateQuery]:
        """Queries this source has to offer for the catalog as it stands, in a stable order."""
        ...


def is_switched_on(name: str) -> bool:
    """Whether a source may be generated and shown (settings.SEARCH_QUERY_SOURCES_OFF)."""
    return name not in settings.SEARCH_QUERY_SOURCES_OFF


def presentable(text: str) -> tuple[str, str] | None:
    """The text fit to be shown and its normal form; None where either is empty or too long."""
    shown = clean_query(text)
    if not shown or len(shown) > MAX_SHOWN_CHARACTERS:
        return None
    normalized = normalize_query(shown)
    return (shown, normalized) if normalized else None


def anchor(kind: str, value: object) -> str:
    """The name of a thing that queries speak of and items have: "creator:Agnès Varda"."""
    return f"{kind}:{value}"[:320]


def split_anchor(name: str) -> tuple[str, str]:
    """Kind and value of an anchor."""
    kind, _, value = name.partition(":")
    return kind, value


def meaning(anchors: Iterable[str]) -> int:
    """A signed 64-bit hash of a set of anchors, 0 for none: equal sets give equal numbers."""
    joined = "\x1f".join(sorted(set(anchors)))
    if not joined:
        return 0
    digest = hashlib.blake2b(joined.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
