"""Items over REST: bulk upsert, list, one item, patch, hide."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Api, StrictSerializer, read
from catalog.api.pagination import PAGE_PARAMETERS, PageInput, page_response
from catalog.api.permissions import may
from catalog.api.rows import write_rows
from catalog.api.serializers import (
    ItemOutput,
    ItemRow,
    ItemRowsField,
    RowResult,
    TaskOutput,
    item_json,
    result_json,
    task_json,
)
from catalog.enqueue import enqueue, enqueue_job
from catalog.errors import InvalidInput, NotFound
from catalog.filters import FACETS, parse_filters
from catalog.items import patch_item, set_hidden, upsert_items
from catalog.models import ApiKey, Item, Job
from catalog.profiles import filtered_attributes
from catalog.validation import read_item

WRITE = ApiKey.Scope.CATALOG_WRITE.value
ENCODE = "recs.encode_items"
FILTERS = [
    OpenApiParameter("category", str, many=True),
    OpenApiParameter("creator", str, many=True),
    OpenApiParameter("country", str, many=True),
    OpenApiParameter("year", str, description="low..high, such as 1960..1969"),
    OpenApiParameter("price", str, description="low..high, such as ..20"),
]


class ItemsApi(Api):
    """The catalog's items."""

    required_scopes = {"GET": "read", "POST": WRITE}
    parameters = (*PAGE_PARAMETERS, "hidden", *FACETS)

    class InputSerializer(StrictSerializer):
        """Body of the bulk upsert."""

        items = ItemRowsField()

    class OutputSerializer(serializers.Serializer[Any]):
        """What became of each row."""

        created = serializers.IntegerField()
        updated = serializers.IntegerField()
        unchanged = serializers.IntegerField()
        duplicates = serializers.IntegerField()
        errors = serializers.IntegerField()  # type: ignore[assignment]  # a field, not the property
        results = RowResult(many=True)
        task = TaskOutput(allow_null=True, help_text="Makes the items findable by meaning.")

    class PageOutput(serializers.Serializer[Any]):
        """A page of items."""

        items = ItemOutput(many=True)
        next_cursor = serializers.CharField(allow_null=True)

    @extend_schema(
        operation_id="upsert_items", tags=["items"], request=InputSerializer,
        responses={200: OutputSerializer}, summary="Create or replace up to 1,000 items",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Each row is told by itself; the good ones are stored even where others are bad."""
        rows = read(self.InputSerializer, request.data)["items"]
        results = write_rows(rows, read=read_item, write=lambda items: upsert_items(items=items))
        counts = {
            name: sum(result.status == status for result in results)
            for name, status in (
                ("created", "created"), ("updated", "updated"), ("unchanged", "unchanged"),
                ("duplicates", "duplicate"), ("errors", "error"),
            )
        }  # fmt: skip
        job = encode() if counts["created"] or counts["updated"] else None
        return Response(
            counts
            | {"results": [result_json(place, result) for place, result in enumerate(results)]}
            | {"task": task_json(job) if job else None}
        )

    @extend_schema(
        operation_id="list_items", tags=["items"], summary="List items",
        parameters=[PageInput, *FILTERS, OpenApiParameter("hidden", bool)],
        responses={200: PageOutput},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Visible items by default; `hidden=true` lists the others and needs catalog:write."""
        params = dict(request.query_params.lists())
        filters = parse_filters(params, attributes=filtered_attributes())
        wanted = read(PageInput, request.query_params)
        rows = items_shown(request, hidden=request.query_params.get("hidden", ""))
        chosen = rows.filter(filters.q()).defer("search_vector", "keywords", "content_hash")
        return page_response(request, chosen, name="items", as_json=item_json, wanted=wanted)


class ItemApi(Api):
    """One item. Its id may hold "/", percent-encoded or not."""

    required_scopes = {"GET": "read", "PATCH": WRITE}

    @extend_schema(
        operation_id="get_item", tags=["items"], summary="One item", responses={200: ItemOutput}
    )
    def get(self, request: Request, external_id: str) -> Response:
        """A hidden item is found only by a key with catalog:write."""
        items = Item.objects.all() if may(request, WRITE) else Item.objects.visible()
        item = items.filter(external_id=external_id).first()
        if item is None:
            raise NotFound(f"There is no item '{external_id[:200]}'.", field="id")
        return Response(item_json(item))

    @extend_schema(
        operation_id="patch_item", tags=["items"], summary="Change some fields of an item",
        request=ItemRow(partial=True), responses={200: ItemOutput},
    )  # fmt: skip
    def patch(self, request: Request, external_id: str) -> Response:
        """Fields that are not named stay as they are; null or "" empties one."""
        if not isinstance(request.data, dict) or not request.data:
            raise InvalidInput("Send an object with the fields to change.")
        if any(
            request.data.get(name, external_id) != external_id for name in ("id", "external_id")
        ):
            raise InvalidInput("An item's id cannot change.", field="id")
        item = patch_item(external_id=external_id, changes=request.data)
        enqueue(ENCODE)
        return Response(item_json(item))


class HideItemsApi(Api):
    """Taking items out of everything visitors see."""

    required_scope = WRITE

    class InputSerializer(StrictSerializer):
        """Which items, and whether they go or come back."""

        ids = serializers.ListField(
            child=serializers.CharField(max_length=200), min_length=1, max_length=1000
        )
        hidden = serializers.BooleanField(default=True)

    class OutputSerializer(serializers.Serializer[Any]):
        """How many changed."""

        changed = serializers.IntegerField()

    @extend_schema(
        operation_id="hide_items", tags=["items"], summary="Hide items, or show them again",
        request=InputSerializer, responses={200: OutputSerializer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """It counts from the next request on."""
        given = read(self.InputSerializer, request.data)
        changed = set_hidden(external_ids=given["ids"], hidden=given["hidden"])
        return Response({"changed": changed})


def encode() -> Job:
    """The job that makes new and changed items findable by meaning."""
    return enqueue_job(ENCODE, kind=ENCODE, params={})


def items_shown(request: Request, *, hidden: str) -> QuerySet[Item]:
    """Visible items, or the hidden ones for those who may change them."""
    if hidden in ("", "false"):
        return Item.objects.visible()
    if hidden != "true":
        raise InvalidInput("'hidden' is true or false.", field="hidden")
    if not may(request, WRITE):
        raise InvalidInput(f"Listing hidden items needs the scope '{WRITE}'.", field="hidden")
    return Item.objects.filter(is_hidden=True)
