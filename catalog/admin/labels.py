"""Labels in the admin: what people, models and LLMs said, and one's own judgement."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from catalog.admin.label_files import LabelFileForm, import_upload
from catalog.admin_base import FastAdmin, tell
from catalog.judging.exports import CSV, JSON_LINES, TREC, lines_of
from catalog.judging.known import set_known
from catalog.labels import is_stale, set_label, stale
from catalog.models import Label

SUFFIXES = {CSV: "csv", JSON_LINES: "jsonl", TREC: "qrels"}


def disputed(queryset: QuerySet[Label]) -> QuerySet[Label]:
    """Labels that somebody else graded differently, and no adjudicator decided on."""
    same_pair = Label.objects.filter(
        Q(person=OuterRef("person")) | Q(person__isnull=True, query=OuterRef("query")),
        item=OuterRef("item"),
        kind=OuterRef("kind"),
    )
    others = same_pair.exclude(grade=OuterRef("grade"))
    decided = same_pair.filter(source=Label.Source.FINAL)
    return queryset.filter(Exists(others), ~Exists(decided))


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


class StaleFilter(DropdownFilter):
    """Labels of another text of the item, or of another version of the guideline."""

    title = "item and guideline"
    parameter_name = "stale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Stale or not."""
        return [("yes", "changed since: stale"), ("no", "as they were judged")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Label]) -> QuerySet[Label]:
        """By both, when asked."""
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(stale() if self.value() == "yes" else ~stale())


@admin.register(Label)
class LabelAdmin(FastAdmin):
    """Relevance of an item to a query, fit of an item to a person."""

    list_display = ("about", "item", "graded", "source", "labeller", "counts", "updated_at")
    list_select_related = ("item", "person")
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("grade", ChoicesDropdownFilter),
        DisputeFilter,
        StaleFilter,
    )
    search_fields = ("query", "=labeller", "=item__external_id")
    search_help_text = "A query, a labeller, or an item's external ID"
    ordering = ("-created_at",)
    autocomplete_fields = ("item", "person")
    # Nothing chosen beforehand: a grade is given, not left standing.
    radio_fields = {"grade": admin.HORIZONTAL}
    fields = (
        "kind", "query", "person", "item", "grade", "note", ("source", "labeller"),
        ("counts", "guideline"), ("propensity", "confidence"),
    )  # fmt: skip
    readonly_fields = ("source", "labeller", "counts", "guideline", "propensity", "confidence")
    actions = ("export_csv", "export_json", "export_trec", "make_known", "make_unknown")
    actions_list = ("to_import",)

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

    def get_urls(self) -> list[URLPattern]:
        """The page of importing beside the list."""
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="catalog_label_import"), *super().get_urls()]

    def has_adjudicate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may say which answers are known."""
        return request.user.has_perm("catalog.adjudicate_pair")

    @action(description="Import", url_path="to-import", icon="upload", permissions=["add"])
    def to_import(self, request: HttpRequest) -> HttpResponse:
        """To the page of importing."""
        return redirect(reverse("admin:catalog_label_import"))

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A file is read at once: its good rows are kept, the bad ones told with their lines."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = LabelFileForm(request.POST or None, request.FILES or None)
        report = import_upload(form) if request.method == "POST" and form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": "Import labels",
            "opts": self.model._meta,
            "form": form,
            "report": report,
        }
        return TemplateResponse(request, "admin/label_import.html", context)

    @action(description="Export as CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Label]) -> StreamingHttpResponse:
        """The selected labels, a row each, streamed."""
        return _file(queryset, CSV, "text/csv")

    @action(description="Export as JSON Lines")
    def export_json(self, request: HttpRequest, queryset: QuerySet[Label]) -> StreamingHttpResponse:
        """The selected labels, an object each, streamed."""
        return _file(queryset, JSON_LINES, "application/jsonl")

    @action(description="Export as qrels (TREC)")
    def export_trec(self, request: HttpRequest, queryset: QuerySet[Label]) -> StreamingHttpResponse:
        """A grade for each pair of the selected labels, where they agree on one."""
        return _file(queryset, TREC, "text/plain")

    @action(description="Use as known answers (adjudicated ones)", permissions=["adjudicate"])
    def make_known(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        """Mixed in among what judges are asked."""
        self._known(request, queryset, known=True)

    @action(description="No longer use as known answers", permissions=["adjudicate"])
    def make_unknown(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        """Asked of nobody any more."""
        self._known(request, queryset, known=False)

    def _known(self, request: HttpRequest, queryset: QuerySet[Label], *, known: bool) -> None:
        labels = queryset.select_related("item")
        tell(request, lambda: f"{set_known(labels=labels, known=known):,} pairs changed.")

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

    @display(description="counts", label={"stale": "warning", "yes": "success"})
    def counts(self, label: Label) -> str:
        """Whether it is of the item and the guideline as they are."""
        return "stale" if is_stale(label) else "yes"


def _file(labels: QuerySet[Label], format: str, content_type: str) -> StreamingHttpResponse:
    """The labels as a file, streamed."""
    response = StreamingHttpResponse(
        lines_of(labels, format=format), content_type=f"{content_type}; charset=utf-8"
    )
    name = f"labels.{SUFFIXES[format]}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
