"""Recommendations over REST."""

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api
from catalog.api.serializers import ItemOutput, item_json
from catalog.api.viewers import viewer_of
from catalog.errors import InvalidInput, NotFound
from catalog.filters import FACETS, parse_filters
from catalog.models import Item
from catalog.profiles import filtered_attributes
from catalog.values import check_storable
from recs.api.explaining import EXPLAIN, rounded, wants_explanation
from recs.recommend import (
    FALLBACKS,
    MAX_K,
    SURFACES,
    Recommendations,
    RecommendRequest,
    recommend,
)

OWN = (
    "surface",
    "user_id",
    "anonymous_id",
    "session_id",
    "item_id",
    "item_ids",
    "k",
    "exclude_seen",
    "explain",
)
DEFAULT_K = 12
MAX_SESSION = 100
_TRUTH = {"": True, "1": True, "true": True, "0": False, "false": False}
Params = Mapping[str, Sequence[str]]

PARAMETERS = [
    OpenApiParameter("surface", str, enum=SURFACES, default="home"),
    OpenApiParameter("user_id", str, description="The caller's own id of the person."),
    OpenApiParameter("anonymous_id", str, description="Of a visitor without an account."),
    OpenApiParameter("session_id", str),
    OpenApiParameter("item_id", str, description="Surface item: what the list hangs below."),
    OpenApiParameter(
        "item_ids",
        str,
        many=True,
        description="Surface session: items as looked at, the oldest first. Once with commas "
        "(a,b,c), or repeated for each id.",
    ),
    OpenApiParameter(
        "k",
        {"type": "integer", "minimum": 1, "maximum": MAX_K},
        default=DEFAULT_K,
        description="How many.",
    ),
    OpenApiParameter(
        "exclude_seen", bool, default=True, description="Leave out what the viewer had already."
    ),
    EXPLAIN,
    OpenApiParameter("category", str, many=True, description="Path; several are alternatives."),
    OpenApiParameter("creator", str, many=True),
    OpenApiParameter("country", str, many=True),
    OpenApiParameter("year", str, description="low..high, such as 1960..1969"),
    OpenApiParameter("price", str, description="low..high, such as ..20"),
]


class RecommendedOutput(serializers.Serializer[Any]):
    """One place in the list."""

    item = ItemOutput()
    position = serializers.IntegerField(help_text="From 1.")
    source = serializers.ChoiceField(  # type: ignore[assignment]  # DRF's own `source`
        choices=["unified", "user_model", "also_liked", "similar", "popular", "new"]
    )
    score = serializers.FloatField(help_text="0 to 1, comparable within the answer.")
    reason = serializers.CharField(help_text="A sentence to show beside the item.")
    explanation = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="With `explain`: by group of features what it added to the log-odds of being "
        "chosen, and that chance.",
    )


class RecommendOutput(serializers.Serializer[Any]):
    """The answer."""

    query_id = serializers.UUIDField(help_text="Name it in the events that follow.")
    surface = serializers.ChoiceField(choices=SURFACES)
    model_version = serializers.CharField(
        allow_null=True, help_text="The version of the model that chose; null for none."
    )
    fallback = serializers.ChoiceField(
        choices=FALLBACKS, allow_null=True, help_text="Why no model chose."
    )
    hits = RecommendedOutput(many=True)


class RecommendApi(Api):
    """What to show next."""

    required_scope = "read"
    parameters = (*OWN, *FACETS)

    @extend_schema(
        operation_id="recommend",
        tags=["recommend"],
        summary="Items for a surface, best first",
        parameters=PARAMETERS,
        responses={200: RecommendOutput},
    )
    def get(self, request: Request) -> Response:
        """Each hit says where it came from; somebody unknown gets what is popular and new."""
        params = dict(request.query_params.lists())
        explain = wants_explanation(request, _one(params, "explain"))
        answer = recommend(read_request(request, params))
        return Response(recommend_json(answer, explain=explain))


def recommend_json(answer: Recommendations, *, explain: bool = False) -> dict[str, Any]:
    """An answer in the shape of RecommendOutput."""
    ids = [hit.item_id for hit in answer.hits]
    items = Item.objects.for_cards().in_bulk(ids)
    return {
        "query_id": str(answer.query_id),
        "surface": answer.surface,
        "model_version": answer.model_version or None,
        "fallback": answer.fallback or None,
        "hits": [
            {
                "item": item_json(items[hit.item_id]),
                "position": hit.position,
                "source": hit.source,
                "score": hit.score,
                "reason": hit.reason,
                **({"explanation": rounded(hit.explanation)} if explain else {}),
            }
            for hit in answer.hits
            if hit.item_id in items
        ],
    }


def read_request(request: Request, params: Params) -> RecommendRequest:
    """The request that parameters ask for.

    Raises:
        InvalidInput: names the parameter that is unknown or cannot be read.
        NotFound: names the parameter whose item is not there.
    """
    filters = parse_filters(params, known=OWN, attributes=filtered_attributes())
    surface = _one(params, "surface") or "home"
    if surface not in SURFACES:
        raise InvalidInput(f"'surface' is one of: {', '.join(SURFACES)}.", field="surface")
    return RecommendRequest(
        surface=surface,
        viewer=viewer_of(
            request,
            user_id=_one(params, "user_id"),
            anonymous_id=_one(params, "anonymous_id"),
            session_id=_one(params, "session_id"),
        ),
        item_id=_item_id(_one(params, "item_id")) if surface == "item" else None,
        session_item_ids=_session(params.get("item_ids", ())) if surface == "session" else (),
        k=_k(_one(params, "k")),
        filters=filters,
        exclude_seen=_truth(_one(params, "exclude_seen")),
    )


def _item_id(external_id: str) -> int:
    if not external_id:
        raise InvalidInput("The surface 'item' needs 'item_id'.", field="item_id")
    check_storable(external_id, field="item_id")
    found = Item.objects.visible().filter(external_id=external_id).only("pk").first()
    if found is None:
        raise NotFound(f"There is no item '{external_id[:200]}'.", field="item_id")
    return int(found.pk)


def _session(given: Sequence[str]) -> tuple[int, ...]:
    """Keys of the items, in order. Hidden ones still tell what the visitor is after.

    Given once, it is a list with commas; given several times, each is one id, commas and all.
    """
    parts = given if len(given) > 1 else [part for text in given for part in text.split(",")]
    names = [name.strip() for name in parts if name.strip()]
    if len(names) > MAX_SESSION:
        raise InvalidInput(f"At most {MAX_SESSION} items in 'item_ids'.", field="item_ids")
    for name in names:
        check_storable(name, field="item_ids")
    found = dict(Item.objects.filter(external_id__in=names).values_list("external_id", "pk"))
    for name in names:
        if name not in found:
            raise NotFound(f"There is no item '{name[:200]}'.", field="item_ids")
    return tuple(found[name] for name in names)


def _k(text: str) -> int:
    if not text.strip():
        return DEFAULT_K
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 5 and 1 <= int(plain) <= MAX_K):
        raise InvalidInput(f"'k' is a number from 1 to {MAX_K}.", field="k")
    return int(plain)


def _truth(text: str) -> bool:
    if text.strip().lower() not in _TRUTH:
        raise InvalidInput("'exclude_seen' is true or false.", field="exclude_seen")
    return _TRUTH[text.strip().lower()]


def _one(params: Params, name: str) -> str:
    return (params.get(name) or ("",))[-1]
