"""What a source of recommendations is given, and what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from catalog.filters import ItemFilters
from recs.history import TasteItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is wanted of a source.

    `taste`: the items to start from, newest first. `excluded`: items that must not come back.
    """

    k: int
    taste: Sequence[TasteItem] = ()
    filters: ItemFilters = field(default_factory=ItemFilters)
    excluded: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An item that a source proposes.

    `score` is 0 to 1 and comparable within the source. `because` is the item of the taste that
    speaks most for it; `people` how many stand behind it. `reason`: a sentence of the source's own.
    `explanation`: what spoke for it, by name, for those who may see it.
    """

    item_id: int
    score: float
    source: str
    because: TasteItem | None = None
    people: int = 0
    reason: str = ""
    explanation: Mapping[str, float] = field(default_factory=dict)


class Recommender(Protocol):
    """At most `k` visible items within the filters, none excluded, none twice, best first."""

    def __call__(self, ask: Ask) -> list[Candidate]:
        """Propose items."""


def ranked(candidates: Sequence[Candidate], k: int) -> list[Candidate]:
    """The best k, ties in order of item."""
    return sorted(candidates, key=lambda found: (-found.score, found.item_id))[:k]
