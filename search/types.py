"""Values that cross the borders of search: what is asked, and what is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.types import Viewer
from recs.unified import Ranking

SORTS = ("relevance", "newest", "popular", "title", "price")
DEFAULT_PER_PAGE = 24
MAX_AS_WORDS = 20
# So many of the best keep their order from page to page (search.cursors).
MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One request of search, cleaned: what was typed, what is filtered, who looks, which page."""

    query: str = ""
    filters: ItemFilters = field(default_factory=ItemFilters)
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE
    sort: str = "relevance"
    viewer: Viewer = field(default_factory=Viewer)
    is_typing: bool = False
    verbatim: bool = False
    # Parts of the query that say nothing of facets, whatever they could.
    as_words: tuple[str, ...] = ()
    picked_from: str = ""
    surface: str = "search"
    # Where the page before ended, as its answer said (search.cursors).
    cursor: str = ""
    # The order that the first page kept, of how many, and the place that this one begins at.
    order: tuple[int, ...] = ()
    kept_of: int = 0
    offset: int | None = None

    @property
    def start(self) -> int:
        """The place of the first hit, counted from 0."""
        return (self.page - 1) * self.per_page if self.offset is None else self.offset

    @property
    def has_rest(self) -> bool:
        """Whether the set was larger than what of its order was kept."""
        return len(self.order) < self.kept_of


class HitSource(StrEnum):
    """What found an item; the words are those of the log and the API."""

    EXACT_TITLE = "exact_title"
    LEXICAL = "lexical"
    LEXICAL_AND_DENSE = "lexical+dense"
    DENSE = "dense"
    FUZZY_TITLE = "fuzzy_title"
    # Not its own words: those of a query that was written for it and approved.
    WRITTEN = "written"
    # Not its own words: those of facts that were added to it.
    ADDED = "added"
    # Only the unified model found it.
    UNIFIED = "unified"
    # Put there by a rule.
    PINNED = "pinned"
    BROWSE = "browse"

    @property
    def is_lexical(self) -> bool:
        """Whether full text found it, near in meaning or not; a title in full is told apart."""
        return self in (HitSource.LEXICAL, HitSource.LEXICAL_AND_DENSE)

    @property
    def is_dense(self) -> bool:
        """Whether the encoder holds it to be near in meaning."""
        return self in (HitSource.DENSE, HitSource.LEXICAL_AND_DENSE)

    @property
    def is_by_meaning(self) -> bool:
        """Whether nearness in meaning, to the encoder or the model, has a part in it."""
        return self.is_dense or self is HitSource.UNIFIED

    @property
    def is_without_words(self) -> bool:
        """Whether it need not hold one of the words."""
        return self in (HitSource.DENSE, HitSource.UNIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place in the list. `title_marked` and `snippet` are safe HTML.

    matched: what of the item answers the query: "title", "creator", "category", "country",
    "year", "description", the key of an attribute ("cast"), or "meaning".
    reason: a sentence on what the model had for it, "" where none did. explanation: what spoke for
    it by group of features, and the chance of being chosen; {} where no model ranked it.
    rule: the name of the rule that put it where it stands, "" where none did.
    """

    item: Item
    position: int
    source: HitSource
    score: float
    title_marked: str
    snippet: str
    matched: tuple[str, ...]
    reason: str = ""
    explanation: Mapping[str, float] = field(default_factory=dict)
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """One choice within a facet; `count` is what choosing it alone in its facet would leave."""

    value: str
    label: str
    count: int
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """Choices that narrow the list. `bounds`: least and greatest value of a range, else None."""

    key: str
    label: str
    values: tuple[FacetValue, ...]
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Words of a query, and what was searched for beside them."""

    typed: str
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """A rule of the editors' that the answer follows."""

    id: int
    name: str
    action: str


@dataclass(frozen=True, slots=True)
class Banner:
    """What the editors say above a list: plain text, and where on this site it leads, or ""."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """Words of a query that became a filter: `values` as a filter of that facet is written."""

    words: str
    facet: str
    values: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """What search found. `related` stands outside the count: nearest in meaning, labelled so.

    total_relation: "eq" where `total` is exact, "gte" where there are at least so many.
    stages: milliseconds by stage. model_version: of the unified model where it gave the order, else
    "", and `fallback` the code of why not. redirect: where on this site a rule leads who searches
    this; whoever shows the answer goes there, or does not.
    """

    query: str
    normalized: str
    corrected_query: str | None
    total: int
    total_relation: str
    page: int
    per_page: int
    hits: tuple[Hit, ...]
    related: tuple[Hit, ...]
    facets: tuple[Facet, ...]
    top_item_ids: tuple[int, ...]
    exact_title: bool
    stages: Mapping[str, float]
    model_version: str = ""
    fallback: str = "not_asked"
    synonyms: tuple[Synonyms, ...] = ()
    understood: tuple[Understood, ...] = ()
    # The best of the list, in order.
    ordered_ids: tuple[int, ...] = ()
    rules: tuple[AppliedRule, ...] = ()
    redirect: str | None = None
    banner: Banner | None = None
    # What put the hits in order, where the unified model did: queries are ranked in its space.
    ranking: Ranking | None = field(default=None, repr=False, compare=False)
    # By item the chance of a bad match, where the match filter looked; and what it left out, or
    # would have, as the log keeps it.
    match_scores: Mapping[int, float] = field(default_factory=dict, repr=False, compare=False)
    dropped: Sequence[Mapping[str, object]] = field(default=(), repr=False, compare=False)

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.per_page)
