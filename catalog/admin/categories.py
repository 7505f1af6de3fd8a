"""What categories are called, in the admin: a person's name wins over a written one."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from catalog.admin_base import FastAdmin
from catalog.category_names import Source, checked_name, name_category, take_name_back
from catalog.errors import ProjectError
from catalog.models import CategoryName


class CategoryNameForm(forms.ModelForm):
    """Goes through the writer, and says at which field it refuses."""

    class Meta:
        model = CategoryName
        fields = ("path", "name", "line")
        help_texts = {
            "path": "As items have it, with “/” between the levels. Filters and addresses keep it.",
            "line": "Below the heading of the category's page. May be empty.",
        }

    def clean(self) -> dict[str, Any]:
        """The cleaned values, refused where the writer refuses them."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        path = self.instance.path or values["path"]
        try:
            checked_name(path=path, name=values["name"], line=values["line"])
        except ProjectError as error:
            self.add_error(error.field if error.field in self.fields else None, error.detail)
        return values


@admin.register(CategoryName)
class CategoryNameAdmin(FastAdmin):
    """Categories whose stored value does not read well, and what they are called instead."""

    form = CategoryNameForm
    list_display = ("path", "name", "line", "source", "updated_at")
    list_filter = (("source", ChoicesDropdownFilter),)
    search_fields = ("path", "name")
    ordering = ("path",)
    fields = ("path", "name", "line")
    actions = None

    def get_readonly_fields(
        self, request: HttpRequest, obj: CategoryName | None = None
    ) -> tuple[str, ...]:
        """The category is chosen once."""
        return ("path",) if obj else ()

    def save_model(self, request: HttpRequest, obj: CategoryName, form: Any, change: bool) -> None:
        """Through the writer, so that pages see it at once."""
        row = name_category(path=obj.path, name=obj.name, line=obj.line, source=Source.PERSON)
        obj.pk = row.pk

    def delete_model(self, request: HttpRequest, obj: CategoryName) -> None:
        """Called by its path again."""
        take_name_back(path=obj.path, name=obj.name, source=obj.source)
