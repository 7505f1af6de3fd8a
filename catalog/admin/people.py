"""People in the admin: who has a history here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from catalog.admin_base import FastAdmin, links, open_row
from catalog.enqueue import enqueue_job
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
    actions_detail = ("erase",)
    readonly_fields = ("external_id", "account", "created_at", "history")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People appear with their first event."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """A history takes time to erase: the action hands it to a worker."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        """People whose id begins so."""
        term = search_term.replace("\x00", "").strip()
        return (queryset.filter(external_id__startswith=term) if term else queryset), False

    @action(
        description="Erase",
        icon="delete_forever",
        permissions=["change"],
        url_path="erase",
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Erase this person?",
            "description": "Their events, searches and labels are deleted for good by a worker.",
            "form_submit_text": "Erase",
        },
    )
    def erase(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Hand the erasure to a worker, as a job that can be watched."""
        person = get_object_or_404(Person, pk=object_id)
        job = enqueue_job(
            "catalog.erase_person", kind="catalog.erase_person", params={"person_id": person.pk}
        )
        messages.success(request, f"Everything about {person} is being erased.")
        return open_row(job)

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
