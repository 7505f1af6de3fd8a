"""The ban list in the admin: what a line would hide is seen before it counts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.decorators import display

from catalog.admin_base import FastAdmin
from catalog.errors import ProjectError
from search.ban_store import hidden_by, save_ban
from search.bans import read_ban
from search.models import BannedPattern
from search.text import normalize_query

HELP = {
    "pattern": "A phrase: no query that holds these words together is shown. With * the whole"
    " query must fit, * standing for anything: “kill *” begins so, “*porn*” holds it anywhere."
    " Capitals, accents and punctuation make no difference; write plurals as lines of their own.",
    "note": "Why, for other editors.",
}


class BanForm(forms.ModelForm):
    """A line of the ban list. It is stored once its effect has been seen."""

    # The line whose effect the editor saw.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = BannedPattern
        fields = ("pattern", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, help_text in HELP.items():
            if name in self.fields:
                self.fields[name].help_text = help_text
        self.instance.tried = self.instance.pattern or self.initial.get("pattern", "")

    def clean(self) -> dict[str, Any]:
        """Checked; a line that the editor has not seen the effect of is shown with it first."""
        data: dict[str, Any] = super().clean() or {}
        if "pattern" not in data:
            return data
        try:
            ban = read_ban(data["pattern"])
        except ProjectError as error:
            self.add_error("pattern", error.detail)
            return data
        self.instance.tried = ban
        if BannedPattern.objects.filter(pattern=ban).exclude(pk=self.instance.pk).exists():
            self.add_error("pattern", f"“{ban}” is banned already.")
        elif ban not in (data.get("seen"), self.instance.pattern):
            self._show_first(ban)
        return data

    def _show_first(self, ban: str) -> None:
        posted: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        posted[self.add_prefix("seen")] = ban
        self.data = posted
        found = hidden_by(ban)
        self.add_error(
            None,
            f"Not stored yet. It hides {found.stored:,} stored queries, {found.shown:,} of them"
            " shown now; they are below. Save again to ban it.",
        )


@admin.register(BannedPattern)
class BannedPatternAdmin(FastAdmin):
    """What no query that is shown may hold."""

    form = BanForm
    list_display = ("pattern", "note", "created_by", "created_at", "updated_at")
    search_fields = ("pattern",)
    search_help_text = "Words of the pattern, or a query that it would hide"
    ordering = ("-updated_at", "pk")
    fields = ("pattern", "note", "seen", "hides", "created_by", "created_at")
    readonly_fields = ("hides", "created_by", "created_at")

    def get_fields(self, request: HttpRequest, obj: BannedPattern | None = None) -> list[str]:
        """Who and when once there is somebody; the line that was seen for who may change it."""
        told = ["pattern", "note", "hides"]
        if self.has_change_permission(request, obj):
            told.append("seen")
        return [*told, "created_by", "created_at"] if obj else told

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With a query that a link brings along; its effect is shown at once."""
        given = super().get_changeform_initial_data(request)
        try:
            return {**given, "seen": read_ban(given["pattern"])} if given.get("pattern") else given
        except ProjectError:
            return given

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BannedPattern], search_term: str
    ) -> tuple[QuerySet[BannedPattern], bool]:
        """Lines that hold the words."""
        words = normalize_query(search_term)
        return (queryset.filter(pattern__contains=words) if words else queryset), False

    def save_model(self, request: HttpRequest, obj: BannedPattern, form: Any, change: bool) -> None:
        """Kept with who banned it first."""
        row = save_ban(
            line=form.cleaned_data["pattern"],
            note=form.cleaned_data["note"],
            by=request.user.get_username(),
            pk=obj.pk if change else None,
        )
        obj.pk = row.pk
        obj.refresh_from_db()

    @display(description="hides now")
    def hides(self, row: BannedPattern) -> str:
        """Counts and the first queries, of the line that is being tried."""
        line = getattr(row, "tried", "") or row.pattern
        try:
            found = hidden_by(line) if line else None
        except ProjectError:
            found = None
        return render_to_string("admin/ban_preview.html", {"found": found})
