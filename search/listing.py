"""A page of a candidate set: filtered, counted by facet, sorted, and moved by the editors' rules.

A set that was looked at whole is listed in memory. Of a larger one only the best are; it is counted
and paged in the database (search.item_sets), and gives the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.models import Profile
from search import facets, set_counts
from search.candidates import failing_facets, load_candidates
from search.finding import Found, find_inside
from search.fusion import Scored
from search.ordering import sort_scored
from search.rules import arrange
from search.stages import Stages
from search.types import MOST_KEPT, Facet, HitSource, SearchRequest


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
        ordered = arrange(ordered, found.rules, sort=request.sort)
        shown = facets.build_facets(counts, request.filters, profile)
    return Listed(
        total=len(ordered),
        page=_page(ordered, request),
        start=request.start,
        ordered=[one.candidate.item_id for one in ordered],
        kept=kept,
        facets=shown,
    )


def _list_large(found: Found, request: SearchRequest, profile: Profile, stages: Stages) -> Listed:
    """A page of a set of which only the best were looked at: by filters, those inside them."""
    filters = request.filters
    with stages.time("facets"):
        total, counts = set_counts.count(found.items, filters, profile)
        shown = facets.build_facets(counts, filters, profile)
    best = found if filters.is_empty else find_inside(found, request, stages)
    # What a rule pins was not searched for, and may be outside the filters.
    head = [one for one in best.scored if not failing_facets(one.candidate, filters)]
    more: list[int] = []
    with stages.time("page"):
        top = arrange(head, found.rules, sort=request.sort)
        if request.offset is not None:
            page = _scored(_ids(found, request, request.per_page), top)
        elif request.sort == "relevance":
            page = _page_by_relevance(found, top, request, request.start)
            more = _after(found, top, request) if request.start == 0 else []
        else:
            # The first page is read with what follows it, for the cursor to keep.
            ids = _ids(found, request, MOST_KEPT if request.start == 0 else request.per_page)
            top = _scored(ids, top)
            page = top[: request.per_page]
    return Listed(
        total=total,
        page=page,
        start=request.start,
        ordered=[*(one.candidate.item_id for one in top), *more],
        kept={one.candidate.item_id for one in head},
        facets=shown,
    )


def _page(ordered: Sequence[Scored], request: SearchRequest) -> list[Scored]:
    """A page of a list; by a cursor in the order that it keeps, without what came since."""
    start, count = request.start, request.per_page
    if request.offset is None:
        return list(ordered[start : start + count])
    wanted = request.order[start : start + count]
    there = {one.candidate.item_id: one for one in ordered}
    page = [there[item_id] for item_id in wanted if item_id in there]
    if len(wanted) < count and request.has_rest:
        known, beyond = set(request.order), max(0, start - len(request.order))
        rest = [one for one in ordered if one.candidate.item_id not in known]
        page += rest[beyond : beyond + count - len(wanted)]
    scores = sorted((one.score for one in page), reverse=True)
    return [replace(one, score=score) for one, score in zip(page, scores, strict=True)]


def _ids(found: Found, request: SearchRequest, count: int) -> list[int]:
    """A page of a large set as the database sorts it, or as a cursor keeps it."""
    sort = "popular" if request.sort == "relevance" else request.sort
    return found.items.page(request, sort=sort, count=count)


def _after(found: Found, head: Sequence[Scored], request: SearchRequest) -> list[int]:
    """What follows the best, as far as a cursor keeps it."""
    missing = MOST_KEPT - len(head)
    known = [one.candidate.item_id for one in head]
    return found.items.rest(request.filters, known, start=0, count=missing) if missing > 0 else []


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
        scores.get(item_id)
        or Scored(facts[item_id], HitSource.LEXICAL, round(below / (2 + place + at), 9))
        for at, item_id in enumerate(ids)
        if item_id in scores or item_id in facts
    ]
