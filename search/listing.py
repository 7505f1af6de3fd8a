"""A page of a candidate set: filtered, counted by facet, sorted, and moved by the editors' rules.

A set that was looked at whole is listed in memory. Of a larger one only the best are; it is counted
and paged in the database (search.item_sets), and gives the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.models import Profile
from search import facets
from search.candidates import failing_facets, load_candidates
from search.finding import Found, find_inside
from search.fusion import Scored
from search.ordering import sort_scored
from search.rules import arrange
from search.stages import Stages
from search.types import Facet, SearchRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of a set: its first place counts from 0. `kept`: what passes, as far as looked at."""

    total: int
    page: Sequence[Scored]
    start: int
    ordered: Sequence[int]
    kept: set[int]
    facets: tuple[Facet, ...]


def list_page(found: Found, request: SearchRequest, profile: Profile, stages: Stages) -> Listed:
    """The page of the set that is asked for."""
    return (_list_large if found.more else _list)(found, request, profile, stages)


def _list(found: Found, request: SearchRequest, profile: Profile, stages: Stages) -> Listed:
    """A page of a set that was looked at whole."""
    with stages.time("facets"):
        candidates = [one.candidate for one in found.scored]
        passing, counts = facets.count_candidates(candidates, request.filters, profile)
        kept = {candidate.item_id for candidate in passing}
        ordered = sort_scored([s for s in found.scored if s.candidate.item_id in kept], request)
        ordered = _kept(arrange(ordered, found.rules, sort=request.sort), request)
        shown = facets.build_facets(counts, request.filters, profile)
    start = request.start
    return Listed(
        total=len(ordered),
        page=ordered[start : start + request.per_page],
        start=start,
        ordered=[one.candidate.item_id for one in ordered],
        kept=kept,
        facets=shown,
    )


def _list_large(found: Found, request: SearchRequest, profile: Profile, stages: Stages) -> Listed:
    """A page of a set of which only the best were looked at: by filters, those inside them."""
    filters = request.filters
    with stages.time("facets"):
        total, counts = facets.count_rows(found.items.rows(), filters, profile)
        shown = facets.build_facets(counts, filters, profile)
    best = found if filters.is_empty else find_inside(found, request, stages)
    # What a rule pins was not searched for, and may be outside the filters.
    head = [one for one in best.scored if not failing_facets(one.candidate, filters)]
    start = request.start
    with stages.time("page"):
        if request.sort == "relevance":
            top = _kept(arrange(head, found.rules, sort=request.sort), request)
            page = _page_by_relevance(found, top, request, start)
        else:
            ids = found.items.page(filters, sort=request.sort, start=start, count=request.per_page)
            page = top = _scored(ids, head)
    return Listed(
        total=total,
        page=page,
        start=start,
        ordered=[one.candidate.item_id for one in top],
        kept={one.candidate.item_id for one in head},
        facets=shown,
    )


def _kept(ordered: list[Scored], request: SearchRequest) -> list[Scored]:
    """The list in the order that a cursor keeps; what came to it since is left out."""
    if request.offset is None:
        return ordered
    there = {one.candidate.item_id: one for one in ordered}
    kept = [there[item_id] for item_id in request.order if item_id in there]
    scores = sorted((one.score for one in kept), reverse=True)
    return [replace(one, score=score) for one, score in zip(kept, scores, strict=True)]


def _page_by_relevance(
    found: Found, head: Sequence[Scored], request: SearchRequest, start: int
) -> list[Scored]:
    """Of the best, and beyond them of the rest of the set."""
    page = list(head[start : start + request.per_page])
    missing = request.per_page - len(page)
    if not missing:
        return page
    known = [one.candidate.item_id for one in head]
    beyond = max(0, start - len(known))
    ids = found.items.rest(request.filters, known, start=beyond, count=missing)
    return page + _scored(ids, (), below=head[-1].score if head else 1.0, place=beyond)


def _scored(
    ids: Sequence[int], known: Sequence[Scored], *, below: float = 0.0, place: int = 0
) -> list[Scored]:
    """Items in this order, with the scores they have, or ever lower ones below a score."""
    scores = {one.candidate.item_id: one for one in known}
    facts = load_candidates([item_id for item_id in ids if item_id not in scores])
    return [
        scores.get(item_id) or Scored(facts[item_id], "lexical", round(below / (2 + place + at), 9))
        for at, item_id in enumerate(ids)
        if item_id in scores or item_id in facts
    ]
