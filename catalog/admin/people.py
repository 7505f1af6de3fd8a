"""People in the admin: who has a history here."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from catalog.admin_base import FastAdmin, links
from catalog.models import Person


@admin.register(Person)
class PersonAdmin(FastAdmin):
    """Known by the caller's id and by nothing else."""

    list_display = ("external_id", "is_demo", "account", "created_at", "history")
    list_filter = (("is_demo", BooleanRadioFilter),)
    list_select_related = ("account",)
    search_fields = ("external_id",)
    search_help_text = "The beginning of an external ID"
    ordering = ("-id",)
    fields = ("external_id", "is_demo", "account", "created_at", "history")
    readonly_fields = ("external_id", "account", "created_at", "history")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People appear with their first event."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """A history is erased on the person's own page or by the erase_person command."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        """People whose id begins so."""
        term = search_term.replace("\x00", "").strip()
        return (queryset.filter(external_id__startswith=term) if term else queryset), False

    @display(description="history")
    def history(self, person: Person) -> SafeString:
        """Links to what they did, searched and were judged by."""
        return links(
            [
                (
                    words,
                    f"{reverse(f'admin:catalog_{model}_changelist')}?person__id__exact={person.pk}",
                )
                for words, model in (
                    ("Events", "event"),
                    ("Searches", "answer"),
                    ("Labels", "label"),
                )
            ]
        )
