"""Proposals in the admin: what waits, by which policy it is accepted, and samples of batches.

A sample is gone through without a mouse and without scripts: the keys that the buttons name decide.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from catalog.admin_base import FastAdmin, ReadOnlyAdmin, tell
from search.models import Proposal, ProposalPolicy, ReviewSample
from search.proposal_models import CHANGED, Reason
from search.proposals import Batch, batches, decide
from search.review_samples import draw, judge, next_row, open_sample, plans, proven, settle, undo

WANTED = (0.8, 0.9, 0.95, 0.99)
USUAL = 0.9
BATCHES = "admin:search_proposal_batches"
SAMPLE = "admin:search_proposal_sample"


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    """What language models propose: the newest first."""

    list_display = (
        "text", "kind", "about", "review_state", "decided", "evidence", "model", "prompt_version",
        "created_at",
    )  # fmt: skip
    list_filter = (
        ("review", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter),
        ("prompt_version", AllValuesCheckboxFilter),
    )  # fmt: skip
    list_select_related = ("item",)
    search_fields = ("text",)
    ordering = ("-created_at", "-pk")
    actions = ("approve", "reject")
    actions_list = ("to_batches",)

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Who may decide."""
        return bool(request.user.has_perm("search.change_proposal"))

    def get_urls(self) -> list[URLPattern]:
        """With the batches and their samples."""
        return [
            path("batches/", admin.site.admin_view(all_batches), name="search_proposal_batches"),
            path(
                "sample/<int:pk>/", admin.site.admin_view(one_sample), name="search_proposal_sample"
            ),
            *super().get_urls(),
        ]

    @action(description="Batches and samples", icon="fact_check", url_path="to-batches")
    def to_batches(self, request: HttpRequest) -> HttpResponse:
        """To the page where much is decided at once."""
        return redirect(reverse(BATCHES))

    @action(description="Approve: they count from now on", permissions=["review"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """They count."""
        self._decide(request, queryset, Proposal.Review.APPROVED)

    @action(description="Reject, or withdraw what was approved", permissions=["review"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """They do not count."""
        self._decide(request, queryset, Proposal.Review.REJECTED)

    def _decide(self, request: HttpRequest, queryset: QuerySet[Proposal], review: str) -> None:
        ids = list(queryset.order_by().values_list("pk", flat=True))
        reason = Reason.OTHER if review == Proposal.Review.REJECTED else ""
        changed = decide(
            ids=ids, review=review, by=request.user.get_username(), basis={"by": "person"},
            reason=reason,
        )  # fmt: skip
        messages.success(request, f"{changed:,} of {len(ids):,} selected are now {review}.")
        stale = Proposal.objects.filter(pk__in=ids, basis__by=CHANGED).count()
        if stale and review == Proposal.Review.APPROVED:
            told = f"{stale:,} speak of an item that has changed since: they were set aside."
            messages.warning(request, told)

    @display(description="about")
    def about(self, row: Proposal) -> str:
        """The item, or what it names."""
        return str(row.item) if row.item else row.subject

    @display(
        description="review",
        ordering="review",
        label={"proposed": "warning", "approved": "success", "rejected": "danger"},
    )
    def review_state(self, row: Proposal) -> str:
        """The state of its review."""
        return row.review

    @display(description="decided by", ordering="reviewed_by")
    def decided(self, row: Proposal) -> str:
        """A person, a policy or a sample, with the figures."""
        told = row.basis
        if told.get("by") == "sample":
            return (
                f"{row.reviewed_by}: {told['good']} of {told['reviewed']} good,"
                f" at least {told['bound']:.0%}"
            )
        return row.reviewed_by


@admin.register(ProposalPolicy)
class ProposalPolicyAdmin(FastAdmin):
    """When proposals are accepted without a person; without a row of its kind, never."""

    list_display = ("kind", "is_automatic", "bound", "updated_by", "updated_at")
    fields = ("kind", "is_automatic", "bound")
    ordering = ("kind",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """With what a bound is."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "bound":
            field.help_text = (
                "0.5 to 0.99: the lower end of the 95 % interval of the share that people approved "
                "of random samples of the same model and prompt must be at least this."
            )
        return field

    def save_model(
        self, request: HttpRequest, obj: ProposalPolicy, form: Any, change: bool
    ) -> None:
        """With who set it."""
        obj.updated_by = request.user.get_username()[:150]
        super().save_model(request, obj, form, change)


def all_batches(request: HttpRequest) -> HttpResponse:
    """What was written alike, how people agree with it, and drawing a sample."""
    may_change = _allowed(request)
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        return _draw(request)
    wanted = _wanted(request.GET)
    rows = []
    for state in batches():
        sample = open_sample(state.batch)
        sizes = plans(wanted, state.proposed) if state.proposed and sample is None else []
        rows.append({"state": state, "sample": sample, "plans": sizes})
    context = {
        **admin.site.each_context(request), "title": "Batches of proposals",
        "opts": Proposal._meta, "rows": rows, "wanted": wanted, "choices": WANTED,
        "may_change": may_change, "policies": ProposalPolicy.objects.order_by("kind"),
    }  # fmt: skip
    return TemplateResponse(request, "admin/proposal_batches.html", context)


def one_sample(request: HttpRequest, pk: int) -> HttpResponse:
    """The next proposal of a sample; what it proves, once all were looked at."""
    may_change = _allowed(request)
    sample = get_object_or_404(ReviewSample, pk=pk)
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        tell(request, lambda: _act(request, sample))
        return redirect(reverse(SAMPLE, args=[pk]))
    row = next_row(sample) if sample.finished_at is None else None
    told = proven(sample)
    context = {
        **admin.site.each_context(request), "title": f"Sample of {sample.get_kind_display()}",
        "opts": Proposal._meta, "sample": sample, "row": row, "reasons": Reason.choices,
        "told": told, "percent": 100 * told.bound if told else 0, "may_change": may_change,
        "refused": sample.verdicts.filter(is_good=False).select_related("proposal__item"),
    }  # fmt: skip
    return TemplateResponse(request, "admin/proposal_sample.html", context)


def _allowed(request: HttpRequest) -> bool:
    """Whether one may decide; who may not even look is sent away."""
    if not request.user.has_perm("search.view_proposal"):
        raise PermissionDenied
    return bool(request.user.has_perm("search.change_proposal"))


def _draw(request: HttpRequest) -> HttpResponse:
    given = request.POST
    names = ("kind", "model", "revision", "prompt_version")
    batch = Batch(**{name: given.get(name, "") for name in names})
    size = given.get("size", "")
    drawn: list[ReviewSample] = []

    def act() -> str:
        sample = draw(
            batch=batch, wanted=_wanted(given), by=request.user.get_username(),
            size=int(size) if size.isdecimal() and len(size) < 6 else 0,
        )  # fmt: skip
        drawn.append(sample)
        return f"{sample.size:,} of {sample.population:,} were drawn. Look at all of them."

    tell(request, act)
    return redirect(reverse(SAMPLE, args=[drawn[0].pk]) if drawn else reverse(BATCHES))


def _act(request: HttpRequest, sample: ReviewSample) -> str:
    """One step: a verdict, taking one back, or deciding on the rest."""
    given, by = request.POST, request.user.get_username()
    decision = given.get("decision", "")
    if decision in ("approve-rest", "reject-rest"):
        changed = settle(sample=sample, approve=decision == "approve-rest", by=by)
        return f"{changed:,} more of the batch are decided on."
    if decision == "undo":
        taken = undo(sample=sample)
        return (
            f"\u201c{taken}\u201d is to be looked at again." if taken else "Nothing to take back."
        )
    key = given.get("proposal", "")
    held = judge(
        sample=sample, proposal_id=int(key) if key.isdecimal() and len(key) < 19 else 0, by=by,
        is_good=decision == "good", reason=given.get("reason", ""), note=given.get("note", ""),
    )  # fmt: skip
    return f"{held.reviewed:,} of {held.size:,} looked at, {held.good:,} good."


def _wanted(given: QueryDict) -> float:
    return next((share for share in WANTED if given.get("wanted") == str(share)), USUAL)
