"""retrieve(): what search finds, for the page and the API alike.

One candidate set answers a query (search.finding). It depends neither on filters nor on the page.
Filters, facet counts, sorting, totals and pages are all computed inside it, so that a total never
changes between pages and a facet's count is what choosing it yields. A set too large to be looked
at whole is counted and paged in the database (search.item_sets), and only its best are ranked. An
empty query browses the whole catalog instead.
"""

from collections.abc import Sequence

from catalog.errors import InvalidInput
from catalog.filters import ItemFilters
from catalog.models import Item, Profile
from catalog.profiles import current_profile
from recs.unified import Choosing
from search import browse, dense
from search.facet_wording import filter_label
from search.finding import Found, Reading, by_words_and_meaning, find, read
from search.fusion import Scored
from search.hits import build_hits
from search.item_sets import ItemSet
from search.listing import Listed, list_page
from search.match_filter import judge
from search.rules import RuleSet, current_rules, tell, without_hidden
from search.stages import Stages
from search.text import MAX_QUERY_CHARACTERS
from search.tsquery import ParsedQuery
from search.types import (
    MAX_AS_WORDS,
    SORTS,
    Facet,
    FacetValue,
    Hit,
    HitSource,
    Retrieved,
    SearchRequest,
    Synonyms,
    Understood,
)
from search.understanding import says_a_value

__all__ = ("Facet", "FacetValue", "Hit", "Retrieved", "SearchRequest", "retrieve")

MAX_PER_PAGE = 100
MAX_DEPTH = 10_000
# A list shorter than this is filled up, outside its count, with what is nearest in meaning.
FEW_HITS = 10
MAX_RELATED = 12
TOP_ITEMS = 50
# A title whose words so many things hold, or that is a value which so many have, is more than one.
MANY = 100
MANY_OF_A_VALUE = 10


def retrieve(
    request: SearchRequest, *, rules: RuleSet | None = None, answering: Choosing | None = None
) -> Retrieved:
    """The page of hits asked for, with totals, facets and what else is near.

    Args:
        request: what is asked.
        rules: the editors' rules; those that are switched on, where others are not to be tried.
        answering: a version of the unified model to look into; by the switch where it is None.

    Raises:
        InvalidInput: names the field of the request that cannot be used.
    """
    check(request)
    stages = Stages()
    profile = current_profile()
    rules = current_rules() if rules is None else rules
    with stages.time("reading"):
        reading = read(request)
    typed = reading.query
    if typed.is_empty:
        applied = rules.applied("", verbatim=request.verbatim)
        return browse.browse(request, typed, profile, stages, applied)
    found = find(reading, request, stages, answering=answering)
    with stages.time("rules"):
        meant = found.reading.query.normalized
        applied = rules.applied(typed.normalized, meant, verbatim=request.verbatim)
        found.obey(applied)
    with stages.time("match_filter"):
        filtered = judge(found, request)
        found.leave_out(filtered.left_out)
    listed = list_page(found, request, profile, stages)
    # What was left out of the list does not come back beside it.
    related = _related(found, request, listed.kept | filtered.left_out, stages)
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
        hits=tell(hits, applied, sort=request.sort),
        related=without_hidden(beside, applied),
        facets=listed.facets,
        top_item_ids=tuple(listed.ordered[:TOP_ITEMS]),
        ordered_ids=tuple(listed.ordered),
        exact_title=_is_one_thing(found, listed),
        stages=stages.milliseconds,
        model_version=found.learned.model_version,
        fallback=found.learned.fallback,
        rules=applied.told(sort=request.sort),
        redirect=applied.redirect,
        banner=applied.banner,
        ranking=found.learned.ranking,
        match_scores=filtered.scores,
        dropped=filtered.logged(),
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


def matching(query: str, filters: ItemFilters) -> int:
    """How many items hold all words of a query inside filters."""
    reading = read(SearchRequest(query=query))
    if reading.query.is_empty:
        return 0
    items = ItemSet(query=reading.words, within=reading.within)
    return items.rows().filter(filters.q()).count()


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
    if request.start + request.per_page > MAX_DEPTH:
        raise InvalidInput(f"Only the first {MAX_DEPTH:,} hits can be paged to.", field="page")
    if request.sort not in SORTS:
        raise InvalidInput(f"Sort by one of: {', '.join(SORTS)}.", field="sort")
    if len(request.as_words) > MAX_AS_WORDS:
        raise InvalidInput(f"At most {MAX_AS_WORDS} times.", field="as_words")


def _is_one_thing(found: Found, listed: Listed) -> bool:
    """Whether the query is a title and hardly anything else.

    "hitchcock" is a film of that name too, and "war" another: who types them may want neither.
    """
    if not any(one.source is HitSource.EXACT_TITLE for one in found.scored):
        return False
    return listed.total < MANY and not says_a_value(found.reading.query.text, least=MANY_OF_A_VALUE)


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
    found: Found, request: SearchRequest, listed: Listed, related: Sequence[dense.DenseMatch]
) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    page, query = listed.page, found.reading.marked
    items = _items([one.candidate.item_id for one in page] + [match.item_id for match in related])
    told = found.learned.told([one.candidate.item_id for one in page])
    hits = [(one.candidate.item_id, one.source, one.score) for one in page]
    beside = [(match.item_id, HitSource.DENSE, max(match.similarity, 0.0)) for match in related]
    typing = request.is_typing
    return (
        build_hits(query, hits, items, first=listed.start + 1, is_typing=typing, told=told),
        build_hits(query, beside, items, first=1, is_typing=typing),
    )


def _items(ids: Sequence[int]) -> dict[int, Item]:
    wanted = Item.objects.visible().filter(pk__in=ids)
    return {item.pk: item for item in wanted.defer("search_vector", "keywords", "content_hash")}
