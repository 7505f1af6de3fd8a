"""Collections over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import values
from catalog.api.base import Api, StrictSerializer, read
from catalog.api.pagination import PAGE_PARAMETERS, PageInput, page_response
from catalog.api.serializers import ItemOutput, item_json, page_url
from catalog.collections import MAX_ITEMS, upsert_collection
from catalog.errors import NotFound
from catalog.models import ApiKey, Collection, Item

WRITE = ApiKey.Scope.CATALOG_WRITE.value


class CollectionOutput(serializers.Serializer[Any]):
    """A collection without its items."""

    id = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    url = serializers.CharField()


class CollectionItemsOutput(CollectionOutput):
    """A collection with its visible items, in order."""

    items = ItemOutput(many=True)


class CollectionsApi(Api):
    """All collections."""

    required_scopes = {"GET": "read", "POST": WRITE}
    parameters = PAGE_PARAMETERS

    class InputSerializer(StrictSerializer):
        """One collection with its whole list of items."""

        id = serializers.CharField(max_length=200)
        title = serializers.CharField(max_length=300)
        description = serializers.CharField(
            required=False, default="", allow_blank=True, max_length=20_000
        )
        item_ids = serializers.ListField(
            child=serializers.CharField(max_length=200), max_length=MAX_ITEMS
        )

    class PageOutput(serializers.Serializer[Any]):
        """A page of collections."""

        collections = CollectionOutput(many=True)
        next_cursor = serializers.CharField(allow_null=True)

    @extend_schema(
        operation_id="upsert_collection", tags=["collections"], request=InputSerializer,
        responses={200: CollectionItemsOutput}, summary="Create or replace a collection",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """The list is replaced as a whole; an unknown item refuses it all."""
        given = read(self.InputSerializer, request.data)
        collection = upsert_collection(
            external_id=values.identifier(given["id"], field="id", limit=200),
            title=given["title"],
            description=given["description"],
            item_ids=given["item_ids"],
        )
        return Response(collection_json(collection) | {"items": items_of(collection)})

    @extend_schema(
        operation_id="list_collections", tags=["collections"], parameters=[PageInput],
        responses={200: PageOutput}, summary="List collections",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Those that are not hidden."""
        wanted = read(PageInput, request.query_params)
        shown = Collection.objects.filter(is_hidden=False)
        return page_response(
            request, shown, name="collections", as_json=collection_json, wanted=wanted
        )


class CollectionApi(Api):
    """One collection."""

    @extend_schema(
        operation_id="get_collection", tags=["collections"], summary="One collection",
        responses={200: CollectionItemsOutput},
    )  # fmt: skip
    def get(self, request: Request, external_id: str) -> Response:
        """With its visible items, in order."""
        collection = Collection.objects.filter(external_id=external_id, is_hidden=False).first()
        if collection is None:
            raise NotFound(f"There is no collection '{external_id[:200]}'.", field="id")
        return Response(collection_json(collection) | {"items": items_of(collection)})


def collection_json(collection: Collection) -> dict[str, Any]:
    """A collection in the shape of CollectionOutput."""
    return {
        "id": collection.external_id,
        "title": collection.title,
        "description": collection.description,
        "url": page_url("collection", collection.pk, collection.title),
    }


def items_of(collection: Collection) -> list[dict[str, Any]]:
    """The visible items in their order."""
    items = Item.objects.visible().filter(collection_entries__collection=collection)
    shown = items.defer("search_vector", "keywords", "content_hash")
    return [item_json(item) for item in shown.order_by("collection_entries__position")]
