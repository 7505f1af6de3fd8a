"""retrieve(): what search finds, for the page and the API alike.

One candidate set answers a query: the items that match its words, capped at 1,000, and those
nearest in meaning. It depends neither on filters nor on the page. Filters, facet counts, sorting,
totals and pages are all computed inside it, so that a total never changes between pages and a
facet's count is what choosing it yields. An empty query browses the whole catalog instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from catalog.errors import InvalidInput
from catalog.models import Item
from catalog.profiles import current_profile
from search import browse, collection_titles, dense, facets, lexical, like, spelling, tsquery
from search.candidates import load_candidates
from search.fusion import Scored, fuse
from search.hits import build_hits
from search.learned import Learned, reorder
from search.ordering import sort_scored
from search.rules import RuleSet, arrange, current_rules, join, tell, without_hidden
from search.stages import Stages
from search.synonyms import synonyms
from search.text import MAX_QUERY_CHARACTERS
from search.tsquery import FILLERS, ParsedQuery
from search.types import (
    SORTS,
    Facet,
    FacetValue,
    Hit,
    Retrieved,
    SearchRequest,
    Synonyms,
)

__all__ = ("Facet", "FacetValue", "Hit", "Retrieved", "SearchRequest", "retrieve")

MAX_PER_PAGE = 100
MAX_DEPTH = 10_000
# A list shorter than this is filled up, outside its count, with what is nearest in meaning.
FEW_HITS = 10
MAX_RELATED = 12
TOP_ITEMS = 50
# Half a word has no meaning yet.
LEAST_CHARACTERS_FOR_MEANING = 3


@dataclass(slots=True)
class _Found:
    """What the words and the meaning of a query found, before filters."""

    query: ParsedQuery
    corrected: bool = False
    matches: list[lexical.LexicalMatch] = field(default_factory=list)
    near: list[dense.DenseMatch] = field(default_factory=list)
    scored: list[Scored] = field(default_factory=list)
    more: bool = False
    learned: Learned = field(default_factory=lambda: Learned(scored=[], fallback="not_asked"))


def retrieve(request: SearchRequest, *, rules: RuleSet | None = None) -> Retrieved:
    """The page of hits asked for, with totals, facets and what else is near.

    Args:
        request: what is asked.
        rules: the editors' rules; those that are switched on, where others are not to be tried.

    Raises:
        InvalidInput: names the field of the request that cannot be used.
    """
    check(request)
    stages = Stages()
    profile = current_profile()
    query = _read(request)
    rules = current_rules() if rules is None else rules
    if query.is_empty:
        applied = rules.applied("", verbatim=request.verbatim)
        return browse.browse(request, query, profile, stages, applied)
    found = _find(query, request, stages)
    with stages.time("rules"):
        applied = rules.applied(query.normalized, found.query.normalized, verbatim=request.verbatim)
        unwanted = tsquery.excluded_terms(found.query)
        found.scored = join(found.scored, applied, excluded=unwanted)
    with stages.time("facets"):
        candidates = [one.candidate for one in found.scored]
        passing, counts = facets.count_candidates(candidates, request.filters, profile)
        kept = {candidate.item_id for candidate in passing}
        ordered = sort_scored([s for s in found.scored if s.candidate.item_id in kept], request)
        ordered = arrange(ordered, applied, sort=request.sort)
        shown_facets = facets.build_facets(counts, request.filters, profile)
    start = (request.page - 1) * request.per_page
    page = ordered[start : start + request.per_page]
    related = _related(found, request, kept, stages)
    with stages.time("hits"):
        hits, beside = _build(found, request, page, related, start)
    return Retrieved(
        query=query.text,
        normalized=query.normalized,
        corrected_query=found.query.text if found.corrected else None,
        synonyms=_told(found.query),
        total=len(ordered),
        total_relation="gte" if found.more else "eq",
        page=request.page,
        per_page=request.per_page,
        hits=tell(hits, applied, sort=request.sort),
        related=without_hidden(beside, applied),
        facets=shown_facets,
        top_item_ids=tuple(one.candidate.item_id for one in ordered[:TOP_ITEMS]),
        exact_title=any(one.source == "exact_title" for one in found.scored),
        stages=stages.milliseconds,
        model_version=found.learned.model_version,
        fallback=found.learned.fallback,
        rules=applied.told(sort=request.sort),
        redirect=applied.redirect,
        banner=applied.banner,
    )


def _told(query: ParsedQuery) -> tuple[Synonyms, ...]:
    return tuple(
        Synonyms(" ".join(part.words), tuple(" ".join(phrase) for phrase in part.phrases))
        for part in query.also
    )


def candidates_of(request: SearchRequest) -> tuple[list[Scored], ParsedQuery]:
    """What words and meaning find of a query, best first, before any model puts it in order.

    Raises:
        InvalidInput: names the field of the request that cannot be used.
    """
    check(request)
    query = _read(request)
    if query.is_empty:
        return [], query
    found = _Found(query)
    stages = Stages()
    _by_words_and_meaning(found, request, stages)
    return found.scored, found.query


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


def _find(query: ParsedQuery, request: SearchRequest, stages: Stages) -> _Found:
    """The candidate set of a query, best first. Neither filters nor page change it."""
    found = _Found(query)
    # "films like Rear Window": no item holds those words, and its neighbours are what is asked.
    found.scored = _like(request, stages)
    if found.scored:
        return found
    _by_words_and_meaning(found, request, stages)
    with stages.time("unified"):
        found.learned = reorder(found.scored, found.query, request)
        found.scored = found.learned.scored
    return found


def _read(request: SearchRequest) -> ParsedQuery:
    """The query taken apart; asked word for word it stands for nothing else."""
    return tsquery.parse(
        request.query,
        fillers=FILLERS | _nouns(),
        synonyms={} if request.verbatim else synonyms(),
    )


def _nouns() -> set[str]:
    profile = current_profile()
    return {profile.item_noun.casefold(), profile.item_noun_plural.casefold()}


def _by_words_and_meaning(found: _Found, request: SearchRequest, stages: Stages) -> None:
    _match_words(found, request, stages)
    text = found.query.asked
    if len(text) >= LEAST_CHARACTERS_FOR_MEANING:
        with stages.time("dense"):
            found.near = dense.nearest(text)
    with stages.time("fusion"):
        found.scored = _fused(found)


def _like(request: SearchRequest, stages: Stages) -> list[Scored]:
    """The neighbours of the item that a query such as "films like X" names; else none."""
    with stages.time("like"):
        near = [] if request.verbatim else like.nearest(request.query)
        facts = load_candidates([item_id for item_id, _ in near])
    return [
        Scored(facts[item_id], "dense", round(min(1.0, max(0.0, similarity)), 6))
        for item_id, similarity in near
        if item_id in facts
    ]


def _match_words(found: _Found, request: SearchRequest, stages: Stages) -> None:
    with stages.time("lexical"):
        matches = lexical.match_all_terms(found.query, last_is_prefix=request.is_typing)
        matches = matches or collection_titles.match_collection(found.query.normalized)
    if not matches and not request.verbatim:
        with stages.time("spelling"):
            correction = spelling.find_correction(found.query)
        if correction is not None:
            found.query, found.corrected = correction.query, True
            matches = correction.matches
    found.more = len(matches) > lexical.MAX_MATCHES
    found.matches = matches[: lexical.MAX_MATCHES]
    if not matches or (len(matches) < lexical.FEW_MATCHES and not found.corrected):
        with stages.time("lexical_wide"):
            found.matches = matches + lexical.match_most_terms(found.query)


def _fused(found: _Found) -> list[Scored]:
    """Scores of the lexical matches and of those dense ones that can be believed."""
    kept = dense.cut(found.near)
    ids = {match.item_id for match in found.matches}
    if _is_meaning_believed(found, kept):
        ids |= {match.item_id for match in kept}
    facts = load_candidates(ids, excluded=tsquery.excluded_terms(found.query))
    scored = fuse(
        found.query,
        lexical=found.matches,
        dense=found.near,
        candidates=facts,
        near_enough=len(kept),
    )
    exact = {s.candidate.item_id for s in scored if s.source == "exact_title"}
    if exact:
        close = {match.item_id for match in dense.cut_beside_exact(found.near, exact)}
        scored = [s for s in scored if s.source != "dense" or s.candidate.item_id in close]
    return scored


def _is_meaning_believed(found: _Found, kept: Sequence[dense.DenseMatch]) -> bool:
    """Whether items that share no word with the query may be in its list.

    Not where a phrase in quotes demands the words themselves; nor where words matched and none of
    those items is near in meaning: then the encoder did not understand the query (a foreign
    title, a rare name), and its neighbours are chance.
    """
    if found.query.phrases:
        return False
    by_words = {match.item_id for match in found.matches if match.kind == "all"}
    return not by_words or any(match.item_id in by_words for match in kept)


def _related(
    found: _Found, request: SearchRequest, kept: set[int], stages: Stages
) -> list[dense.DenseMatch]:
    """What is nearest in meaning inside the filters, where the list itself is short."""
    is_narrowed = not request.filters.is_empty or found.query.phrases or not found.scored
    if len(kept) >= FEW_HITS or request.page > 1 or not is_narrowed:
        return []
    if request.filters.is_empty:
        return dense.take(found.near, MAX_RELATED, exclude=kept)
    with stages.time("related"):
        return dense.related(
            found.query.asked, k=MAX_RELATED, filters=request.filters, exclude=kept
        )


def _build(
    found: _Found,
    request: SearchRequest,
    page: Sequence[Scored],
    related: Sequence[dense.DenseMatch],
    start: int,
) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    ids = [one.candidate.item_id for one in page] + [match.item_id for match in related]
    items, query = _items(ids), found.query
    told = found.learned.told([one.candidate.item_id for one in page])
    hits = [(one.candidate.item_id, one.source, one.score) for one in page]
    beside = [(match.item_id, "dense", max(match.similarity, 0.0)) for match in related]
    return (
        build_hits(query, hits, items, first=start + 1, is_typing=request.is_typing, told=told),
        build_hits(query, beside, items, first=1, is_typing=request.is_typing),
    )


def _items(ids: Sequence[int]) -> dict[int, Item]:
    wanted = Item.objects.visible().filter(pk__in=ids)
    return {item.pk: item for item in wanted.defer("search_vector", "keywords", "content_hash")}
