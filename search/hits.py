"""Hits: ranked items dressed for the page and the API."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from catalog.models import Item
from search.highlight import mark, marker_for, matched_fields, snippet
from search.tsquery import ParsedQuery
from search.types import Hit, HitSource


class Told(NamedTuple):
    """What a model had for an item: a sentence, and numbers by group of features."""

    reason: str
    explanation: Mapping[str, float]


# Whatever else a model may say of it: without this the hit would look like a mistake.
BY_A_WRITTEN_QUERY = "Found by a search that was written for it"
BY_AN_ADDED_FACT = "Found by what was added to it, not by its own words"
_BESIDE = {HitSource.WRITTEN: BY_A_WRITTEN_QUERY, HitSource.ADDED: BY_AN_ADDED_FACT}


def build_hits(
    query: ParsedQuery,
    ranked: Sequence[tuple[int, HitSource, float]],
    items: Mapping[int, Item],
    *,
    first: int,
    is_typing: bool = False,
    told: Mapping[int, Told] | None = None,
) -> tuple[Hit, ...]:
    """Hits of (item id, source, score) rows in their order; positions count on from `first`.

    Items that were hidden since they were ranked are left out.
    """
    title_marker = marker_for(query, is_typing=is_typing, whole=True)
    marker = marker_for(query, is_typing=is_typing)
    return tuple(
        Hit(
            item=items[item_id],
            position=position,
            source=source,
            score=score,
            title_marked=mark(items[item_id].title, title_marker),
            snippet=snippet(items[item_id], marker),
            reason=_reason(source, told.get(item_id) if told else None),
            explanation=told[item_id].explanation if told and item_id in told else {},
            matched=matched_fields(items[item_id], marker, by_meaning=source.is_by_meaning),
        )
        for position, (item_id, source, score) in enumerate(ranked, start=first)
        if item_id in items
    )


def _reason(source: HitSource, told: Told | None) -> str:
    return _BESIDE.get(source) or (told.reason if told else "")
