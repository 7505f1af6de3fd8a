"""Completions and query recommendations over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, StrictSerializer, read
from catalog.api.serializers import ItemOutput, item_json
from catalog.api.viewers import viewer_of, without_searches
from catalog.types import Viewer
from recs.api.explaining import EXPLAIN, wants_explanation
from search.api.queries import (
    RecommendedQueryOutput,
    SuggestedQueryOutput,
    recommended_json,
    suggested_json,
)
from search.facet_wording import value_label
from search.facet_words import Said
from search.languages import accepted_languages
from search.query_recommendation import MAX_RECOMMENDED
from search.recommended import recommended_for
from search.suggest import MAX_SUGGESTED, suggest
from search.text import read_query

DEFAULT_K = 8
VIEWER_PARAMETERS = [
    OpenApiParameter(
        "user_id",
        str,
        description="The caller's own id of the person; their own searches need a key.",
    ),
    OpenApiParameter("anonymous_id", str, description="Of a visitor without an account."),
    OpenApiParameter("session_id", str),
]


class ViewerInput(StrictSerializer):
    """Who is looking, and for how many."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
    )
    user_id = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    anonymous_id = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=100
    )
    session_id = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)


class SuggestInput(ViewerInput):
    """Parameters of /suggest."""

    k = serializers.IntegerField(
        required=False, default=DEFAULT_K, min_value=1, max_value=MAX_SUGGESTED
    )


class QueryRecommendationsInput(ViewerInput):
    """Parameters of /query-recommendations."""

    explain = serializers.CharField(required=False, allow_blank=True, default="")

    k = serializers.IntegerField(
        required=False, default=MAX_RECOMMENDED, min_value=1, max_value=MAX_RECOMMENDED
    )


class ValueOutput(serializers.Serializer[Any]):
    """A value of a facet: send `value` under the name `facet` to list what has it."""

    facet = serializers.CharField()
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the field's own name
    count = serializers.IntegerField(help_text="Items that have it, when last counted.")


class SuggestOutput(serializers.Serializer[Any]):
    """Completions of what has been typed."""

    query = serializers.CharField(allow_blank=True)
    suggestions = SuggestedQueryOutput(many=True)
    items = ItemOutput(many=True)
    creators = ValueOutput(many=True)
    categories = ValueOutput(many=True)


class QueryRecommendationsOutput(serializers.Serializer[Any]):
    """Queries worth trying next, best first; none for the exact title of one thing."""

    query = serializers.CharField(allow_blank=True)
    corrected_query = serializers.CharField(allow_null=True)
    query_recommendations = RecommendedQueryOutput(many=True)


class SuggestApi(Api):
    """Completion at each keystroke."""

    required_scope = "read"
    parameters = tuple(SuggestInput().fields)

    @extend_schema(
        operation_id="suggest",
        tags=["search"],
        summary="Complete what is being typed",
        parameters=[
            OpenApiParameter("q", str, description="Typed so far; empty gives places to start."),
            OpenApiParameter("k", int, default=DEFAULT_K, description=f"1 to {MAX_SUGGESTED}."),
            *VIEWER_PARAMETERS,
        ],
        responses={200: SuggestOutput},
    )
    def get(self, request: Request) -> Response:
        """Queries and a few items; every one of them leads to something visible.

        Where the language of what was typed cannot be told, Accept-Language keeps others out.
        """
        params = read(SuggestInput, request.query_params.dict())
        found = suggest(
            prefix=read_query(params["q"]),
            viewer=_viewer(request, params),
            k=params["k"],
            languages=accepted_languages(request.headers.get("Accept-Language", "")),
        )
        return Response(
            {
                "query": params["q"],
                "suggestions": [suggested_json(each) for each in found.queries],
                "items": [item_json(item) for item in found.items],
                "creators": [_value_json(each) for each in found.creators],
                "categories": [_value_json(each) for each in found.categories],
            }
        )


def _value_json(said: Said) -> dict[str, Any]:
    return {
        "facet": said.facet,
        "value": said.value,
        "label": value_label(said.facet, said.value),
        "count": said.items,
    }


class QueryRecommendationsApi(Api):
    """Queries worth trying next."""

    required_scope = "read"
    parameters = tuple(QueryRecommendationsInput().fields)

    @extend_schema(
        operation_id="query_recommendations",
        tags=["search"],
        summary="Queries worth trying after this one",
        parameters=[
            OpenApiParameter("q", str, description="What was searched; empty for a home page."),
            OpenApiParameter(
                "k", int, default=MAX_RECOMMENDED, description=f"1 to {MAX_RECOMMENDED}."
            ),
            *VIEWER_PARAMETERS,
            EXPLAIN,
        ],
        responses={200: QueryRecommendationsOutput},
    )
    def get(self, request: Request) -> Response:
        """The query recommendations of a search, without its hits."""
        params = read(QueryRecommendationsInput, request.query_params.dict())
        explain = wants_explanation(request, params["explain"])
        found = recommended_for(
            query=read_query(params["q"]), viewer=_viewer(request, params), k=params["k"]
        )
        return Response(
            {
                "query": params["q"],
                "corrected_query": found.corrected_query,
                "query_recommendations": [
                    recommended_json(each, explain=explain) for each in found.queries
                ],
            }
        )


def _viewer(request: Request, params: dict[str, Any]) -> Viewer:
    names = ("user_id", "anonymous_id", "session_id")
    viewer = viewer_of(request, **{name: params[name] for name in names})
    return without_searches(request, viewer)
