"""Lexical retrieval: items by their words, in PostgreSQL full text, and titles by their look."""

from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramSimilarity
from django.db.models import F, FloatField, Q, Value
from django.db.models.functions import Coalesce, Lower

from catalog.models import Item
from catalog.querysets import ItemQuerySet
from search import tsquery
from search.tsquery import ParsedQuery

MAX_MATCHES = 1_000
# Fewer matches of all terms than this, and matches of most terms are looked for as well.
FEW_MATCHES = 10
MAX_WIDE_MATCHES = 100
# Weights of description, keywords, creators, title. A word of the title outweighs two elsewhere.
WEIGHTS = [0.05, 0.3, 0.5, 1.0]
# pg_trgm's similarity of a title to a query. "face off" is 1.0 to "Face/Off"; "sad robot" is 0.5 to
# "I, Robot", which nobody mistyped.
LEAST_TITLE_SIMILARITY = 0.55


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """One item and how it matched.

    kind: "all" terms, "most" terms, or "title" (its letters resemble the query's).
    """

    item_id: int
    kind: str
    rank: float


def match_all_terms(query: ParsedQuery, *, last_is_prefix: bool = False) -> list[LexicalMatch]:
    """Visible items with every term, best first; one more than MAX_MATCHES says there are more."""
    text = tsquery.all_terms(query, last_is_prefix=last_is_prefix)
    if not text:
        return []
    rows = _ranked(query).filter(search_vector=_raw(text)).order_by("-match_rank", "id")
    found = rows.values_list("id", "match_rank")[: MAX_MATCHES + 1]
    return [LexicalMatch(item_id, "all", rank) for item_id, rank in found]


def match_most_terms(query: ParsedQuery) -> list[LexicalMatch]:
    """Visible items with most terms, or whose title resembles the query; best first."""
    text = tsquery.most_terms(query)
    if not text:
        return []
    title = " ".join(query.content_words)
    condition = Q(search_vector=_raw(text))
    rows = _ranked(query).annotate(resemblance=Value(0.0, output_field=FloatField()))
    if title and not query.phrases and not query.excluded:
        rows = rows.alias(lower_title=Lower("title")).annotate(
            resemblance=TrigramSimilarity(Lower("title"), title)
        )
        condition |= Q(lower_title__trigram_similar=title)
    found = (
        rows.filter(condition)
        .order_by((F("match_rank") + F("resemblance")).desc(), "id")
        .values_list("id", "match_rank", "resemblance")[:MAX_WIDE_MATCHES]
    )
    return [match for row in found if (match := _wide_match(*row)) is not None]


def _wide_match(item_id: int, rank: float, resemblance: float) -> LexicalMatch | None:
    if resemblance >= LEAST_TITLE_SIMILARITY:
        return LexicalMatch(item_id, "title", rank + resemblance)
    return LexicalMatch(item_id, "most", rank) if rank > 0 else None


def _ranked(query: ParsedQuery) -> ItemQuerySet:
    rank = SearchRank(F("search_vector"), _raw(tsquery.any_term(query)), weights=WEIGHTS)
    visible: ItemQuerySet = Item.objects.visible()
    ranked: ItemQuerySet = visible.annotate(match_rank=Coalesce(rank, Value(0.0)))
    return ranked


def _raw(text: str) -> SearchQuery:
    return SearchQuery(text, config="foray", search_type="raw")
