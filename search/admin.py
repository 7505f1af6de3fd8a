"""The admin's first page, the queries with their review, and the words of the catalog."""

from typing import Any
from urllib.parse import quote, urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from catalog.admin_base import FastAdmin, ReadOnlyAdmin, links, tell
from search import admin_analytics, admin_queue
from search.admin_bans import BannedPatternAdmin
from search.admin_proposals import ProposalAdmin, ProposalPolicyAdmin
from search.admin_rules import RuleAdmin
from search.admin_synonyms import SynonymAdmin
from search.ban_store import ban_phrases
from search.models import Query, Term
from search.query_store import set_review
from search.replay_view import ReplayInput, context_of
from search.reports import asked_queries
from search.text import normalize_query
from search.today import today

__all__ = (
    "BannedPatternAdmin",
    "ProposalAdmin",
    "ProposalPolicyAdmin",
    "QueryAdmin",
    "RuleAdmin",
    "SynonymAdmin",
    "TermAdmin",
    "first_page",
    "search_url",
)

# Either of them opens the numbers of the first page.
SEES_NUMBERS = ("search.view_query", "catalog.view_answer", "catalog.view_item")
REPORT_DAYS = (1, 7, 30, 90)
REPORT_LIMIT = 200


def first_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What should I do this morning? Called by unfold for the admin's index.

    Who only judges sees where that is done, and none of the numbers.
    """
    if not any(request.user.has_perm(permission) for permission in SEES_NUMBERS):
        return {**context, "title": "Today", "is_bare": True}
    return {**context, **today(), "title": "Today", "search_url": search_url("")}


def search_url(query: str) -> str:
    """The search page with a query typed into it."""
    return f"{reverse('pages:search')}?q={quote(query)}"


class AnswersFilter(DropdownFilter):
    """Queries whose last check found nothing."""

    title = "answers"
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """None or some."""
        return [("no", "none in the catalog"), ("yes", "some")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Query]) -> QuerySet[Query]:
        """By the count of the last check."""
        if self.value() == "no":
            return queryset.filter(answers=0)
        return queryset.filter(answers__gt=0) if self.value() == "yes" else queryset


@admin.register(Query)
class QueryAdmin(FastAdmin):
    """Queries worth recommending: reviewed here, made by their sources."""

    list_display = (
        "text",
        "review_state",
        "not_shown",
        "made_by",
        "made_from",
        "answers",
        "people",
        "popularity",
        "reviewed",
        "try_it",
    )
    list_filter = (
        ("review", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("held_back", ChoicesDropdownFilter),
        AnswersFilter,
    )
    search_fields = ("normalized",)
    search_help_text = "Words of the query"
    ordering = ("-popularity", "id")
    actions = ("approve", "reject", "ban", "ban_words", "propose")
    actions_list = ("to_queue", "to_answerability", "to_no_results")
    list_select_related = ("folded_into",)
    list_per_page = 100
    fields = (
        ("text", "normalized"),
        ("review", "reviewed"),
        ("source", "try_it"),
        ("answers", "people", "popularity"),
        ("not_shown", "folded_into", "language"),
        ("found", "best_score", "checked_version"),
        ("anchors", "provenance"),
        ("checked_at", "created_at"),
    )
    readonly_fields = (
        "text",
        "normalized",
        "reviewed",
        "source",
        "try_it",
        "answers",
        "people",
        "popularity",
        "not_shown",
        "folded_into",
        "language",
        "found",
        "best_score",
        "checked_version",
        "anchors",
        "provenance",
        "checked_at",
        "created_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Sources make them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A deleted query would come back with the next build: reject or ban it."""
        return False

    def save_model(self, request: HttpRequest, obj: Query, form: Any, change: bool) -> None:
        """The review is all that can be changed, and is kept with who did it and when."""
        if "review" in form.changed_data:
            by = request.user.get_username()
            set_review(query_ids=[obj.pk], review=obj.review, by=by)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Query], search_term: str
    ) -> tuple[QuerySet[Query], bool]:
        """Queries that hold the words, by the trigram index."""
        term = normalize_query(search_term)
        return (queryset.filter(normalized__contains=term) if term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        """The report of queries without results beside the list."""
        view = self.admin_site.admin_view(self.no_results_view)
        replay = self.admin_site.admin_view(self.replay_view)
        return [
            path("no-results/", view, name="search_no_results"),
            path("replay/", replay, name="search_replay"),
            *admin_analytics.urls(),
            *admin_queue.urls(),
            *super().get_urls(),
        ]

    @action(description="Approve", permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """May be recommended and completed."""
        self._review(request, queryset, Query.Review.APPROVED)

    @action(description="Reject", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """Not shown."""
        self._review(request, queryset, Query.Review.REJECTED)

    @action(description="Ban (never show, whatever makes it)", permissions=["change"])
    def ban(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """Never shown, and never proposed again."""
        self._review(request, queryset, Query.Review.BANNED)

    @action(description="Ban with pattern (whatever holds these words)", permissions=["change"])
    def ban_words(self, request: HttpRequest, queryset: QuerySet[Query]) -> HttpResponse | None:
        """One is looked at with what it hides; several are banned at once."""
        if not request.user.has_perm("search.add_bannedpattern"):
            raise PermissionDenied
        texts = list(queryset.order_by("pk").values_list("normalized", flat=True))
        if len(texts) == 1:
            asked = urlencode({"pattern": texts[0]})
            return redirect(f"{reverse('admin:search_bannedpattern_add')}?{asked}")
        tell(
            request,
            lambda: f"{ban_phrases(texts=texts, by=request.user.get_username()):,} new phrases.",
        )
        return None

    @action(description="Back to proposed", permissions=["change"])
    def propose(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """To be looked at again."""
        self._review(request, queryset, Query.Review.PROPOSED)

    def _review(self, request: HttpRequest, queryset: QuerySet[Query], review: str) -> None:
        ids = list(queryset.order_by().values_list("pk", flat=True))
        changed = set_review(query_ids=ids, review=review, by=request.user.get_username())
        messages.success(request, f"{changed:,} of {len(ids):,} selected are now {review}.")

    @action(description="To approve", url_path="to-queue", icon="rate_review")
    def to_queue(self, request: HttpRequest) -> HttpResponse:
        """To the queue."""
        return redirect(reverse("admin:search_review_queue"))

    @action(description="On the live search", url_path="to-answerability", icon="fact_check")
    def to_answerability(self, request: HttpRequest) -> HttpResponse:
        """To the report of what the live search finds."""
        return redirect(reverse("admin:search_answerability"))

    @action(description="Queries without results", url_path="to-no-results", icon="search_off")
    def to_no_results(self, request: HttpRequest) -> HttpResponse:
        """To the report."""
        return redirect(reverse("admin:search_no_results"))

    def no_results_view(self, request: HttpRequest) -> HttpResponse:
        """What people searched and did not find, the most wanted first."""
        asked = request.GET.get("days", "")
        days = int(asked) if asked in {str(n) for n in REPORT_DAYS} else 7
        return TemplateResponse(
            request,
            "admin/no_results.html",
            {
                **self.admin_site.each_context(request),
                "title": "Queries without results",
                "opts": self.model._meta,
                "queries": asked_queries(days=days, limit=REPORT_LIMIT, found="nothing"),
                "days": days,
                "choices": REPORT_DAYS,
                "limit": REPORT_LIMIT,
                "search_url": search_url(""),
            },
        )

    def replay_view(self, request: HttpRequest) -> HttpResponse:
        """A request asked again, stage by stage; it names people, so who may see answers may."""
        if not request.user.has_perm("catalog.view_answer"):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Replay of a request",
            "opts": self.model._meta,
            **context_of(ReplayInput.read(request.GET)),
        }
        return TemplateResponse(request, "admin/replay.html", context)

    @display(
        description="review",
        ordering="review",
        label={
            "proposed": "warning",
            "approved": "success",
            "rejected": "danger",
            "banned": "danger",
        },
    )
    def review_state(self, query: Query) -> str:
        """The state of its review."""
        return query.review

    @display(description="not shown because", ordering="held_back")
    def not_shown(self, query: Query) -> str:
        """What the live search said against it, or the better one that says the same."""
        if query.folded_into:
            return f"says what “{query.folded_into.text}” says"
        return str(query.get_held_back_display())

    @display(description="source", ordering="source")
    def made_by(self, query: Query) -> str:
        """The source's short name."""
        return query.source

    @display(description="made from")
    def made_from(self, query: Query) -> str:
        """Its provenance, in a line: the rule, then what it was filled with."""
        given = dict(query.provenance)
        rule = given.pop("rule", "")
        told = [one for v in given.values() for one in (v if isinstance(v, list) else [v])]
        filled = ", ".join(str(one) for one in told if isinstance(one, str | int | float))
        return " ".join(part for part in (f"{rule}:" if rule else "", filled) if part)[:120]

    @display(description="reviewed", ordering="reviewed_at")
    def reviewed(self, query: Query) -> str:
        """By whom and when."""
        if not query.reviewed_at:
            return ""
        return f"{query.reviewed_by}, {query.reviewed_at:%Y-%m-%d}"

    @display(description="")
    def try_it(self, query: Query) -> SafeString:
        """To the search page."""
        return links([("Try it", search_url(query.text))])


@admin.register(Term)
class TermAdmin(ReadOnlyAdmin):
    """Words that typing errors are corrected to."""

    list_display = ("word", "items")
    search_fields = ("word",)
    ordering = ("-items", "word")
    actions = None
