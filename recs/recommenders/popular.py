"""Popular: what many people wanted, of late or ever; and what few found and loved."""

from typing import Any

from recs.models import ItemPopularity, NeighbourVersion
from recs.querysets import visible_item
from recs.recommenders.base import Ask, Candidate

SOURCE = "popular"
GEM_PEOPLE = (3, 25)


def popular(ask: Ask) -> list[Candidate]:
    """Wanted most of late."""
    return _candidates(_rows(ask).order_by("-trending", "item_id"), "trending", ask.k)


def loved_by_many(ask: Ask) -> list[Candidate]:
    """Wanted by most people, whenever."""
    return _candidates(_rows(ask).order_by("-people", "item_id"), "people", ask.k)


def hidden_gems(ask: Ask) -> list[Candidate]:
    """Rated highest among what only few people know."""
    rows = _rows(ask).filter(rating__isnull=False, people__range=GEM_PEOPLE)
    return _candidates(rows.order_by("-rating", "item_id"), "rating", ask.k)


def _rows(ask: Ask) -> Any:
    rows = ItemPopularity.objects.filter(
        visible_item("item__"),
        ask.filters.q("item__"),
        version_id=NeighbourVersion.objects.live_id(),
        people__gt=0,
    )
    return rows.exclude(item_id__in=list(ask.excluded)) if ask.excluded else rows


def _candidates(rows: Any, column: str, k: int) -> list[Candidate]:
    found = list(rows.values_list("item_id", column, "people")[:k])
    top = max((value for _, value, _ in found), default=1.0) or 1.0
    return [
        Candidate(item_id=item_id, score=value / top, source=SOURCE, people=people)
        for item_id, value, people in found
    ]
