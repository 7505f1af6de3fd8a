"""Items in the admin: found by title or id, hidden in bulk, edited through the writers."""

import dataclasses
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.search import TrigramWordDistance
from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, DropdownFilter, RangeNumericFilter
from unfold.decorators import action, display

from catalog.additions import additions_of, all_additions
from catalog.admin_base import FastAdmin, LinesMixin, links
from catalog.covers import cover_svg
from catalog.enqueue import enqueue
from catalog.errors import InvalidInput
from catalog.items import patch_item, set_hidden, upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from catalog.validation import ITEM_ALIASES, read_item

# By what a fact that was added was decided on.
DECIDED = {
    "person": "approved by a person",
    "sample": "approved with the batch that a sample was drawn from",
    "policy": "accepted by a policy",
}
INPUT_FIELDS = tuple(field.name for field in dataclasses.fields(ItemInput))
# read_item() names a field as callers do; the form as the columns are.
COLUMNS = {name: column for column, name in ITEM_ALIASES.items()}
# A sample names the categories worth a choice; one that is rarer is still found by its title.
CATEGORIES = """
SELECT category FROM (SELECT categories FROM catalog_item ORDER BY id DESC LIMIT 20000) recent,
       unnest(recent.categories) AS category
GROUP BY category ORDER BY count(*) DESC, category LIMIT 300
"""


def with_vector(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Items told whether the live version holds a vector of their present text."""
    vectors: Any = Item._meta.get_field("content_embeddings").related_model
    live = vectors.objects.filter(
        item=OuterRef("pk"), version__is_live=True, input_hash=OuterRef("content_hash")
    )
    return queryset.annotate(has_vector=Exists(live))


def _cover(item: Item) -> str:
    """The drawn cover, within the page: no request for each row."""
    return f"data:image/svg+xml,{quote(cover_svg(item))}"


class CategoryFilter(DropdownFilter):
    """One category with all below it."""

    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The most frequent categories of the newest items, asked for every ten minutes."""
        names = cache.get("admin:categories")
        if names is None:
            with connection.cursor() as cursor:
                cursor.execute(CATEGORIES)
                names = sorted(row[0] for row in cursor.fetchall())
            cache.set("admin:categories", names, 600)
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Item]) -> QuerySet[Item]:
        """Items filed under it."""
        return (
            queryset.filter(all_categories__contains=[self.value()]) if self.value() else queryset
        )


class VectorFilter(DropdownFilter):
    """Whether search by meaning can find the item yet."""

    title = "content vector"
    parameter_name = "vector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Yes or no."""
        return [("yes", "present"), ("no", "missing or stale")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Items with a vector of their present text, or without one."""
        if self.value() in ("yes", "no"):
            return queryset.filter(has_vector=self.value() == "yes")
        return queryset


class ItemForm(forms.ModelForm):
    """Checks what the API and the importers check, and names the field that is wrong."""

    class Meta:
        model = Item
        fields = INPUT_FIELDS

    def clean(self) -> dict[str, Any]:
        """The cleaned values, refused where read_item refuses them."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        row = {name: values[name] for name in INPUT_FIELDS if values.get(name) not in (None, "")}
        row.setdefault("external_id", self.instance.external_id)
        try:
            self.item_input = read_item(row)
        except InvalidInput as error:
            field = COLUMNS.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, error.detail)
        return values


@admin.register(Item)
class ItemAdmin(LinesMixin, FastAdmin):
    """The catalog's items."""

    form = ItemForm
    list_display = (
        "cover",
        "named",
        "main_category",
        "made_by",
        "year",
        "shown",
        "searchable",
        "updated_at",
    )
    list_display_links = ("named",)
    list_filter = (
        CategoryFilter,
        ("is_hidden", BooleanRadioFilter),
        VectorFilter,
        ("year", RangeNumericFilter),
    )
    search_fields = ("title", "external_id")
    search_help_text = "A title, as far as you remember it, or the beginning of an external ID"
    ordering = ("-id",)
    actions = ("hide", "show")
    readonly_fields = (
        "preview",
        "added_facts",
        "categories",
        "keywords",
        "content_hash",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": ("preview", "external_id", "title", "description", "is_hidden")}),
        (
            "Facts",
            {
                "fields": (
                    ("creators", "category_paths"),
                    ("countries", "released_on", "year"),
                    ("price", "currency"),
                    "attributes",
                    "image_url",
                    "available_from",
                    "available_until",
                )
            },
        ),
        ("Added beside the feed", {"fields": ("added_facts",)}),
        (
            "Derived from the above",
            {
                "classes": ("collapse",),
                "fields": (
                    "categories",
                    "keywords",
                    "content_hash",
                    ("created_at", "updated_at"),
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        """Without the columns that no list shows."""
        rows = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == "catalog_item_change":
            return rows.defer("search_vector")
        return with_vector(rows).defer(
            "search_vector", "keywords", "description", "attributes", "all_attributes", "added"
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Item], search_term: str
    ) -> tuple[QuerySet[Item], bool]:
        """Titles that hold or resemble the words, and external IDs that begin with them."""
        term = search_term.replace("\x00", "").strip().lower()
        if not term:
            return queryset, False
        found = queryset.annotate(lower_title=Lower("title")).filter(
            Q(lower_title__contains=term)
            | Q(lower_title__trigram_similar=term)
            | Q(lower_title__trigram_word_similar=term)
            | Q(external_id__startswith=search_term.strip())
        )
        if "o" not in request.GET:
            found = found.order_by(TrigramWordDistance(term, F("lower_title")), "id")
        return found, False

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        """The external ID is the caller's name of the item: given once."""
        return (*self.readonly_fields, "external_id") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        """Events point at items, so an item is hidden and never deleted."""
        return False

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: bool) -> None:
        """Through the writers, so that derived columns follow and the item is encoded again."""
        if change:
            given = form.item_input
            patch_item(
                external_id=obj.external_id,
                changes={n: getattr(given, n) for n in form.changed_data if n in INPUT_FIELDS},
            )
        else:
            upsert_items(items=[form.item_input])
            obj.pk = Item.objects.values_list("pk", flat=True).get(external_id=obj.external_id)
        obj.refresh_from_db()
        enqueue("recs.encode_items")

    @action(description="Hide from search and recommendations", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        """Take the selected items out of every answer at once."""
        self._set_hidden(request, queryset, hidden=True)

    @action(description="Show again", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        """Let the selected items appear again."""
        self._set_hidden(request, queryset, hidden=False)

    def _set_hidden(self, request: HttpRequest, queryset: QuerySet[Item], *, hidden: bool) -> None:
        ids = list(queryset.order_by().values_list("external_id", flat=True))
        changed = set_hidden(external_ids=ids, hidden=hidden)
        words = "hidden" if hidden else "visible again"
        messages.success(request, f"{changed:,} of {len(ids):,} selected are now {words}.")

    @display(description="cover")
    def cover(self, item: Item) -> SafeString:
        """The item's generated cover, small."""
        return format_html(
            '<img class="foray-cover" src="{}" alt="" width="32" height="48" loading="lazy">',
            _cover(item),
        )

    @display(description="title", header=True, ordering="title")
    def named(self, item: Item) -> list[str]:
        """Title, and the external ID below it."""
        return [item.title, item.external_id]

    @display(description="category")
    def main_category(self, item: Item) -> str:
        """The first path."""
        return item.category_paths[0] if item.category_paths else ""

    @display(description="by")
    def made_by(self, item: Item) -> str:
        """At most two creators."""
        more = "" if len(item.creators) <= 2 else f" and {len(item.creators) - 2} more"
        return ", ".join(item.creators[:2]) + more

    @display(
        description="state",
        ordering="is_hidden",
        label={"visible": "success", "hidden": "warning"},
    )
    def shown(self, item: Item) -> str:
        """Visible or hidden."""
        return "hidden" if item.is_hidden else "visible"

    @display(description="vector", boolean=True)
    def searchable(self, item: Any) -> bool:
        """Whether search by meaning can find it."""
        return bool(item.has_vector)

    @display(description="facts")
    def added_facts(self, item: Item) -> SafeString:
        """What was added, the words that it rests on, who proposed it and who decided."""
        counting = set(additions_of(item)) if item.pk else set()
        rows = (
            (
                one.key,
                one.value,
                one.evidence,
                f"{one.field}, characters {one.start} to {one.end}",
                f"{one.model}, {DECIDED.get(one.by, one.by)}",
                "" if one in counting else ". The feed states it itself, so it does not count",
            )
            for one in all_additions(item)
        )
        line = "<li>{}: <strong>{}</strong>, from “{}” ({}). {}{}.</li>"
        told = format_html_join("", line, rows)
        return format_html("<ul>{}</ul>", told) if told else SafeString("none")

    @display(description="")
    def preview(self, item: Item) -> SafeString:
        """The cover, and where to go from here."""
        if not item.pk:
            return SafeString("")
        events = reverse("admin:catalog_event_changelist")
        labels = reverse("admin:catalog_label_changelist")
        return format_html(
            '<span class="foray-preview"><img class="foray-cover" src="{}" alt="" width="96"'
            ' height="144">{}</span>',
            _cover(item),
            links(
                [
                    ("Events", f"{events}?item__id__exact={item.pk}"),
                    ("Labels", f"{labels}?item__id__exact={item.pk}"),
                ]
            ),
        )
