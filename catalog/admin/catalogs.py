"""The catalogs beside the main one: made in the background, found by their host names."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from catalog import directory, scope
from catalog.admin_base import FastAdmin, LinesField
from catalog.enqueue import enqueue_job
from catalog.errors import InvalidInput
from catalog.models import Catalog

MAKE = "catalog.make_catalog"
DEMOS = [("none", "empty"), ("films", "films, with ratings"), ("store", "store, with orders")]


class CatalogForm(forms.ModelForm):
    """A name, which stays, and host names, which may change."""

    hosts = LinesField(
        label="Host names",
        required=False,
        help_text="Those that lead to it, one a line, without ports. Its keys do anyway.",
    )
    demo = forms.ChoiceField(
        choices=DEMOS, widget=UnfoldAdminSelectWidget, label="Begins with", initial="none"
    )

    class Meta:
        model = Catalog
        fields = ("name", "hosts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["demo"]
        else:
            self.fields["name"].help_text = "Small letters and digits: it is part of its keys."

    def clean_name(self) -> str:
        """Refuse what is no name."""
        name = str(self.cleaned_data["name"])
        if not scope.NAME.fullmatch(name) or name == scope.MAIN:
            raise ValidationError("1 to 30 small letters and digits, a letter first, not 'main'.")
        return name

    def clean_hosts(self) -> list[str]:
        """Refuse what is no host name, or leads elsewhere."""
        name = self.instance.name or self.cleaned_data.get("name", "")
        try:
            return directory.check_hosts(self.cleaned_data["hosts"], name=name)
        except InvalidInput as error:
            raise ValidationError(error.detail) from error


@admin.register(Catalog)
class CatalogAdmin(FastAdmin):
    """For who runs the installation; in the main catalog only. Removing one takes a command."""

    form = CatalogForm
    list_display = ("name", "host_names", "state_name", "created_at")
    ordering = ("name",)
    search_fields = ("name",)
    list_filter_submit = False

    def get_fields(self, request: HttpRequest, obj: Catalog | None = None) -> tuple[str, ...]:
        """What it begins with is asked once."""
        return ("name", "hosts", "state_name", "created_at") if obj else ("name", "hosts", "demo")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Catalog | None = None
    ) -> tuple[str, ...]:
        """Its name is in its schema and its keys."""
        return ("name", "state_name", "created_at") if obj else ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers of the main catalog."""
        return may_keep(request)

    def has_view_permission(self, request: HttpRequest, obj: Catalog | None = None) -> bool:
        """Superusers of the main catalog."""
        return may_keep(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers of the main catalog."""
        return may_keep(request)

    def has_change_permission(self, request: HttpRequest, obj: Catalog | None = None) -> bool:
        """Superusers of the main catalog."""
        return may_keep(request)

    def has_delete_permission(self, request: HttpRequest, obj: Catalog | None = None) -> bool:
        """Nobody drops all of a catalog with a click: `manage.py catalogs remove`."""
        return False

    def save_model(self, request: HttpRequest, obj: Catalog, form: Any, change: bool) -> None:
        """Store it, and have a new one made."""
        super().save_model(request, obj, form, change)
        directory.forget()
        if not change:
            params = {"name": obj.name, "demo": form.cleaned_data["demo"]}
            enqueue_job(MAKE, kind=MAKE, params=params)
            messages.info(
                request,
                f"'{obj.name}' is being made; Jobs tells how far it is. Administrators of the main "
                "catalog sign in there with the same name and password.",
            )

    @display(description="host names")
    def host_names(self, catalog: Catalog) -> str:
        """All of them, or how it is reached without."""
        return ", ".join(catalog.hosts) or "none: by its keys"

    @display(description="state", label={"being made": "info", "ready": "success"})
    def state_name(self, catalog: Catalog) -> str:
        """In words."""
        return catalog.get_state_display()


def may_keep(request: HttpRequest) -> bool:
    """Whether somebody keeps the installation's catalogs: superusers of the main one."""
    return scope.current() == scope.MAIN and bool(getattr(request.user, "is_superuser", False))
