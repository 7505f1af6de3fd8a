"""Shapes that several parts of the API share: the item as it is shown, rows of bulk writes."""

from dataclasses import asdict
from typing import Any

from django.urls import reverse
from django.utils.text import slugify
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from catalog.additions import additions_of
from catalog.event_kinds import EventKind
from catalog.models import Item, Job
from catalog.types import WriteResult

MAX_ROWS = 1000
MAX_SLUG = 80
EVENT_KINDS = [(kind.label, kind.label) for kind in EventKind]


class AddedOutput(serializers.Serializer[Any]):
    """A fact that was added beside what the feed says, and where it comes from."""

    facet = serializers.CharField(help_text='"category", "tag" or "attributes.NAME".')
    value = serializers.JSONField(help_text="A text, or a number.")
    evidence = serializers.CharField(help_text="Words of the item that it rests on.")
    field = serializers.CharField(help_text="Where they stand: title or description.")
    start = serializers.IntegerField(help_text="The first of its characters.")
    end = serializers.IntegerField(help_text="The one after the last.")
    by = serializers.CharField(
        help_text="Who decided that it counts: a person, a sample that people looked at, or a"
        " policy that such samples allow."
    )
    model = serializers.CharField(help_text="The language model that proposed it.")


class ItemOutput(serializers.Serializer[Any]):
    """One item, as search, recommend and the catalog show it."""

    id = serializers.CharField(help_text="The caller's own id.")
    title = serializers.CharField()
    description = serializers.CharField(required=False)
    summary = serializers.CharField(
        allow_blank=True,
        help_text="A sentence that a language model wrote of the item and somebody approved; empty "
        "without one. `description` is the feed's own.",
    )
    categories = serializers.ListField(
        child=serializers.CharField(), help_text='Paths: "Men/Tops/Hoodies".'
    )
    creators = serializers.ListField(child=serializers.CharField())
    attributes = serializers.DictField()
    added = AddedOutput(
        many=True, help_text="Facts that count beside those of the feed; filters know them too."
    )
    image_url = serializers.CharField(allow_blank=True)
    price = serializers.FloatField(allow_null=True)
    currency = serializers.CharField(allow_blank=True)
    countries = serializers.ListField(child=serializers.CharField())
    released_on = serializers.DateField(allow_null=True)
    year = serializers.IntegerField(allow_null=True)
    hidden = serializers.BooleanField()
    url = serializers.CharField(help_text="Path of the item's page on this site.")


def page_url(name: str, pk: int, title: str) -> str:
    """The path of a page about one thing; a title that changed is led to its new address."""
    slug = slugify(title, allow_unicode=True)[:MAX_SLUG].strip("-") or "-"
    return reverse(f"pages:{name}", args=(pk, slug))


def item_json(item: Item) -> dict[str, Any]:
    """An item in the shape of ItemOutput; without `description` where that was not loaded."""
    shown = {
        "id": item.external_id,
        "title": item.title,
        "summary": item.summary,
        "categories": item.category_paths,
        "creators": item.creators,
        "attributes": item.attributes,
        "added": [asdict(one) for one in additions_of(item)],
        "image_url": item.image_url,
        "price": None if item.price is None else float(item.price),
        "currency": item.currency,
        "countries": item.countries,
        "released_on": item.released_on.isoformat() if item.released_on else None,
        "year": item.year,
        "hidden": item.is_hidden,
        "url": page_url("item", item.pk, item.title),
    }
    if "description" in item.__dict__:  # a deferred one would cost a query for each item
        shown["description"] = item.description
    return shown


class ItemRow(serializers.Serializer[Any]):
    """One item as it is sent. Lists may also be texts with "|" between the values."""

    id = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=500)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    categories = serializers.ListField(
        child=serializers.CharField(max_length=300), required=False, max_length=200
    )
    creators = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=200
    )
    attributes = serializers.DictField(
        required=False, help_text="Values are text, numbers, booleans, or lists of them."
    )
    image_url = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    price = serializers.FloatField(required=False, allow_null=True, min_value=0)
    currency = serializers.CharField(required=False, allow_blank=True, max_length=3)
    countries = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=200
    )
    released_on = serializers.DateField(required=False, allow_null=True)
    year = serializers.IntegerField(required=False, allow_null=True)
    available_from = serializers.DateTimeField(required=False, allow_null=True)
    available_until = serializers.DateTimeField(required=False, allow_null=True)
    hidden = serializers.BooleanField(required=False)


class EventRow(serializers.Serializer[Any]):
    """One event as it is sent; `user_id` or `anonymous_id` is required."""

    kind = serializers.ChoiceField(choices=EVENT_KINDS)
    item_id = serializers.CharField(max_length=200)
    time = serializers.DateTimeField(
        required=False, help_text="ISO 8601, or milliseconds since 1970; now where it is missing."
    )
    user_id = serializers.CharField(required=False, allow_blank=True, max_length=200)
    anonymous_id = serializers.CharField(required=False, allow_blank=True, max_length=100)
    session_id = serializers.CharField(required=False, allow_blank=True, max_length=100)
    query_id = serializers.UUIDField(
        required=False, help_text="Of the answer of search or recommend that showed the item."
    )
    surface = serializers.CharField(required=False, allow_blank=True, max_length=40)
    position = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=32_767, help_text="From 1."
    )
    value = serializers.FloatField(required=False, allow_null=True)
    event_id = serializers.CharField(
        required=False, allow_blank=True, max_length=100,
        help_text='A repeat of it is told as "duplicate" and stored once.',
    )  # fmt: skip
    properties = serializers.DictField(required=False, allow_null=True)


class RowsField(serializers.Field[Any, Any, Any, Any]):
    """Up to MAX_ROWS rows of any kind: each is checked by itself, so that good ones are kept."""

    default_error_messages = {
        "type": "Expected a list of objects.",
        "empty": "The list is empty.",
        "many": f"At most {MAX_ROWS} rows fit in one request.",
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        """The list as it came."""
        if not isinstance(data, list):
            self.fail("type")
        if not data:
            self.fail("empty")
        if len(data) > MAX_ROWS:
            self.fail("many")
        return list(data)


@extend_schema_field(ItemRow(many=True))
class ItemRowsField(RowsField):
    """Rows of items."""


@extend_schema_field(EventRow(many=True))
class EventRowsField(RowsField):
    """Rows of events."""


class RowResult(serializers.Serializer[Any]):
    """What became of one row; `field` and `detail` say why where it was not used."""

    index = serializers.IntegerField(help_text="Place in the request, from 0.")
    status = serializers.ChoiceField(
        choices=["created", "updated", "unchanged", "accepted", "duplicate", "error"]
    )
    id = serializers.CharField(required=False)
    field = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


def result_json(index: int, result: WriteResult) -> dict[str, Any]:
    """A row's result in the shape of RowResult: empty members are left out."""
    told = {"id": result.id, "field": result.field, "detail": result.detail}
    return {"index": index, "status": result.status, **{k: v for k, v in told.items() if v}}


@extend_schema_serializer(component_name="Task")
class TaskOutput(serializers.Serializer[Any]):
    """Work in the background."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=Job.State.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField(help_text="0 while it is not known.")
    message = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    result = serializers.DictField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField()


def task_json(job: Job) -> dict[str, Any]:
    """A job in the shape of TaskOutput. Its params stay inside: they may name a person."""
    columns = (
        "id", "kind", "state", "done", "total", "message", "error", "result", "created_at",
        "started_at", "finished_at",
    )  # fmt: skip
    return {name: getattr(job, name) for name in columns} | {"url": f"/api/v1/tasks/{job.pk}"}
