"""The switch of each surface, and the weights of quality, in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from catalog.admin_base import FastAdmin
from recs.ml.unified.quality import BOUND, NAMES
from recs.models import ModelVersion, QualityWeights, Surface
from recs.surfaces import forget_settings


@admin.register(Surface)
class SurfaceAdmin(FastAdmin):
    """Who answers each surface, for whom not, and how its lists are mixed."""

    list_display = (
        "key", "engine", "control_percent", "diversity_percent", "most_of_creator",
        "most_of_category", "match_filter",
        "match_filter_by", "updated_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("key", "engine", "control_percent")}),
        ("Diversity", {"fields": (("diversity_percent", "most_of_creator", "most_of_category"),)}),
    )

    def save_model(self, request: HttpRequest, obj: Surface, form: Any, change: bool) -> None:
        """This process knows at once, the others within a second."""
        super().save_model(request, obj, form, change)
        forget_settings()


class WeightsForm(forms.ModelForm):
    """Weights within the bounds of the search that found the version's own."""

    class Meta:
        model = QualityWeights
        fields = ("version", *NAMES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in NAMES:
            self.fields[name].help_text = f"0 to {BOUND:g}: most that it may add to a cosine."

    def clean(self) -> dict[str, Any]:
        """Refuse what lies outside the bounds, and says them."""
        given = super().clean() or {}
        for name in NAMES:
            value = given.get(name)
            if value is not None and not 0 <= value <= BOUND:
                self.add_error(name, f"A weight of quality lies between 0 and {BOUND:g}.")
        return given


@admin.register(QualityWeights)
class QualityWeightsAdmin(FastAdmin):
    """How much popularity, recency, rating and freshness count, with what each value did."""

    form = WeightsForm
    list_display = ("version", *NAMES, "updated_at")
    list_select_related = ("version",)
    fieldsets = (
        (None, {"fields": ("version", *NAMES)}),
        ("What they did to the gate's requests", {"fields": ("measured",)}),
    )
    readonly_fields = ("measured",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Versions of the unified model alone."""
        if db_field.name == "version":
            kwargs["queryset"] = _versions()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description="effects")
    def measured(self, weights: QualityWeights | None) -> SafeString:
        """Recall of what followed, and rating and freshness of the first page, by weight."""
        version = weights.version if weights and weights.pk else _versions().first()
        rows = version.metrics.get("quality", []) if version else []
        context = {"rows": rows, "names": NAMES, "version": version}
        return mark_safe(render_to_string("admin/quality_effects.html", context))  # noqa: S308


def _versions() -> QuerySet[ModelVersion]:
    found: QuerySet[ModelVersion] = (
        ModelVersion.objects.of_kind(ModelVersion.Kind.UNIFIED).kept().order_by("-created_at")
    )
    return found
