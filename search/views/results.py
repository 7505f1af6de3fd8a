"""An answer of search made ready to be printed: hits, chips, facets, links to other pages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from urllib.parse import urlencode

from django.utils.safestring import SafeString, mark_safe

from catalog.filters import Range
from catalog.models import Profile
from search.answer import SearchAnswer
from search.facet_wording import filter_label
from search.types import Facet, FacetValue, Hit, HitSource, Retrieved
from search.views.cards import Card, Trail, card
from search.views.params import Params

OPEN_VALUES = 8
MOST_WORDS_LET_GO = 6
SORT_LABELS = {
    "relevance": "Best match",
    "popular": "Most loved",
    "newest": "Newest",
    "title": "Title",
    "price": "Price",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HitCard:
    """One hit: a card, its marked title and snippet, and why it is here."""

    card: Card
    title_marked: SafeString
    snippet: SafeString
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One active filter and the address without it; `words`: of the query, which say it."""

    label: str
    url: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value to tick. The id follows the value, so the focus stays when the order changes."""

    id: str
    facet: FacetValue


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetField:
    """One facet as a fieldset: choices to tick, or the two ends of a range."""

    key: str
    label: str
    first: tuple[Choice, ...]
    more: tuple[Choice, ...]
    is_range: bool
    low: str = ""
    high: str = ""
    least: str = ""
    greatest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything the list of results prints beside the pills."""

    hits: tuple[HitCard, ...]
    related: tuple[HitCard, ...]
    chips: tuple[Chip, ...]
    understood: tuple[Chip, ...]
    facets: tuple[FacetField, ...]
    sorts: tuple[tuple[str, str, bool], ...]
    total: int
    is_at_least: bool
    number: int
    pages: int
    next_url: str
    # The same page in the order of this one, while that is kept.
    onward_url: str
    previous_url: str
    first_url: str
    all_url: str


def results_page(answer: SearchAnswer, params: Params, profile: Profile) -> Page:
    """The answer, ready to be printed."""
    found = answer.retrieved
    trail = Trail(surface=params_surface(params), query_id=answer.query_id)
    near = Trail(surface="related", query_id=answer.query_id)
    number = found.page
    next_url = params.at_page(number + 1).url() if number < found.pages else ""
    return Page(
        hits=_cards(found.hits, profile, trail),
        related=_cards(found.related, profile, near),
        chips=chips(params, profile),
        understood=understood_chips(found, params),
        facets=tuple(_field(facet, params) for facet in found.facets if _is_useful(facet, params)),
        sorts=_sorts(params, profile),
        total=found.total,
        is_at_least=found.total_relation == "gte",
        number=number,
        pages=found.pages,
        next_url=next_url,
        onward_url=_onward(next_url, answer.next_cursor),
        previous_url=params.at_page(min(number - 1, found.pages)).url() if number > 1 else "",
        first_url=params.at_page(1).url(),
        all_url=params.with_filters(type(params.filters)()).url(),
    )


def _onward(url: str, cursor: str) -> str:
    return f"{url}&{urlencode({'cursor': cursor})}" if url and cursor else url


def params_surface(params: Params) -> str:
    """The surface: "browse" where the list has an address of its own, else "search"."""
    return "browse" if params.path else "search"


def chips(params: Params, profile: Profile) -> tuple[Chip, ...]:
    """One chip for each active filter."""
    found = []
    for facet in params.filters.facets():
        wanted = params.filters.wanted(facet)
        values = [wanted] if isinstance(wanted, Range) else [(value,) for value in wanted or ()]
        for value in values:
            gone = params.without_value(facet, "" if isinstance(value, Range) else value[0])
            found.append(Chip(label=filter_label(facet, value, profile), url=gone.url()))
    return tuple(found)


def understood_chips(found: Retrieved, params: Params) -> tuple[Chip, ...]:
    """One chip for each part of the query that became a filter."""
    return tuple(
        Chip(
            label=each.label,
            url=params.taking_as_words(each.words).url(),
            words=each.words if each.words.casefold() != each.label.casefold() else "",
        )
        for each in found.understood
    )


def _cards(hits: Iterable[Hit], profile: Profile, trail: Trail) -> tuple[HitCard, ...]:
    return tuple(
        HitCard(
            card=card(hit.item, profile, trail=trail, position=hit.position),
            # Both are written by search.highlight, which escapes what it marks.
            title_marked=mark_safe(hit.title_marked),  # noqa: S308
            snippet=mark_safe(_snippet(hit)),  # noqa: S308
            why=_why(hit, profile),
        )
        for hit in hits
    )


def _snippet(hit: Hit) -> str:
    """A summary stands for the description's beginning, but not for the part that matches."""
    return "" if hit.item.summary and "<mark>" not in hit.snippet else hit.snippet


def _why(hit: Hit, profile: Profile) -> str:
    """Who put it here, what of it answers the query, what the model had for it; true sentences."""
    told = f"{hit.reason}." if hit.reason else ""
    # Words are told of by their fields already.
    told = "" if told.startswith("Its words") else told
    picked = "Picked by the editors." if hit.source is HitSource.PINNED else ""
    return " ".join(filter(None, [picked, _matched(hit, profile), told]))


def _matched(hit: Hit, profile: Profile) -> str:
    names = {"creator": profile.creator_noun, "category": profile.category_noun}
    words = [names.get(part, part.replace("_", " ")) for part in hit.matched if part != "meaning"]
    if hit.source is HitSource.EXACT_TITLE:
        return "This is its title."
    if hit.source is HitSource.FUZZY_TITLE:
        return "Its title is spelled almost like this."
    means = "meaning" in hit.matched or hit.source.is_dense
    if words:
        also = ", and it is close in meaning" if means else ""
        return f"Your words stand in its {_listed(words)}{also}."
    return "It is close in meaning to what you typed." if means else ""


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _is_useful(facet: Facet, params: Params) -> bool:
    if facet.bounds is None:
        return bool(facet.values)
    return params.filters.wanted(facet.key) is not None or facet.bounds[0] < facet.bounds[1]


def _field(facet: Facet, params: Params) -> FacetField:
    values = [
        Choice(id=f"f-{facet.key}-{_short_hash(value.value)}", facet=value)
        for value in sorted(facet.values, key=lambda value: not value.is_selected)
    ]
    wanted = params.filters.wanted(facet.key)
    bounds = wanted if isinstance(wanted, Range) else Range()
    return FacetField(
        key=facet.key,
        label=facet.label,
        first=tuple(values[:OPEN_VALUES]),
        more=tuple(values[OPEN_VALUES:]),
        is_range=facet.bounds is not None or isinstance(wanted, Range),
        low="" if bounds.low is None else f"{bounds.low:f}",
        high="" if bounds.high is None else f"{bounds.high:f}",
        least=f"{facet.bounds[0]:g}" if facet.bounds else "",
        greatest=f"{facet.bounds[1]:g}" if facet.bounds else "",
    )


def _short_hash(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=5).hexdigest()


def _sorts(params: Params, profile: Profile) -> tuple[tuple[str, str, bool], ...]:
    left_out = set() if profile.range_facet == "price" else {"price"}
    if not params.query:
        left_out.add("relevance")
    kept = {key: label for key, label in SORT_LABELS.items() if key not in left_out}
    chosen = params.sort if params.sort in kept else next(iter(kept))
    return tuple((key, label, key == chosen) for key, label in kept.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOn:
    """A filter that could be let go, and what that would give."""

    label: str
    url: str
    total: int


def relaxations(params: Params) -> tuple[Params, ...]:
    """The same search with one facet let go, for each facet that is set."""
    return tuple(
        replace(params, filters=params.filters.without(facet), page=1)
        for facet in params.filters.facets()
    )


def words_let_go(params: Params) -> tuple[tuple[str, Params], ...]:
    """The same search without each of its words in turn; few words are worth it."""
    words = params.query.split()
    if not 2 <= len(words) <= MOST_WORDS_LET_GO:
        return ()
    return tuple(
        (word, replace(params, query=" ".join(words[:at] + words[at + 1 :]), page=1))
        for at, word in enumerate(words)
    )
