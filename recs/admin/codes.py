"""Semantic IDs in the admin: the codes of each item, and the names of the kinds."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from catalog.admin_base import FastAdmin, ReadOnlyAdmin
from catalog.errors import ProjectError
from recs.codes import describe_kinds, rename_kind
from recs.models import CodeName, ItemCode


@admin.register(ItemCode)
class ItemCodeAdmin(ReadOnlyAdmin):
    """What kind each item is of; a path's beginning finds all items of a kind."""

    list_display = ("path", "item", "flat", "collision", "version")
    list_select_related = ("item", "version")
    search_fields = ("path",)
    search_help_text = "The beginning of a path, such as 012.200"
    ordering = ("-version", "path")
    fields = (("item", "version"), ("path", "codes", "collision"), ("flat", "input_hash"))
    actions = None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ItemCode], search_term: str
    ) -> tuple[QuerySet[ItemCode], bool]:
        """Items whose path begins so."""
        term = search_term.replace("\x00", "").strip()
        return (queryset.filter(path__startswith=term) if term else queryset), False


@admin.register(CodeName)
class CodeNameAdmin(FastAdmin):
    """What kinds are called. A name that a person gives wins over a derived one."""

    list_display = ("path", "name", "description", "source", "version", "created_at")
    list_select_related = ("version",)
    list_filter = (("source", ChoicesDropdownFilter),)
    search_fields = ("path", "name")
    ordering = ("-version", "path")
    fields = ("path", "name", "description", "source", "version", "created_at")
    readonly_fields = ("path", "source", "version", "created_at")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Kinds come with their version."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CodeName | None = None) -> bool:
        """They go with their version."""
        return False

    def save_model(self, request: HttpRequest, obj: CodeName, form: Any, change: Any) -> None:
        """Give the kind the name that was typed, and the sentence."""
        try:
            if "name" in form.changed_data:
                rename_kind(version=obj.version, path=obj.path, name=obj.name)
            if "description" in form.changed_data:
                told = " ".join(obj.description.split())
                describe_kinds(version_id=obj.version_id, descriptions={obj.path: told})
        except ProjectError as error:
            messages.error(request, error.detail)
