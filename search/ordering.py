"""Orders of the list other than relevance."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from search.fusion import Scored
from search.text import normalize_query
from search.types import SearchRequest

# Ascending keys; the id at the end makes every order total, so that pages never overlap.
_KEYS: dict[str, Callable[[Scored], Any]] = {
    "newest": lambda s: (-(s.candidate.year or 0), -s.candidate.created),
    "popular": lambda s: (-s.candidate.people, -s.score),
    "title": lambda s: normalize_query(s.candidate.title),
    "price": lambda s: (s.candidate.price is None, s.candidate.price or Decimal(0)),
}


def sort_scored(scored: list[Scored], request: SearchRequest) -> list[Scored]:
    """The candidates in the order asked for; they come in the order of relevance."""
    key = _KEYS.get(request.sort)
    if key is None:
        return scored
    return sorted(scored, key=lambda one: (key(one), one.candidate.item_id))
