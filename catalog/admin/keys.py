"""API keys in the admin: issued, shown once, revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from catalog import keys as writers
from catalog.admin_base import FastAdmin
from catalog.models import ApiKey


class ApiKeyForm(forms.ModelForm):
    """What a new key may do."""

    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "rate_per_minute", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(FastAdmin):
    """What callers of the API may do, and how often."""

    form = ApiKeyForm
    list_display = (
        "name",
        "prefix",
        "scope_names",
        "rate_per_minute",
        "state",
        "last_used_at",
        "created_at",
    )
    search_fields = ("name", "prefix")
    ordering = ("-created_at",)
    actions = ("revoke",)
    add_fieldsets = ((None, {"fields": ("name", "scopes", "rate_per_minute", "expires_at")}),)
    fields = (
        "name",
        "prefix",
        "scope_names",
        "rate_per_minute",
        "expires_at",
        ("state", "last_used_at"),
        ("created_by", "created_at", "revoked_at"),
    )
    readonly_fields = (
        "prefix",
        "scope_names",
        "state",
        "last_used_at",
        "created_by",
        "created_at",
        "revoked_at",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is issued or revoked; its rights never change under a caller's feet."""
        return False if isinstance(obj, ApiKey) else super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A revoked key stays, so that the log of what it did can be read."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Issue the key and show its secret, this once."""
        key, secret = writers.issue_key(
            name=obj.name,
            scopes=form.cleaned_data["scopes"],
            rate_per_minute=obj.rate_per_minute,
            created_by=request.user if request.user.is_authenticated else None,
            expires_at=obj.expires_at,
        )
        obj.pk = key.pk
        obj.refresh_from_db()
        messages.warning(
            request,
            format_html(
                "This is the key. Copy it now: only its hash is kept and it is not shown again."
                ' <code class="foray-secret">{}</code>',
                secret,
            ),
        )

    @action(description="Revoke", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """From now on these keys are refused."""
        keys = list(queryset.filter(revoked_at__isnull=True))
        for key in keys:
            writers.revoke(key=key)
        messages.success(
            request, f"{len(keys)} revoked; callers with them are refused from now on."
        )

    @display(description="may")
    def scope_names(self, key: ApiKey) -> str:
        """The scopes."""
        return ", ".join(key.scopes)

    @display(
        description="state", label={"active": "success", "revoked": "danger", "expired": "warning"}
    )
    def state(self, key: ApiKey) -> str:
        """Active, revoked or expired."""
        if key.revoked_at:
            return "revoked"
        return "expired" if key.expires_at and key.expires_at <= timezone.now() else "active"
