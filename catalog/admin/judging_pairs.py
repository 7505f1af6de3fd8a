"""The queue of judging in the admin: which pairs are asked, why, and how far each is."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from catalog.admin import judging
from catalog.admin_base import ReadOnlyAdmin, ReadOnlyInline, links, open_row
from catalog.enqueue import enqueue_job
from catalog.models import Judgement, JudgingPair

FILL = "catalog.fill_judging_queue"
STATES = {
    "open": "info",
    "judged": "success",
    "disputed": "warning",
    "nobody could say": "warning",
    "adjudicated": "success",
}


class KnownFilter(DropdownFilter):
    """Pairs with a known answer."""

    title = "known answer"
    parameter_name = "known"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One choice."""
        return [("yes", "mixed in among the others")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Known ones, when asked."""
        return queryset.filter(known__isnull=False) if self.value() == "yes" else queryset


class TurnInline(ReadOnlyInline):
    """Who said what, in every round."""

    model = Judgement
    fields = ("labeller", "outcome", "grade", "note", "round", "decided_at")
    readonly_fields = fields
    verbose_name_plural = "turns"


@admin.register(JudgingPair)
class JudgingPairAdmin(ReadOnlyAdmin):
    """What people are asked to judge, the most telling first."""

    list_display = ("about", "item", "state_name", "why", "said", "chance", "created_at", "open_it")
    list_select_related = ("item", "person")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        KnownFilter,
    )
    search_fields = ("query", "=item__external_id")
    search_help_text = "A query, or an item's external ID"
    ordering = ("-priority", "-pk")
    actions = ("leave_out",)
    actions_list = ("to_judging", "to_adjudication", "to_agreement", "fill")
    inlines = (TurnInline,)
    fieldsets = (
        (None, {"fields": (("kind", "state_name", "why"), ("about", "item"), "open_it")}),
        ("Draw", {"fields": (("draw", "chance", "priority"),)}),
        ("Round", {"fields": (("round", "wanted", "guideline"), "content_hash", "known")}),
        ("Times", {"fields": (("created_at", "updated_at"),)}),
    )
    readonly_fields = ("about", "state_name", "why", "chance", "open_it")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With how many graded each in its round, and without the items' long columns."""
        rows = super().get_queryset(request)
        graded = Q(turns__round=F("round"), turns__outcome=Judgement.Outcome.GRADED)
        return rows.annotate(graded=Count("turns", filter=graded)).defer(
            "item__search_vector", "item__description", "item__keywords"
        )

    def get_urls(self) -> list[URLPattern]:
        """The pages of judging beside the list."""
        return [*judging.urls(), *super().get_urls()]

    def has_adjudicate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may decide for others what is asked."""
        return request.user.has_perm(judging.ADJUDICATE)

    @action(description="Leave out (ask nobody)", permissions=["adjudicate"])
    def leave_out(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Not asked any more; grades that were given stay."""
        asked = (JudgingPair.State.OPEN, JudgingPair.State.DISPUTED, JudgingPair.State.UNSURE)
        ids = list(queryset.order_by("pk").values_list("pk", flat=True))
        changed = JudgingPair.objects.filter(pk__in=ids, state__in=asked).update(
            state=JudgingPair.State.DROPPED, updated_at=timezone.now()
        )
        messages.success(request, f"{changed:,} of {len(ids):,} selected are left out.")

    @action(description="Judge", url_path="to-judging", icon="gavel")
    def to_judging(self, request: HttpRequest) -> HttpResponse:
        """To the page of judging."""
        return redirect(reverse("admin:catalog_judge"))

    @action(description="Adjudicate", url_path="to-adjudication", icon="balance")
    def to_adjudication(self, request: HttpRequest) -> HttpResponse:
        """To what judges part on."""
        return redirect(reverse("admin:catalog_adjudicate"))

    @action(description="Agreement", url_path="to-agreement", icon="handshake")
    def to_agreement(self, request: HttpRequest) -> HttpResponse:
        """To how far judges agree."""
        return redirect(reverse("admin:catalog_agreement"))

    @action(
        description="Fill the queue",
        icon="add",
        permissions=["adjudicate"],
        url_path="fill",
        dialog={
            "title": "Draw pairs into the queue?",
            "description": "Up to CATALOG_JUDGING_QUEUE open pairs of each kind, of what the log "
            "of the last 28 days showed, and what went stale. The night does the same.",
            "form_submit_text": "Draw",
        },
    )
    def fill(self, request: HttpRequest, form: Any) -> HttpResponse:
        """A draw of its own, named after the moment; the workers make it."""
        name = f"{timezone.now():%Y-%m-%d %H:%M}"
        job = enqueue_job(FILL, kind=FILL, params={"draw": name})
        messages.success(request, "The workers begin within seconds: Jobs says how far.")
        if request.user.has_perm("catalog.view_job"):
            return open_row(job)
        here = reverse("admin:catalog_judgingpair_changelist")
        return HttpResponse(headers={"HX-Redirect": here})

    @display(description="query or person", ordering="query")
    def about(self, pair: JudgingPair) -> str:
        """What the item is judged for."""
        return pair.query or f"person {pair.person}"

    @display(description="state", ordering="state", label=STATES)
    def state_name(self, pair: JudgingPair) -> str:
        """Where it stands."""
        return pair.get_state_display()

    @display(description="asked because", ordering="reason")
    def why(self, pair: JudgingPair) -> str:
        """Why it is in the queue."""
        return pair.get_reason_display()

    @display(description="graded")
    def said(self, pair: Any) -> str:
        """By how many of those who are wanted."""
        return f"{pair.graded} of {pair.wanted}"

    @display(description="chance", ordering="propensity")
    def chance(self, pair: JudgingPair) -> str:
        """With which it was drawn."""
        return "not drawn" if pair.propensity is None else f"{pair.propensity:.3g}"

    @display(description="")
    def open_it(self, pair: JudgingPair) -> SafeString:
        """To the page where an adjudicator decides."""
        return links([("Decide", f"{reverse('admin:catalog_adjudicate')}?pair={pair.pk}")])
