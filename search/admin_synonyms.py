"""Synonyms in the admin: stated, looked at with their effect on past queries, then approved."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from catalog.admin_base import FastAdmin, LinesMixin
from catalog.errors import ProjectError
from search.models import Synonym
from search.synonym_effects import effects
from search.synonym_sets import SynonymSet
from search.synonym_store import review_synonyms, state
from search.synonyms import approved_table, set_of
from search.text import normalize_query

HELP = {
    "words": "Words or phrases, one a line.",
    "finds": "One a line. Empty: each of the above finds what the others find."
    " Else the above find this as well, and this does not find them.",
}


class SynonymForm(forms.ModelForm):
    """Phrases, a line each."""

    class Meta:
        model = Synonym
        fields = ("words", "finds", "review")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, help_text in HELP.items():
            if name in self.fields:
                self.fields[name].help_text = help_text

    def clean(self) -> dict[str, Any]:
        """In normal form; what cannot be a set is refused at its field."""
        data: dict[str, Any] = super().clean() or {}
        if "words" not in data:
            return data
        try:
            stated = SynonymSet.read(data["words"], data.get("finds", ()))
        except ProjectError as error:
            self.add_error(error.field or "words", error.detail)
            return data
        if Synonym.objects.filter(key=stated.key).exclude(pk=self.instance.pk).exists():
            self.add_error("words", "The same set stands already.")
        return {**data, "stated": stated}


@admin.register(Synonym)
class SynonymAdmin(LinesMixin, FastAdmin):
    """What people type, and what else it should find."""

    form = SynonymForm
    list_display = ("said", "review_state", "source", "why", "reviewed", "updated_at")
    list_filter = (("review", ChoicesDropdownFilter), ("source", ChoicesDropdownFilter))
    search_fields = ("words", "finds")
    search_help_text = "A phrase"
    ordering = ("-updated_at", "pk")
    actions = ("approve", "reject")
    readonly_fields = ("effect", "source", "why", "reviewed")

    def get_fields(self, request: HttpRequest, obj: Synonym | None = None) -> list[Any]:
        """Stated first; its effect and the review stand on its page."""
        stated: list[Any] = ["words", "finds"]
        return [*stated, "effect", "review", ("source", "why"), "reviewed"] if obj else stated

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With a phrase that a link brings along."""
        given = super().get_changeform_initial_data(request)
        return {**given, "words": [given["words"]] if given.get("words") else []}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Synonym], search_term: str
    ) -> tuple[QuerySet[Synonym], bool]:
        """Sets that hold the phrase."""
        phrase = normalize_query(search_term)
        if not phrase:
            return queryset, False
        held = queryset.filter(words__contains=[phrase]) | queryset.filter(finds__contains=[phrase])
        return held, False

    def save_model(self, request: HttpRequest, obj: Synonym, form: Any, change: bool) -> None:
        """A new or another set is a proposal; a review is kept with who decided it and when."""
        by = request.user.get_username()
        row = state(stated=form.cleaned_data["stated"], by=by, pk=obj.pk if change else None)
        is_same = change and not {"words", "finds"} & set(form.changed_data)
        if is_same and "review" in form.changed_data:
            review_synonyms(ids=[row.pk], review=form.cleaned_data["review"], by=by)
        obj.pk = row.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Synonym, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To its own page, where its effect is shown before it is approved."""
        messages.info(request, "Stored as a proposal. Look at its effect, then approve it.")
        return redirect(reverse("admin:search_synonym_change", args=[obj.pk]))

    @action(description="Approve: count from the next search on", permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> None:
        """They count."""
        self._review(request, queryset, Synonym.Review.APPROVED)

    @action(description="Reject (never proposed again)", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> None:
        """They do not count."""
        self._review(request, queryset, Synonym.Review.REJECTED)

    def _review(self, request: HttpRequest, queryset: QuerySet[Synonym], review: str) -> None:
        ids = list(queryset.order_by().values_list("pk", flat=True))
        changed = review_synonyms(ids=ids, review=review, by=request.user.get_username())
        messages.success(request, f"{changed:,} of {len(ids):,} selected are now {review}.")

    @display(description="synonyms", ordering="words")
    def said(self, row: Synonym) -> str:
        """The set in a line."""
        return str(row)

    @display(
        description="review",
        ordering="review",
        label={"proposed": "warning", "approved": "success", "rejected": "danger"},
    )
    def review_state(self, row: Synonym) -> str:
        """The state of its review."""
        return row.review

    @display(description="why")
    def why(self, row: Synonym) -> str:
        """What speaks for it."""
        told = row.evidence
        parts = [f"stated by {told['by']}"] if told.get("by") else []
        if "similarity" in told:
            kind = "choices" if row.source == Synonym.Source.CLICKS else "meaning"
            parts.append(f"{told['similarity']:.2f} alike in {kind}")
        if told.get("people"):
            parts.append("typed by " + " and ".join(f"{n:,}" for n in told["people"]) + " people")
        if told.get("shared"):
            parts.append("both led to " + ", ".join(told["shared"][:3]))
        return "; ".join(parts)

    @display(description="reviewed", ordering="reviewed_at")
    def reviewed(self, row: Synonym) -> str:
        """By whom and when."""
        return f"{row.reviewed_by}, {row.reviewed_at:%Y-%m-%d}" if row.reviewed_at else ""

    @display(description="effect on past queries")
    def effect(self, row: Synonym) -> str:
        """Queries that hold a phrase of it, with it and without, beside all approved sets."""
        found = effects(set_of(row), approved_table(without=row.pk))
        return render_to_string("admin/synonym_effect.html", {"effects": found})
