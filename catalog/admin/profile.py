"""The profile in the admin: one row, so its list is its form."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from catalog.admin_base import LinesMixin
from catalog.models import Profile
from catalog.profiles import current_profile, save_profile


@admin.register(Profile)
class ProfileAdmin(LinesMixin, ModelAdmin):
    """The words and facets of this catalog."""

    compressed_fields = True
    readonly_fields = ("updated_at",)
    fieldsets = (
        ("The site", {"fields": ("name", "tagline")}),
        (
            "Its words",
            {"fields": (("item_noun", "item_noun_plural"), ("creator_noun", "category_noun"))},
        ),
        (
            "Facets and facts",
            {"fields": ("range_facet", "facet_attributes", "name_attributes", "fact_attributes")},
        ),
        (None, {"fields": (("currency", "updated_at"),)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """There is always one."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Straight to the form."""
        return redirect(reverse("admin:catalog_profile_change", args=[current_profile().pk]))

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: bool) -> None:
        """Through the writer, so that pages see it at once."""
        save_profile(**{name: form.cleaned_data[name] for name in form.changed_data})
