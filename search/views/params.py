"""The search page's address: read into a request, and written for every link on the page."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from catalog.errors import InvalidInput
from catalog.filters import (
    ATTRIBUTE,
    FACETS,
    RANGE_FACETS,
    ItemFilters,
    Range,
    parse_filters,
)
from catalog.profiles import filtered_attributes
from catalog.types import Viewer
from search.text import MAX_QUERY_CHARACTERS, clean_query, read_query
from search.types import MAX_AS_WORDS, SORTS, SearchRequest

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """State of the search page, all of it in the address."""

    query: str = ""
    filters: ItemFilters = field(default_factory=ItemFilters)
    page: int = 1
    sort: str = "relevance"
    verbatim: bool = False
    # Parts of the query that mean nothing but their words.
    as_words: tuple[str, ...] = ()
    picked_from: str = ""
    is_typing: bool = False
    path: str = ""
    cursor: str = ""

    def url(self) -> str:
        """The address of this state."""
        told = [("q", self.query)] if self.query else []
        told += self.filters.as_params()
        told += [("sort", self.sort)] if self.sort != "relevance" else []
        told += [("verbatim", "1")] if self.verbatim else []
        told += [("as_words", span) for span in self.as_words]
        told += [("page", str(self.page))] if self.page > 1 else []
        path = self.path or reverse("pages:search")
        return f"{path}?{urlencode(told)}" if told else path

    def at_page(self, page: int) -> "Params":
        """The same list at another page."""
        return replace(self, page=page)

    def with_filters(self, filters: ItemFilters) -> "Params":
        """The same query with other filters, from its first page."""
        return replace(self, filters=filters, page=1)

    def without_value(self, facet: str, value: str) -> "Params":
        """The same with one value of a facet let go."""
        wanted = self.filters.wanted(facet)
        if isinstance(wanted, Range) or wanted is None:
            return self.with_filters(self.filters.without(facet))
        kept = tuple(other for other in wanted if other != value)
        return self.with_filters(self.filters.replaced(facet, kept))

    def taking_as_words(self, span: str) -> "Params":
        """The same query with a part of it that says nothing of facets any more."""
        return replace(self, as_words=tuple(dict.fromkeys([*self.as_words, span])), page=1)

    def request(self, viewer: Viewer, *, surface: str = "search") -> SearchRequest:
        """What is asked of search."""
        return SearchRequest(
            query=self.query,
            filters=self.filters,
            page=self.page,
            sort=self.sort,
            viewer=viewer,
            is_typing=self.is_typing,
            verbatim=self.verbatim,
            as_words=self.as_words,
            picked_from=self.picked_from,
            surface=surface,
            cursor=self.cursor,
        )


def read_params(data: QueryDict) -> Params:
    """State from the address; what cannot be a page or an order falls back to the first.

    Raises:
        InvalidInput: the query is too long, or a range cannot be read.
    """
    query = _query(data.get("q", ""))
    sort = data.get("sort", "")
    return Params(
        query=query,
        filters=parse_filters(_facets(data), attributes=filtered_attributes()),
        page=read_page(data.get("page", "")),
        sort=sort if sort in SORTS else "relevance",
        verbatim=data.get("verbatim") == "1",
        as_words=_spans(data),
        picked_from=data.get("from", "")[:40],
        is_typing=data.get("typing") == "1",
        cursor=data.get("cursor", "")[:40],
    )


def _query(text: str) -> str:
    try:
        return read_query(text)
    except InvalidInput as error:
        raise InvalidInput(
            f"{error.detail} Shorten it to {MAX_QUERY_CHARACTERS}: its first words are kept above.",
            field="q",
        ) from error


def read_page(text: str) -> int:
    """A page's number; the first where the text is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return 1
    return min(max(int(text), 1), MAX_PAGE)


def query_url(text: str, *, source: str = "") -> str:
    """The address of a query, with the source it was picked from."""
    told = {"q": text} | ({"from": source} if source else {})
    return f"{reverse('pages:search')}?{urlencode(told)}"


def _spans(data: QueryDict) -> tuple[str, ...]:
    """Parts of the query to be taken as words; what cannot be one is left out."""
    given = (clean_query(span) for span in data.getlist("as_words")[:MAX_AS_WORDS])
    return tuple(dict.fromkeys(span for span in given if 0 < len(span) <= MAX_QUERY_CHARACTERS))


def _facets(data: QueryDict) -> dict[str, list[str]]:
    """Facets as filters read them; two fields of the form make one range."""
    attributes = [f"{ATTRIBUTE}{key}" for key in filtered_attributes()]
    facets = {key: data.getlist(key) for key in (*FACETS, *attributes)}
    for key in (*RANGE_FACETS, *attributes):
        low, high = (data.get(f"{key}_{end}", "").strip() for end in ("from", "to"))
        if low or high:
            facets[key] = [f"{low}..{high}"]
    return facets
