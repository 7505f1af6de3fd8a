"""Rules in the admin: stated as drafts, looked at beside the list as it is, then switched on."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from catalog.admin_base import FastAdmin, LinesField, LinesMixin
from catalog.errors import Conflict, ProjectError
from search.models import Rule
from search.rule_input import RuleInput
from search.rule_items import names_of
from search.rule_preview import previews
from search.rule_store import lock_rule, save_rule, switch_rules
from search.text import normalize_query

STATED = (
    "name",
    "match",
    "patterns",
    "action",
    "items",
    "position",
    "categories",
    "creators",
    "countries",
    "target",
    "text",
    "starts_at",
    "ends_at",
    "priority",
)
LABELS = {"patterns": "Queries", "position": "Place", "target": "Leads to", "text": "Says"}
HELP = {
    "name": "Shown to editors, and told by the API beside each hit that the rule moved.",
    "patterns": "One a line. Capitals, accents and punctuation make no difference.",
    "position": "Of the first item; the others follow it.",
    "categories": "One a line. All items of these, beside the items named above.",
    "creators": "One a line. Together with a category: items that have both.",
    "countries": "One a line.",
    "target": "A page of this site, such as /browse/Comedy, or the words of a search.",
    "text": "Plain text, a line above the list.",
    "starts_at": "UTC. Empty: from now on.",
    "ends_at": "UTC. Empty: until it is switched off.",
    "priority": "Where rules speak of the same item, the highest number wins.",
    "is_on": "Counts from the next search on, within its dates.",
}
_MOVES = "['boost', 'bury', 'hide'].includes(action)"
_SEEN_AGAIN = (
    " What you typed is kept below, not stored. Look at {url} in another tab; to put yours in its"
    " place, save again."
)


class RuleForm(forms.ModelForm):
    """A rule in an editor's words: items by title, queries and values a line each."""

    items = LinesField(
        required=False,
        help_text="One a line: a title, a title with its year, or an external ID.",
    )
    # The revision that the editor saw.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Rule
        fields = tuple(name for name in (*STATED, "is_on") if name != "items")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, help_text in HELP.items():
            if name in self.fields:
                self.fields[name].help_text = help_text
                self.fields[name].label = LABELS.get(name, self.fields[name].label)
        if self.instance.pk:
            self.initial["items"] = names_of(self.instance.item_ids)
            self.initial["seen"] = self.instance.revision
        if self.is_bound:
            # The page is shown again only where something is wrong with what was typed.
            self.instance.preview_html = "Shown again once it is stored."

    def clean(self) -> dict[str, Any]:
        """Checked as a whole; what is wrong is said at its field, and nothing typed is lost."""
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            stated = RuleInput.read(data, rule_id=self.instance.pk or 0)
            if self.instance.pk:
                lock_rule(pk=self.instance.pk, revision=data.get("seen") or 0)
        except Conflict as error:
            self._say_who(error)
        except ProjectError as error:
            self.add_error(error.field if error.field in self.fields else None, error.detail)
        else:
            data["stated"] = stated
        return data

    def _say_who(self, error: Conflict) -> None:
        """Saved again, it takes the other's place: the editor knows of it now."""
        stored = Rule.objects.only("revision").get(pk=self.instance.pk)
        posted: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        posted[self.add_prefix("seen")] = str(stored.revision)
        self.data = posted
        url = reverse("admin:search_rule_change", args=[stored.pk])
        self.add_error(None, error.detail + _SEEN_AGAIN.format(url=url))


class StateFilter(DropdownFilter):
    """Rules by whether they count now."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Off, running, not yet, over."""
        return list(Rule.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        """By the switch and the dates."""
        now = timezone.now()
        over, waiting = Q(ends_at__lte=now), Q(starts_at__gt=now)
        conditions = {
            Rule.State.OFF: Q(is_on=False),
            Rule.State.OVER: Q(is_on=True) & over,
            Rule.State.WAITING: Q(is_on=True) & waiting & ~over,
            Rule.State.RUNNING: Q(is_on=True)
            & (Q(starts_at__isnull=True) | Q(starts_at__lte=now))
            & (Q(ends_at__isnull=True) | Q(ends_at__gt=now)),
        }
        condition = conditions.get(self.value())
        return queryset.filter(condition) if condition is not None else queryset


@admin.register(Rule)
class RuleAdmin(LinesMixin, FastAdmin):
    """What editors want of some searches."""

    form = RuleForm
    list_display = ("name", "meant", "does", "state", "dates", "who")
    list_filter = (StateFilter, ("action", ChoicesDropdownFilter))
    search_fields = ("name", "patterns")
    search_help_text = "Words of the name, or a query as the rule states it"
    ordering = ("-updated_at", "pk")
    actions = ("switch_on", "switch_off")
    readonly_fields = ("preview", "history")
    # Without scripts all fields are there, and what an action has no use for is left out.
    conditional_fields = {
        "patterns": "!['every', 'browse'].includes(match)",
        "items": f"action == 'pin' || {_MOVES}",
        "position": "action == 'pin'",
        "categories": _MOVES,
        "creators": _MOVES,
        "countries": _MOVES,
        "target": "['redirect', 'banner'].includes(action)",
        "text": "action == 'banner'",
    }

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> list[Any]:
        """What is stated; on its page also the preview, and the switch below it."""
        meant = ("name", "match", "patterns")
        done = (
            "action", "items", "position", "categories", "creators", "countries", "text", "target"
        )  # fmt: skip
        when = ("starts_at", "ends_at", "priority")
        sets: list[Any] = [
            (None, {"fields": meant}),
            ("What it does", {"fields": done}),
            ("When", {"fields": when}),
        ]
        if obj:
            seen = ("seen",) if self.has_change_permission(request, obj) else ()
            sets.append(("What it changes", {"fields": ("preview", "is_on", "history", *seen)}))
        return sets

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With a query that a link brings along."""
        given = super().get_changeform_initial_data(request)
        query = given.get("patterns", "")
        return {"name": query[:120], **given, "patterns": [query] if query else []}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Rule], search_term: str
    ) -> tuple[QuerySet[Rule], bool]:
        """By a part of the name, or a whole query."""
        words = search_term.replace("\x00", "").strip()
        if not words:
            return queryset, False
        named = Q(name__icontains=words)
        phrase = normalize_query(words)
        return queryset.filter(named | Q(patterns__contains=[phrase]) if phrase else named), False

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        """A new rule is a draft, and so is one that now does something else."""
        wanted = bool(form.cleaned_data.get("is_on"))
        row = save_rule(
            stated=form.cleaned_data["stated"],
            by=request.user.get_username(),
            pk=obj.pk if change else None,
            revision=form.cleaned_data.get("seen") or 0,
            is_on=wanted,
        )
        obj.pk = row.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Rule, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To its own page, where its effect is shown before it counts."""
        messages.info(request, "Stored, switched off. Look at what it changes, then switch it on.")
        return self._to_page(obj)

    def response_change(self, request: HttpRequest, obj: Rule) -> HttpResponse:
        """Back to its page where it was switched off for what it does now."""
        if not request.POST.get("is_on") or obj.is_on:
            return super().response_change(request, obj)
        messages.warning(
            request,
            "Stored. It does something else now, so it is switched off: look at what it changes,"
            " then switch it on.",
        )
        return self._to_page(obj)

    def _to_page(self, obj: Rule) -> HttpResponse:
        return redirect(reverse("admin:search_rule_change", args=[obj.pk]))

    @action(description="Switch on: count from the next search on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """They count, within their dates."""
        self._switch(request, queryset, is_on=True)

    @action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """They do not count."""
        self._switch(request, queryset, is_on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Rule], *, is_on: bool) -> None:
        ids = list(queryset.order_by().values_list("pk", flat=True))
        changed = switch_rules(ids=ids, is_on=is_on, by=request.user.get_username())
        words = f"switched {'on' if is_on else 'off'}"
        for row in changed:
            self.log_change(request, row, f"{words.capitalize()}.")
        messages.success(request, f"{len(changed):,} of {len(ids):,} selected are now {words}.")

    @display(description="for")
    def meant(self, row: Rule) -> str:
        """The searches that it is for, in a line."""
        if not row.patterns:
            return "every search" if row.match == Rule.Match.EVERY else "browsing"
        more = "" if len(row.patterns) <= 3 else f" and {len(row.patterns) - 3} more"
        words = {"holds": "holds ", "pattern": "fits "}.get(row.match, "")
        return f"{words}{', '.join(row.patterns[:3])}{more}"

    @display(description="does", ordering="action")
    def does(self, row: Rule) -> str:
        """What it does, in a line."""
        count = len(row.item_ids)
        items = [f"{count:,} item{'' if count == 1 else 's'}"] if count else []
        named = [*items, *row.categories, *row.creators, *row.countries]
        if row.action == Rule.Action.PIN:
            named.append(f"at {row.position}")
        return " ".join(filter(None, [row.action, ", ".join(named), row.text, row.target]))[:160]

    @display(
        description="state",
        label={"running now": "success", "not yet": "info", "over": "warning", "off": "danger"},
    )
    def state(self, row: Rule) -> str:
        """Whether it counts now."""
        return str(Rule.State(row.state_at(timezone.now())).label)

    @display(description="dates (UTC)", ordering="starts_at")
    def dates(self, row: Rule) -> str:
        """From when until when."""
        first = f"from {row.starts_at:%Y-%m-%d %H:%M}" if row.starts_at else ""
        last = f"until {row.ends_at:%Y-%m-%d %H:%M}" if row.ends_at else ""
        return " ".join(filter(None, [first, last])) or "always"

    @display(description="last saved", ordering="updated_at")
    def who(self, row: Rule) -> str:
        """By whom and when."""
        return f"{row.updated_by}, {row.updated_at:%Y-%m-%d %H:%M}"

    @display(description="who did it")
    def history(self, row: Rule) -> str:
        """By whom it was made and last saved; the page History has the rest."""
        return (
            f"{self.state(row)}; made by {row.created_by} on {row.created_at:%Y-%m-%d},"
            f" last saved by {row.updated_by} on {row.updated_at:%Y-%m-%d at %H:%M}"
        )

    @display(description="items")
    def items(self, row: Rule) -> str:
        """Its items, for who may only look; the form has a field of that name."""
        return "; ".join(names_of(row.item_ids))

    @display(description="searches, without it and with it")
    def preview(self, row: Rule) -> str:
        """Its searches beside themselves, as if it ran now."""
        # The form asks for its fields several times, and each search takes its time.
        known: str | None = getattr(row, "preview_html", None)
        if known is None:
            known = row.preview_html = _preview(row)  # type: ignore[attr-defined]  # kept for this form
        return known


def _preview(row: Rule) -> str:
    context: dict[str, Any]
    try:
        context = {"previews": previews(row)}
    except ProjectError as error:
        context = {"problem": error.detail}
    return render_to_string("admin/rule_preview.html", context)
