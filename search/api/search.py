"""Search over REST: GET with parameters, or POST with the same names in a JSON object."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api
from catalog.api.viewers import has_key, viewer_of
from catalog.errors import InvalidInput
from catalog.filters import ATTRIBUTE, FACETS, parse_filters
from catalog.profiles import filtered_attributes
from catalog.values import check_storable
from recs.api.explaining import EXPLAIN, wants_explanation
from search.answer import search
from search.api.search_output import SearchOutput, search_json
from search.retrieval import MAX_DEPTH, MAX_PER_PAGE
from search.text import MAX_QUERY_CHARACTERS, read_query
from search.types import DEFAULT_PER_PAGE, SORTS, SearchRequest

OWN = (
    "q",
    "page",
    "cursor",
    "per_page",
    "sort",
    "user_id",
    "anonymous_id",
    "session_id",
    "verbatim",
    "as_words",
    "is_typing",
    "picked_from",
    "explain",
)
_TRUTH = {"1": True, "true": True, "0": False, "false": False}
MAX_PICKED_FROM = 40
Params = Mapping[str, Sequence[str]]


class SearchInput(serializers.Serializer[Any]):
    """The same names as the parameters of GET."""

    q = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_QUERY_CHARACTERS, default=""
    )
    category = serializers.ListField(child=serializers.CharField(max_length=300), required=False)
    creator = serializers.ListField(child=serializers.CharField(max_length=300), required=False)
    country = serializers.ListField(child=serializers.CharField(max_length=300), required=False)
    year = serializers.CharField(required=False, help_text="low..high, such as 1960..1969")
    price = serializers.CharField(required=False, help_text="low..high, such as ..20")
    page = serializers.IntegerField(required=False, min_value=1, max_value=MAX_DEPTH)
    per_page = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PER_PAGE)
    cursor = serializers.CharField(required=False, allow_blank=True, max_length=40)
    sort = serializers.ChoiceField(choices=SORTS, required=False)
    user_id = serializers.CharField(required=False, allow_blank=True, max_length=200)
    anonymous_id = serializers.CharField(required=False, allow_blank=True, max_length=100)
    session_id = serializers.CharField(required=False, allow_blank=True, max_length=100)
    verbatim = serializers.BooleanField(required=False)
    as_words = serializers.ListField(
        child=serializers.CharField(max_length=MAX_QUERY_CHARACTERS), required=False
    )
    attributes = serializers.DictField(
        required=False, help_text='{"color": ["red"], "runtime_minutes": "..100"}'
    )
    is_typing = serializers.BooleanField(required=False)
    picked_from = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_PICKED_FROM
    )
    explain = serializers.BooleanField(required=False)


PARAMETERS = [
    OpenApiParameter(
        "q",
        {"type": "string", "maxLength": MAX_QUERY_CHARACTERS},
        description="What is searched; empty browses everything.",
    ),
    OpenApiParameter("category", str, many=True, description="Path; several are alternatives."),
    OpenApiParameter("creator", str, many=True),
    OpenApiParameter("country", str, many=True),
    OpenApiParameter("year", str, description="low..high, such as 1960..1969"),
    OpenApiParameter("price", str, description="low..high, such as ..20"),
    OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": MAX_DEPTH}, default=1),
    OpenApiParameter(
        "per_page",
        {"type": "integer", "minimum": 1, "maximum": MAX_PER_PAGE},
        default=DEFAULT_PER_PAGE,
        description=f"The first {MAX_DEPTH:,} hits can be paged to.",
    ),
    OpenApiParameter(
        "cursor",
        str,
        description="`next_cursor` of the page before, instead of `page`: its order is kept.",
    ),
    OpenApiParameter("sort", str, enum=SORTS, default="relevance"),
    OpenApiParameter(
        "user_id",
        str,
        description="The caller's own id of the person; their own searches need a key.",
    ),
    OpenApiParameter("anonymous_id", str, description="Of a visitor without an account."),
    OpenApiParameter("session_id", str),
    OpenApiParameter(
        "verbatim",
        bool,
        description="Search what is typed, without correction, synonyms and redirect.",
    ),
    OpenApiParameter(
        "as_words",
        str,
        many=True,
        description="Parts of the query (see `understood`) that mean nothing but their words.",
    ),
    OpenApiParameter("is_typing", bool, description="The last word is still being typed."),
    OpenApiParameter("picked_from", str, description="Source of the recommended query chosen."),
    EXPLAIN,
]


class SearchApi(Api):
    """Search."""

    required_scopes = {"GET": "read", "POST": "read"}
    parameters = (*OWN, *FACETS)

    @extend_schema(
        operation_id="search",
        tags=["search"],
        summary="Search, or browse with filters alone",
        parameters=PARAMETERS,
        responses={200: SearchOutput},
    )
    def get(self, request: Request) -> Response:
        """Hits with query recommendations and facets; `Link: rel="next"` leads on."""
        return _answer(request, dict(request.query_params.lists()))

    @extend_schema(
        operation_id="search_post",
        tags=["search"],
        summary="Search, with the parameters in the body",
        request=SearchInput,
        responses={200: SearchOutput},
    )
    def post(self, request: Request) -> Response:
        """The same as GET, for long lists of filters and for queries kept out of access logs."""
        if not isinstance(request.data, Mapping):
            raise InvalidInput("Send a JSON object with the parameters.")
        params = {name: _texts(name, value) for name, value in _flat(request.data).items()}
        return _answer(request, params)


def _answer(request: Request, params: Params) -> Response:
    wanted = read_request(request, params)
    explain = wants_explanation(request, _one(params, "explain"))
    answer = search(wanted)
    body = search_json(
        answer,
        original_query=_one(params, "q"),
        explain=explain,
        tell_own=has_key(request) or not _one(params, "user_id"),
    )
    response = Response(body)
    if wanted.page < answer.retrieved.pages and (wanted.page + 1) * wanted.per_page <= MAX_DEPTH:
        response["Link"] = f'<{_next_url(request, params, wanted.page + 1)}>; rel="next"'
    return response


def read_request(request: Request, params: Params) -> SearchRequest:
    """The request that parameters ask for.

    Raises:
        InvalidInput: names the parameter that is unknown or cannot be read.
    """
    filters = parse_filters(params, known=OWN, attributes=filtered_attributes())
    for name in ("q", "picked_from"):
        check_storable(_one(params, name), field=name)
    picked_from = _one(params, "picked_from")
    if len(picked_from) > MAX_PICKED_FROM:
        raise InvalidInput("'picked_from' is the source of a query.", field="picked_from")
    return SearchRequest(
        query=read_query(_one(params, "q")),
        filters=filters,
        page=_page(params),
        cursor=_one(params, "cursor").strip(),
        per_page=_number(params, "per_page", DEFAULT_PER_PAGE),
        sort=_one(params, "sort") or "relevance",
        viewer=viewer_of(
            request,
            user_id=_one(params, "user_id"),
            anonymous_id=_one(params, "anonymous_id"),
            session_id=_one(params, "session_id"),
        ),
        is_typing=_truth(params, "is_typing"),
        verbatim=_truth(params, "verbatim"),
        as_words=_spans(params),
        picked_from=picked_from,
        surface="api",
    )


def _spans(params: Params) -> tuple[str, ...]:
    spans = tuple(text for text in params.get("as_words", ()) if text.strip())
    for text in spans:
        check_storable(text, field="as_words")
        if len(text) > MAX_QUERY_CHARACTERS:
            raise InvalidInput("'as_words' is a part of the query.", field="as_words")
    return spans


def _one(params: Params, name: str) -> str:
    values = params.get(name) or ("",)
    return values[-1]


def _page(params: Params) -> int:
    if _one(params, "cursor").strip() and _one(params, "page").strip():
        raise InvalidInput("Send 'cursor' or 'page', not both.", field="cursor")
    return _number(params, "page", 1)


def _number(params: Params, name: str, default: int) -> int:
    text = _one(params, name).strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_DEPTH))):
        limit = MAX_PER_PAGE if name == "per_page" else MAX_DEPTH
        raise InvalidInput(f"'{name}' is a whole number from 1 to {limit:,}.", field=name)
    return int(text)


def _truth(params: Params, name: str) -> bool:
    text = _one(params, name).strip().lower()
    if text and text not in _TRUTH:
        raise InvalidInput(f"'{name}' is true or false.", field=name)
    return _TRUTH.get(text, False)


def _flat(body: Mapping[Any, Any]) -> dict[str, Any]:
    """The body with its attributes under the names that parameters have."""
    attributes = body.get("attributes") or {}
    if not isinstance(attributes, Mapping):
        raise InvalidInput("'attributes' is an object of values by attribute.", field="attributes")
    own = {str(name): value for name, value in body.items() if name != "attributes"}
    return own | {f"{ATTRIBUTE}{key}": value for key, value in attributes.items()}


def _texts(name: str, value: object) -> list[str]:
    """A JSON value as the texts that a parameter of that name would have."""
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    if len(values) > 1 and name in OWN and name != "as_words":
        raise InvalidInput(f"'{name}' is one value, not a list.", field=name)
    if not all(isinstance(each, str | int | float) for each in values):
        raise InvalidInput(f"'{name}' is text or a list of texts.", field=name)
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def _next_url(request: Request, params: Params, page: int) -> str:
    kept = [(name, value) for name, values in params.items() if name != "page" for value in values]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*kept, ('page', page)])}")
