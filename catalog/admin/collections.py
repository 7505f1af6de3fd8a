"""Collections in the admin: a title and an ordered list of items."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from catalog.admin_base import FastAdmin
from catalog.collections import upsert_collection
from catalog.models import Collection, CollectionItem


class EntryInline(TabularInline):
    """The items of a collection, each with its place."""

    model = CollectionItem
    fields = ("position", "item")
    autocomplete_fields = ("item",)
    ordering = ("position", "id")
    extra = 1
    # A request carries at most 200 fields (DATA_UPLOAD_MAX_NUMBER_FIELDS): five for each row.
    per_page = 25
    hide_title = True
    verbose_name = "item"
    verbose_name_plural = "items, in order"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CollectionItem]:
        """With the items' titles, without their long columns."""
        rows = super().get_queryset(request).select_related("item")
        return rows.defer("item__search_vector", "item__description", "item__keywords")


@admin.register(Collection)
class CollectionAdmin(FastAdmin):
    """Playlists, franchises, shelves."""

    list_display = ("title", "external_id", "size", "is_hidden", "updated_at")
    list_filter = (("is_hidden", BooleanRadioFilter),)
    search_fields = ("title", "=external_id")
    fields = ("external_id", "title", "description", "is_hidden")
    inlines = (EntryInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        """With the number of entries."""
        return super().get_queryset(request).annotate(size=Count("entries"))

    def get_readonly_fields(
        self, request: HttpRequest, obj: Collection | None = None
    ) -> tuple[str, ...]:
        """The external ID is given once."""
        return ("external_id",) if obj else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Store the entries, then let the writer number them from 1 without gaps."""
        super().save_related(request, form, formsets, change)
        collection = form.instance
        upsert_collection(
            external_id=collection.external_id,
            title=collection.title,
            description=collection.description,
            item_ids=list(
                collection.entries.order_by("position", "id").values_list(
                    "item__external_id", flat=True
                )
            ),
        )

    @display(description="items", ordering="size")
    def size(self, collection: Any) -> int:
        """How many items it lists."""
        return int(collection.size)
