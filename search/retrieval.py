"""retrieve(): what search finds, for the page and the API alike.

One candidate set answers a query (search.finding). It depends neither on filters nor on the page.
Filters, facet counts, sorting, totals and pages are all computed inside it, so that a total never
changes between pages and a facet's count is what choosing it yields. A set too large to be looked
at whole is counted and paged in the database (search.item_sets), and only its best are ranked. An
empty query browses the whole catalog instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import InvalidInput
from catalog.models import Item, Profile
from catalog.profiles import current_profile
from search import browse, dense, facets
from search.candidates import load_candidates
from search.facet_wording import filter_label
from search.finding import Found, Reading, by_words_and_meaning, find, find_inside, read
from search.fusion import Scored
from search.hits import build_hits
from search.ordering import sort_scored
from search.stages import Stages
from search.text import MAX_QUERY_CHARACTERS
from search.tsquery import ParsedQuery
from search.types import (
    MAX_AS_WORDS,
    SORTS,
    Facet,
    FacetValue,
    Hit,
    Retrieved,
    SearchRequest,
    Synonyms,
    Understood,
)

__all__ = ("Facet", "FacetValue", "Hit", "Retrieved", "SearchRequest", "retrieve")

MAX_PER_PAGE = 100
MAX_DEPTH = 10_000
# A list shorter than this is filled up, outside its count, with what is nearest in meaning.
FEW_HITS = 10
MAX_RELATED = 12
TOP_ITEMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A page of a set: its first place counts from 0. `kept`: what passes, as far as looked at."""

    total: int
    page: Sequence[Scored]
    start: int
    top: Sequence[int]
    kept: set[int]
    facets: tuple[Facet, ...]


def retrieve(request: SearchRequest) -> Retrieved:
    """The page of hits asked for, with totals, facets and what else is near.

    Raises:
        InvalidInput: names the field of the request that cannot be used.
    """
    check(request)
    stages = Stages()
    profile = current_profile()
    with stages.time("reading"):
        reading = read(request)
    if reading.query.is_empty:
        return browse.browse(request, reading.query, profile, stages)
    found = find(reading, request, stages)
    listed = (_list_large if found.more else _list)(found, request, profile, stages)
    related = _related(found, request, listed.kept, stages)
    with stages.time("hits"):
        hits, beside = _build(found, request, listed, related)
    return Retrieved(
        query=reading.query.text,
        normalized=reading.query.normalized,
        corrected_query=found.reading.query.text if found.corrected else None,
        synonyms=_told(found.reading.words),
        understood=_understood(found.reading, profile),
        total=listed.total,
        total_relation="eq",
        page=request.page,
        per_page=request.per_page,
        hits=hits,
        related=beside,
        facets=listed.facets,
        top_item_ids=tuple(listed.top[:TOP_ITEMS]),
        exact_title=any(one.source == "exact_title" for one in found.scored),
        stages=stages.milliseconds,
        model_version=found.learned.model_version,
        fallback=found.learned.fallback,
    )


def candidates_of(request: SearchRequest) -> tuple[list[Scored], ParsedQuery]:
    """What words and meaning find of a query, best first, before any model puts it in order.

    Raises:
        InvalidInput: names the field of the request that cannot be used.
    """
    check(request)
    reading = read(request)
    if reading.query.is_empty:
        return [], reading.query
    found = by_words_and_meaning(reading, request, Stages())
    return found.scored, found.reading.query


def check(request: SearchRequest) -> None:
    """Refuse what cannot be answered.

    Raises:
        InvalidInput: names the field.
    """
    if len(request.query) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(f"A query has at most {MAX_QUERY_CHARACTERS} characters.", field="q")
    if "\x00" in request.query:
        raise InvalidInput("A query cannot hold a NUL character.", field="q")
    if request.page < 1:
        raise InvalidInput("Pages count from 1.", field="page")
    if not 1 <= request.per_page <= MAX_PER_PAGE:
        raise InvalidInput(f"1 to {MAX_PER_PAGE} hits a page.", field="per_page")
    if request.page * request.per_page > MAX_DEPTH:
        raise InvalidInput(f"Only the first {MAX_DEPTH:,} hits can be paged to.", field="page")
    if request.sort not in SORTS:
        raise InvalidInput(f"Sort by one of: {', '.join(SORTS)}.", field="sort")
    if len(request.as_words) > MAX_AS_WORDS:
        raise InvalidInput(f"At most {MAX_AS_WORDS} times.", field="as_words")


def _list(found: Found, request: SearchRequest, profile: Profile, stages: Stages) -> _Listed:
    """A page of a set that was looked at whole."""
    with stages.time("facets"):
        candidates = [one.candidate for one in found.scored]
        passing, counts = facets.count_candidates(candidates, request.filters, profile)
        kept = {candidate.item_id for candidate in passing}
        ordered = sort_scored([s for s in found.scored if s.candidate.item_id in kept], request)
        shown = facets.build_facets(counts, request.filters, profile)
    start = (request.page - 1) * request.per_page
    return _Listed(
        total=len(ordered),
        page=ordered[start : start + request.per_page],
        start=start,
        top=[one.candidate.item_id for one in ordered[:TOP_ITEMS]],
        kept=kept,
        facets=shown,
    )


def _list_large(found: Found, request: SearchRequest, profile: Profile, stages: Stages) -> _Listed:
    """A page of a set of which only the best were looked at: by filters, those inside them."""
    filters = request.filters
    best = found if filters.is_empty else find_inside(found, request, stages)
    with stages.time("facets"):
        total, counts = facets.count_rows(found.items.rows(), filters, profile)
        shown = facets.build_facets(counts, filters, profile)
    start = (request.page - 1) * request.per_page
    with stages.time("page"):
        if request.sort == "relevance":
            page, top = _page_by_relevance(found, best, request, start), best.scored
        else:
            ids = found.items.page(filters, sort=request.sort, start=start, count=request.per_page)
            page = top = _scored(ids, best.scored)
    return _Listed(
        total=total,
        page=page,
        start=start,
        top=[one.candidate.item_id for one in top[:TOP_ITEMS]],
        kept={one.candidate.item_id for one in best.scored},
        facets=shown,
    )


def _page_by_relevance(
    found: Found, best: Found, request: SearchRequest, start: int
) -> list[Scored]:
    """Of the best, and beyond them of the rest of the set."""
    head = best.scored
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


def _told(query: ParsedQuery) -> tuple[Synonyms, ...]:
    return tuple(
        Synonyms(" ".join(part.words), tuple(" ".join(phrase) for phrase in part.phrases))
        for part in query.also
    )


def _understood(reading: Reading, profile: Profile) -> tuple[Understood, ...]:
    return tuple(
        Understood(
            words=span.words,
            facet=span.facet,
            values=tuple(value for _, value in span.filters.as_params()),
            label=filter_label(span.facet, span.wanted or (), profile),
        )
        for span in reading.spans
    )


def _related(
    found: Found, request: SearchRequest, kept: set[int], stages: Stages
) -> list[dense.DenseMatch]:
    """What is nearest in meaning inside the filters, where the list itself is short."""
    filters = found.reading.within.narrowed(request.filters)
    is_narrowed = not filters.is_empty or found.reading.words.phrases or not found.scored
    if len(kept) >= FEW_HITS or request.page > 1 or not is_narrowed:
        return []
    if filters.is_empty:
        return dense.take(found.near, MAX_RELATED, exclude=kept)
    with stages.time("related"):
        return dense.related(found.reading.meaning, k=MAX_RELATED, filters=filters, exclude=kept)


def _build(
    found: Found, request: SearchRequest, listed: _Listed, related: Sequence[dense.DenseMatch]
) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    page, query = listed.page, found.reading.query
    items = _items([one.candidate.item_id for one in page] + [match.item_id for match in related])
    told = found.learned.told([one.candidate.item_id for one in page])
    hits = [(one.candidate.item_id, one.source, one.score) for one in page]
    beside = [(match.item_id, "dense", max(match.similarity, 0.0)) for match in related]
    typing = request.is_typing
    return (
        build_hits(query, hits, items, first=listed.start + 1, is_typing=typing, told=told),
        build_hits(query, beside, items, first=1, is_typing=typing),
    )


def _items(ids: Sequence[int]) -> dict[int, Item]:
    wanted = Item.objects.visible().filter(pk__in=ids)
    return {item.pk: item for item in wanted.defer("search_vector", "keywords", "content_hash")}
