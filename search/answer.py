"""search(): one whole answer, with its id, its query recommendations and its place in the log."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.answers import AnswerInput, log_answer
from catalog.models import Answer
from catalog.types import QueryRecommendation
from search.cursors import Snapshot, cursor_at, keep, read_cursor
from search.placement import MOST, Placement
from search.query_features import facts_of
from search.query_mixing import places_by_way
from search.query_recommendation import RecommendedQueries, recommend
from search.retrieval import MAX_DEPTH, retrieve
from search.stages import Stages
from search.text import normalize_query
from search.types import Hit, Retrieved, SearchRequest

NO_SCORES: Mapping[int, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """What is answered to a search; `query_id` joins later events to it."""

    query_id: uuid.UUID
    retrieved: Retrieved
    query_recommendations: tuple[QueryRecommendation, ...]
    took_ms: float
    # Where the next page begins, in the order of this answer; "" at its end.
    next_cursor: str = ""
    placement: Placement | None = None


def search(request: SearchRequest) -> SearchAnswer:
    """Answer a search and log the answer: the one way for the page and the API.

    Raises:
        InvalidInput: names the field of the request that cannot be used.
    """
    begun = time.perf_counter()
    query_id = uuid.uuid4()
    request, snapshot = _continued(request)
    retrieved = retrieve(request)
    if snapshot is not None:
        # The count of the first page stands, whatever came and went since.
        retrieved = replace(retrieved, total=snapshot.total)
    stages = Stages(retrieved.stages)
    with stages.time("query_recommendations"):
        recommended = _recommend(request, retrieved)
    took_ms = round((time.perf_counter() - begun) * 1000, 2)
    answer = SearchAnswer(
        query_id=query_id,
        retrieved=retrieved,
        query_recommendations=recommended.queries,
        placement=recommended.placement,
        took_ms=took_ms,
        next_cursor=_next_cursor(query_id, request, retrieved, snapshot),
    )
    _log(request, answer, stages, recommended)
    return answer


def _continued(request: SearchRequest) -> tuple[SearchRequest, Snapshot | None]:
    """The request with the order that its cursor keeps."""
    if not request.cursor:
        return request, None
    snapshot, place = read_cursor(request.cursor, request)
    page = place // request.per_page + 1
    kept = replace(request, order=snapshot.ids, kept_of=snapshot.total, offset=place, page=page)
    return kept, snapshot


def _next_cursor(
    query_id: uuid.UUID, request: SearchRequest, found: Retrieved, snapshot: Snapshot | None
) -> str:
    """Where the page ends; nothing is kept of what has no second page, or is being typed."""
    end = request.start + request.per_page
    is_over = end >= min(found.total, MAX_DEPTH)
    if is_over or request.is_typing or (snapshot is None and request.page > 1):
        return ""
    return cursor_at(snapshot or keep(query_id, request, found), end)


def _recommend(request: SearchRequest, found: Retrieved) -> RecommendedQueries:
    """Queries worth trying next; only the first page has room for them."""
    return recommend(
        query=found.query,
        normalized=normalize_query(found.corrected_query or found.query),
        top_item_ids=found.top_item_ids,
        exact_title=found.exact_title,
        viewer=request.viewer,
        k=MOST if request.page == 1 else 0,
        page=facts_of(request, found),
    )


def _log(
    request: SearchRequest, answer: SearchAnswer, stages: Stages, recommended: RecommendedQueries
) -> None:
    found = answer.retrieved
    log_answer(
        answer=AnswerInput(
            query_id=answer.query_id,
            kind=Answer.Kind.SEARCH,
            surface=request.surface,
            viewer=request.viewer,
            query=found.query,
            normalized_query=found.normalized,
            corrected_query=found.corrected_query,
            picked_from=request.picked_from,
            is_typing=request.is_typing,
            filters=_filters(request),
            page=found.page,
            total=found.total,
            hits=[
                *_logged(found.hits, scores=found.match_scores),
                *_logged(found.related, source="related"),
            ],
            query_recommendations=_logged_queries(recommended),
            stages=stages.milliseconds,
            latency_ms=answer.took_ms,
            model_version=found.model_version,
            fallback=found.fallback,
            # Of the set, so one page of it tells.
            dropped=found.dropped if request.start == 0 else (),
        )
    )


def _logged_queries(recommended: RecommendedQueries) -> list[dict[str, object]]:
    """What was shown and at which place, with the numbers by which it can be learned from.

    `by`: the version that ordered, "" for the stated score. `situation`: of search.placement.
    """
    places = places_by_way([each.angle for each in recommended.queries])
    return [
        {
            "text": each.text,
            "source": each.source,
            "angle": each.angle,
            "place": place,
            "score": each.score,
            "stated": each.stated,
            "by": recommended.version,
            "situation": recommended.placement.situation,
            "features": list(each.features),
        }
        for each, place in zip(recommended.queries, places, strict=True)
    ]


def _filters(request: SearchRequest) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    for facet, value in request.filters.as_params():
        filters.setdefault(facet, []).append(value)
    return filters


def _logged(
    hits: Sequence[Hit], *, source: str = "", scores: Mapping[int, float] = NO_SCORES
) -> list[dict[str, object]]:
    """`match`: the chance of a bad match, where the filter looked."""
    return [
        {
            "item": hit.item.pk,
            "position": hit.position,
            "source": source or hit.source,
            "score": hit.score,
            **({"match": round(scores[hit.item.pk], 5)} if hit.item.pk in scores else {}),
        }
        for hit in hits
    ]
