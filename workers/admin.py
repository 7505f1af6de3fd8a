"""The ledger of language models in the admin, and its limits with the switch that stops all."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesDropdownFilter
from unfold.decorators import display

from catalog.admin_base import FastAdmin, ReadOnlyAdmin
from workers.models import LlmCall, LlmLimit


@admin.register(LlmCall)
class LlmCallAdmin(ReadOnlyAdmin):
    """Each question that was asked: what for, at what cost, and what came of it."""

    list_display = (
        "created_at", "purpose", "outcome_name", "model", "tokens", "money", "milliseconds",
        "attempts",
    )  # fmt: skip
    list_filter = (("outcome", ChoicesDropdownFilter), ("purpose", AllValuesCheckboxFilter))
    search_fields = ("=input_hash", "=model")
    ordering = ("-created_at",)
    actions = None
    fieldsets = (
        (None, {"fields": (("purpose", "prompt_version"), ("model", "revision"), "outcome_name")}),
        ("What it took", {"fields": (("input_tokens", "output_tokens", "money"),
                                     ("milliseconds", "attempts", "created_at"))}),
        ("What came back", {"fields": ("answer", "error", "input_hash", "job")}),
    )  # fmt: skip
    readonly_fields = ("outcome_name",)

    @display(
        description="outcome",
        label={
            "answered": "success",
            "known already": "info",
            "not what was asked for": "warning",
            "no answer": "danger",
            "not asked: a limit": "warning",
        },
    )
    def outcome_name(self, call: LlmCall) -> str:
        """In words."""
        return call.get_outcome_display()

    @display(description="tokens")
    def tokens(self, call: LlmCall) -> str:
        """Given and made."""
        return f"{call.input_tokens:,} + {call.output_tokens:,}"


class LlmLimitForm(forms.ModelForm):
    """Limits of a day."""

    class Meta:
        model = LlmLimit
        fields = ("purpose", "is_stopped", "calls_a_day", "tokens_a_day", "money_a_day")
        help_texts = {
            "purpose": "Such as “queries”. Empty: everything together.",
            "is_stopped": "Nothing is asked from the next call on; a running job ends.",
            "calls_a_day": "From midnight to midnight UTC. Empty: no limit; 0: none at all.",
        }


@admin.register(LlmLimit)
class LlmLimitAdmin(FastAdmin):
    """How much language models may be asked; without a row there is no limit."""

    form = LlmLimitForm
    list_display = (
        "__str__", "state_name", "calls_a_day", "tokens_a_day", "money_a_day", "updated_by",
        "updated_at",
    )  # fmt: skip
    ordering = ("purpose",)

    def save_model(self, request: HttpRequest, obj: LlmLimit, form: Any, change: bool) -> None:
        """With who did it."""
        obj.updated_by = request.user.get_username()[:150]
        super().save_model(request, obj, form, change)

    @display(description="state", label={"stopped": "danger", "running": "success"})
    def state_name(self, limit: LlmLimit) -> str:
        """Whether anything is asked."""
        return "stopped" if limit.is_stopped else "running"
