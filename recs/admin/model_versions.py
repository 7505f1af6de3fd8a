"""Model versions in the admin: what was measured, side by side, promote, roll back."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from catalog.admin_base import ReadOnlyAdmin, open_row, tell
from catalog.errors import ProjectError
from catalog.models import Person
from recs import registry
from recs.admin.comparison import differing, persons_lists
from recs.admin.cuts import cut_report
from recs.admin.match_filter import PAGE as MATCH_FILTER_PAGE
from recs.admin.match_filter import match_filter_page
from recs.admin.pictures import compared_slices, gate_report, learning_curve
from recs.match_cut import KEPT_AS
from recs.models import ModelVersion

CUTS = "Where search cuts"
STATES = {
    "live": "success",
    "candidate": "info",
    "training": "warning",
    "refused": "danger",
    "pruned": "warning",
}


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Each version with what the gate found; which one is live changes here in one action."""

    list_display = (
        "name", "kind", "state_name", "score", "as_of", "events", "people", "recall", "created_at",
    )  # fmt: skip
    list_filter = (("kind", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter))
    search_fields = ("name",)
    list_select_related = ("semantic_version",)
    ordering = ("-created_at",)
    actions = ("compare",)
    actions_detail = ("promote", "roll_back")
    fieldsets = (
        (None, {"fields": (("name", "kind", "state_name"), ("as_of", "seed", "semantic_version"))}),
        ("The gate", {"fields": ("gate_report",)}),
        (CUTS, {"fields": ("match_cut",)}),
        ("Training", {"fields": ("curve", ("events", "people", "items"))}),
        ("Vectors", {"fields": (("dimensions", "recall", "index_built_at"),)}),
        ("Times", {"fields": (("created_at", "promoted_at"), ("retired_at", "pruned_at"))}),
        ("Config and metrics", {"fields": ("config", "metrics", "manifest_sha256")}),
    )
    readonly_fields = ("state_name", "gate_report", "match_cut", "curve", "recall")

    def get_fieldsets(self, request: HttpRequest, obj: ModelVersion | None = None) -> Any:
        """Only a unified model cuts."""
        every = super().get_fieldsets(request, obj)
        cuts = obj is not None and obj.kind == ModelVersion.Kind.UNIFIED
        return [one for one in every if cuts or one[0] != CUTS]

    def get_urls(self) -> list[URLPattern]:
        """The page of two versions side by side, and that of the match filter."""
        view = self.admin_site.admin_view(self.compare_view)
        filters = self.admin_site.admin_view(match_filter_page)
        return [
            path("compare/", view, name="recs_modelversion_compare"),
            path("match-filter/", filters, name=MATCH_FILTER_PAGE),
            *super().get_urls(),
        ]

    def has_promote_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may change model versions; nothing else of them can be changed by hand."""
        return request.user.has_perm("recs.change_modelversion")

    def offers(self, name: str, row: ModelVersion) -> bool:
        """Promoting what can be promoted; back from the live one, where there is a way back."""
        if name == "promote":
            return row.state in registry.PROMOTABLE and row.pruned_at is None
        if name == "roll_back":
            return row.state == ModelVersion.State.LIVE and bool(registry.previous(row.kind))
        return True

    @action(
        description="Promote",
        icon="rocket_launch",
        permissions=["promote"],
        url_path="promote",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": "Make this version live?",
            "description": "The one that is live now is retired in the same step.",
            "form_submit_text": "Promote",
        },
    )
    def promote(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make it live, or say why it cannot be."""
        version = get_object_or_404(ModelVersion, pk=object_id)
        tell(request, lambda: f"{registry.promote(version=version)} is live.")
        return open_row(version)

    @action(
        description="Roll back",
        icon="undo",
        permissions=["promote"],
        url_path="roll-back",
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Go back to the version before the live one?",
            "description": "Of this version's kind. The live one is retired in the same step.",
            "form_submit_text": "Roll back",
        },
    )
    def roll_back(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make the version before the live one live, or say why that cannot be."""
        version = get_object_or_404(ModelVersion, pk=object_id)
        tell(request, lambda: f"{registry.roll_back(kind=version.kind)} is live again.")
        return open_row(registry.live(version.kind) or version)

    @action(description="Compare two versions")
    def compare(
        self, request: HttpRequest, queryset: QuerySet[ModelVersion]
    ) -> HttpResponse | None:
        """To the page that shows both side by side."""
        keys = list(queryset.order_by("created_at").values_list("pk", flat=True)[:3])
        if len(keys) != 2:
            messages.error(request, "Choose two versions to compare.")
            return None
        address = reverse("admin:recs_modelversion_compare")
        return redirect(f"{address}?first={keys[0]}&second={keys[1]}")

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Metrics, slices, config, and what changed for a person."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        first, second = (_chosen(request, name) for name in ("first", "second"))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Two versions side by side",
            "opts": self.model._meta,
            "versions": ModelVersion.objects.order_by("kind", "-created_at")[:100],
            "first": first,
            "second": second,
            "person": request.GET.get("person", "").replace("\x00", "").strip()[:200],
        }
        if first and second:
            context |= {
                "slices": compared_slices({f"{v.name}": v.gate for v in (first, second)}),
                "config": differing(first.config, second.config),
                "metrics": differing(first.metrics, second.metrics),
                **_lists(first, second, context["person"]),
            }
        return TemplateResponse(request, "admin/model_comparison.html", context)

    @display(description="state", ordering="state", label=STATES)
    def state_name(self, version: ModelVersion) -> str:
        """The state; "pruned" where its folder and vectors are gone."""
        return "pruned" if version.pruned_at else version.state

    @display(description="NDCG@10")
    def score(self, version: ModelVersion) -> str:
        """What the gate measured on all people."""
        for part in version.gate.get("slices", [])[:1]:
            if "candidate" in part["systems"]:
                return f"{part['systems']['candidate']['mean']:.4f}"
        return ""

    @display(description="index recall at 10", ordering="index_recall")
    def recall(self, version: ModelVersion) -> str:
        """The share of the exact best ten that its index finds."""
        return "" if version.index_recall is None else f"{version.index_recall:.3f}"

    @display(description="report")
    def gate_report(self, version: ModelVersion) -> SafeString:
        """The verdict in words, a picture, and its table."""
        return gate_report(version.gate)

    @display(description="cut")
    def match_cut(self, version: ModelVersion) -> SafeString:
        """What near in meaning is part of a search, and what that loses and removes."""
        return cut_report(version.metrics.get(KEPT_AS) or {})

    @display(description="learning curve")
    def curve(self, version: ModelVersion) -> SafeString:
        """Of the run that made it."""
        run = version.runs.order_by("-pk").first()
        return learning_curve(run.curve if run else [])


def _chosen(request: HttpRequest, name: str) -> ModelVersion | None:
    key = request.GET.get(name, "")
    found: ModelVersion | None = (
        ModelVersion.objects.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
    )
    return found


def _lists(first: ModelVersion, second: ModelVersion, external_id: str) -> dict[str, Any]:
    """What both would show the person, or why that cannot be said."""
    if not external_id:
        return {}
    person = Person.objects.filter(external_id=external_id).first()
    if person is None:
        return {"problem": f"There is no person '{external_id}'."}
    try:
        return {"lists": persons_lists(first, second, person)}
    except ProjectError as error:
        return {"problem": error.detail}
