"""Query recommendations by themselves: what a search would show above its hits."""

from dataclasses import dataclass

from catalog.types import QueryRecommendation, Viewer
from search.query_features import facts_of
from search.query_recommendation import recommend
from search.retrieval import retrieve
from search.text import normalize_query
from search.types import SearchRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriesAnswer:
    """What is answered where queries alone are asked for, and how the query was understood."""

    corrected_query: str | None
    queries: tuple[QueryRecommendation, ...]


def recommended_for(*, query: str, viewer: Viewer, k: int) -> QueriesAnswer:
    """The queries that a search for this would recommend; nothing is logged.

    Raises:
        InvalidInput: the query cannot be searched.
    """
    if not normalize_query(query):
        found = recommend(
            query="", normalized="", top_item_ids=(), exact_title=False, viewer=viewer, k=k
        )
        return QueriesAnswer(corrected_query=None, queries=found.queries)
    request = SearchRequest(query=query, viewer=viewer, per_page=1)
    hits = retrieve(request)
    found = recommend(
        query=hits.query,
        normalized=normalize_query(hits.corrected_query or hits.query),
        top_item_ids=hits.top_item_ids,
        exact_title=hits.exact_title,
        viewer=viewer,
        k=k,
        page=facts_of(request, hits),
    )
    return QueriesAnswer(corrected_query=hits.corrected_query, queries=found.queries)
