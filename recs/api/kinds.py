"""Kinds of items over REST: which there are, and which one an item is of."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, read
from catalog.api.serializers import ItemOutput, item_json
from catalog.errors import InvalidInput, NotFound
from catalog.models import Item
from catalog.values import check_storable
from recs.kinds import (
    Kind,
    address_of,
    first_kinds,
    items_of_kind,
    kind_of_item,
    kinds_below,
    live_codes,
    more_of_kind,
    path_at,
)

DEFAULT_K = 12
MAX_K = 100


class KindOutput(serializers.Serializer[Any]):
    """One kind: items whose semantic IDs begin the same way."""

    path = serializers.CharField(help_text='The codes: "12.200" is a kind within "12".')
    name = serializers.CharField()
    description = serializers.CharField(
        allow_blank=True, help_text="A sentence about them; empty without one."
    )
    count = serializers.IntegerField(help_text="Visible items.")


class KindsOutput(serializers.Serializer[Any]):
    """The kinds of a level, largest first."""

    version = serializers.CharField(
        allow_null=True,
        help_text="Of the semantic IDs; paths of another differ. Null before there are any.",
    )
    kinds = KindOutput(many=True)


class AlikeOutput(serializers.Serializer[Any]):
    """An item of the same kind."""

    item = ItemOutput()
    shared = serializers.IntegerField(help_text="How many first codes it has in common.")
    score = serializers.FloatField(help_text="Nearness in meaning, -1 to 1.")


class NamedKind(serializers.Serializer[Any]):
    """A kind that an item is of."""

    path = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)


class ItemKindOutput(serializers.Serializer[Any]):
    """An item's semantic IDs, and more of its kind."""

    version = serializers.CharField(help_text="Of the semantic IDs.")
    flat = serializers.IntegerField(help_text="The flat ID: the cluster of all its content.")
    codes = serializers.ListField(child=serializers.IntegerField(), help_text="Coarse to fine.")
    collision = serializers.IntegerField(help_text="Tells items of the same codes apart.")
    kinds = NamedKind(many=True, help_text="What it is of, coarse to fine.")
    more = AlikeOutput(many=True, help_text="Longest common beginning first, then the nearest.")


class KindItemsOutput(serializers.Serializer[Any]):
    """A kind, what it consists of, and its best-known items."""

    version = serializers.CharField()
    kinds = KindOutput(many=True, help_text="The kinds within it, of at least two items.")
    items = ItemOutput(many=True, help_text="Those that most people wanted, first.")


class KInput(serializers.Serializer[Any]):
    """How many items."""

    k = serializers.IntegerField(required=False, default=DEFAULT_K, min_value=1, max_value=MAX_K)


K_PARAMETER = OpenApiParameter(
    "k",
    {"type": "integer", "minimum": 1, "maximum": MAX_K},
    default=DEFAULT_K,
    description="How many items.",
)


class KindsApi(Api):
    """All kinds of the first level."""

    required_scope = "read"

    @extend_schema(
        operation_id="kinds",
        tags=["kinds"],
        summary="Kinds of items, largest first",
        responses={200: KindsOutput},
    )
    def get(self, request: Request) -> Response:
        """Kinds come from the items' content; none exist before something was learned."""
        version = live_codes()
        kinds = [_kind_json(kind) for kind in first_kinds(version)] if version else []
        return Response({"version": version.name if version else None, "kinds": kinds})


class KindApi(Api):
    """One kind."""

    required_scope = "read"
    parameters = ("k",)

    @extend_schema(
        operation_id="kind",
        tags=["kinds"],
        summary="The items of a kind, and the kinds within it",
        parameters=[K_PARAMETER],
        responses={200: KindItemsOutput},
    )
    def get(self, request: Request, path: str) -> Response:
        """The items that most people wanted come first."""
        k = read(KInput, request.query_params)["k"]
        version, found = live_codes(), path_at(path)
        items = list(items_of_kind(version, found).for_cards()[:k]) if version and found else []
        if version is None or found is None or not items:
            raise NotFound(f"There is no kind '{path[:100]}'.", field="path")
        return Response(
            {
                "version": version.name,
                "kinds": [_kind_json(kind) for kind in kinds_below(version, found)],
                "items": [item_json(item) for item in items],
            }
        )


class ItemKindApi(Api):
    """The kind of one item."""

    required_scope = "read"
    parameters = ("item_id", "k")

    @extend_schema(
        operation_id="item_kind",
        tags=["kinds"],
        summary="An item's semantic IDs, and more of its kind",
        parameters=[OpenApiParameter("item_id", str, required=True), K_PARAMETER],
        responses={200: ItemKindOutput},
    )
    def get(self, request: Request) -> Response:
        """A new item has its codes within seconds of being posted."""
        k = read(KInput, request.query_params)["k"]
        item_id = request.query_params.get("item_id", "")
        if not item_id:
            raise InvalidInput("Name the item: 'item_id'.", field="item_id")
        check_storable(item_id, field="item_id")
        item = Item.objects.visible().filter(external_id=item_id).only("pk").first()
        if item is None:
            raise NotFound(f"There is no item '{item_id[:200]}'.", field="item_id")
        version = live_codes()
        kind = kind_of_item(version, item.pk) if version else None
        if version is None or kind is None:
            raise NotFound(
                "This item has no semantic IDs yet: they come seconds after it.", field="item_id"
            )
        alike = more_of_kind(version, item.pk, k=k)
        items = Item.objects.for_cards().in_bulk([one.item_id for one in alike])
        return Response(
            {
                "version": version.name,
                "flat": kind.flat,
                "codes": list(kind.codes),
                "collision": kind.collision,
                "kinds": [
                    {"path": address_of(path), "name": name, "description": description}
                    for (path, name), description in zip(kind.kinds, kind.descriptions, strict=True)
                ],
                "more": [
                    {
                        "item": item_json(items[one.item_id]),
                        "shared": one.shared,
                        "score": one.score,
                    }
                    for one in alike
                    if one.item_id in items
                ],
            }
        )


def _kind_json(kind: Kind) -> dict[str, Any]:
    return {
        "path": kind.address,
        "name": kind.name,
        "description": kind.description,
        "count": kind.count,
    }
