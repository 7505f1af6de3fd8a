"""Labels in the admin: what people, models and LLMs said, and one's own judgement."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from catalog.admin_base import FastAdmin
from catalog.labels import set_label
from catalog.models import Label

CSV_COLUMNS = ("kind", "query", "person", "item", "grade", "source", "labeller", "note", "at")


def disputed(queryset: QuerySet[Label]) -> QuerySet[Label]:
    """Labels that somebody else graded differently."""
    others = Label.objects.filter(
        Q(person=OuterRef("person")) | Q(person__isnull=True, query=OuterRef("query")),
        item=OuterRef("item"),
        kind=OuterRef("kind"),
    ).exclude(grade=OuterRef("grade"))
    return queryset.filter(Exists(others))


class DisputeFilter(DropdownFilter):
    """Labels that people disagree on."""

    title = "agreement"
    parameter_name = "disputed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One choice."""
        return [("yes", "graded differently by somebody else")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Label]) -> QuerySet[Label]:
        """Disputed ones, when asked."""
        return disputed(queryset) if self.value() == "yes" else queryset


@admin.register(Label)
class LabelAdmin(FastAdmin):
    """Relevance of an item to a query, fit of an item to a person."""

    list_display = ("about", "item", "graded", "source", "labeller", "updated_at")
    list_select_related = ("item", "person")
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("grade", ChoicesDropdownFilter),
        DisputeFilter,
    )
    search_fields = ("query", "=labeller", "=item__external_id")
    search_help_text = "A query, a labeller, or an item's external ID"
    ordering = ("-created_at",)
    autocomplete_fields = ("item", "person")
    # Nothing chosen beforehand: a grade is given, not left standing.
    radio_fields = {"grade": admin.HORIZONTAL}
    fields = ("kind", "query", "person", "item", "grade", "note", "source", "labeller")
    readonly_fields = ("source", "labeller")
    actions = ("export_csv",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Label]:
        """Without the items' long columns."""
        rows = super().get_queryset(request)
        return rows.defer("item__search_vector", "item__description", "item__keywords")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Label | None = None
    ) -> tuple[str, ...]:
        """What was judged is given once; the grade and the note may be thought over."""
        asked = ("kind", "query", "person", "item") if obj else ()
        return (*self.readonly_fields, *asked)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A relevance label, unless the link says otherwise."""
        return {"kind": Label.Kind.RELEVANCE, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody changes their own; one answers another's with a label of one's own."""
        allowed = super().has_change_permission(request, obj)
        own = not isinstance(obj, Label) or obj.labeller == request.user.get_username()
        return allowed and own

    def save_model(self, request: HttpRequest, obj: Label, form: Any, change: bool) -> None:
        """In the signed-in person's name."""
        saved = set_label(
            kind=obj.kind,
            item_id=obj.item_id,
            grade=obj.grade,
            source=Label.Source.HUMAN,
            labeller=request.user.get_username(),
            query=obj.query,
            person=obj.person,
            account=request.user if request.user.is_authenticated else None,
            note=obj.note,
        )
        obj.pk = saved.pk
        obj.refresh_from_db()

    @action(description="Export as CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Label]) -> StreamingHttpResponse:
        """The selected labels, a row each, streamed."""
        response = StreamingHttpResponse(
            _csv_lines(queryset.select_related("item", "person")),
            content_type="text/csv; charset=utf-8",
        )
        response["Content-Disposition"] = 'attachment; filename="labels.csv"'
        return response

    @display(description="query or person")
    def about(self, label: Label) -> str:
        """What the item was judged for."""
        return label.query or f"person {label.person}"

    @display(
        description="grade",
        ordering="grade",
        label={"0 bad": "danger", "1 fair": "warning", "2 good": "info", "3 perfect": "success"},
    )
    def graded(self, label: Label) -> str:
        """The grade and its name."""
        return label.get_grade_display()


class _Line:
    """A file that hands back what is written, as csv.writer wants one."""

    def write(self, text: str) -> str:
        return text


def _csv_lines(labels: QuerySet[Label]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(CSV_COLUMNS)
    for label in labels.iterator(chunk_size=1000):
        yield writer.writerow(
            _harmless(value)
            for value in (
                label.kind,
                label.query,
                label.person.external_id if label.person else "",
                label.item.external_id,
                label.grade,
                label.source,
                label.labeller,
                label.note,
                label.updated_at.isoformat(),
            )
        )


def _harmless(value: object) -> object:
    """Spreadsheets run a cell that begins like a formula; a quote before it stops that."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
