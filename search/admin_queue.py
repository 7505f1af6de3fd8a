"""Pages of the queries' review: the queue of approval, and how sources do on the live search.

The queue is worked without a mouse and without scripts: Tab and Space choose, and the keys that
the buttons name decide.
"""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from search.models import Query
from search.query_checks import TOP, check_report, release
from search.query_store import awaiting_approval, set_review
from search.review_queue import proposals

DECISIONS = {
    "approve": Query.Review.APPROVED,
    "reject": Query.Review.REJECTED,
    "ban": Query.Review.BANNED,
}


def urls() -> list[URLPattern]:
    """Below the list of queries."""
    return [
        path("queue/", admin.site.admin_view(queue), name="search_review_queue"),
        path("answerability/", admin.site.admin_view(answerability), name="search_answerability"),
    ]


def queue(request: HttpRequest) -> HttpResponse:
    """Proposed queries, decided on many at a time."""
    may_change = request.user.has_perm("search.change_query")
    if not request.user.has_perm("search.view_query"):
        raise PermissionDenied
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        _decide(request)
        return redirect(reverse("admin:search_review_queue"))
    waiting, rows = proposals()
    context = {
        **admin.site.each_context(request),
        "title": "Queries to approve",
        "opts": Query._meta,
        "waiting": waiting,
        "rows": rows,
        "may_change": may_change,
        "awaited": awaiting_approval(),
    }
    return TemplateResponse(request, "admin/review_queue.html", context)


def answerability(request: HttpRequest) -> HttpResponse:
    """How the queries of each source did on the live search."""
    if not request.user.has_perm("search.view_query"):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": "Queries on the live search",
        "opts": Query._meta,
        "rows": check_report(),
        "release": release(),
        "top": TOP,
    }
    return TemplateResponse(request, "admin/answerability.html", context)


def _decide(request: HttpRequest) -> None:
    decided = DECISIONS.get(request.POST.get("decision", ""))
    chosen = [
        int(one) for one in request.POST.getlist("query") if one.isdecimal() and len(one) < 19
    ]
    if decided is None or not chosen:
        messages.warning(request, "Nothing was chosen.")
        return
    # Only what still waits: another editor may have been faster.
    waiting = Query.objects.filter(pk__in=chosen, review=Query.Review.PROPOSED)
    ids = list(waiting.values_list("pk", flat=True))
    changed = set_review(query_ids=ids, review=decided, by=request.user.get_username())
    messages.success(request, f"{changed:,} of {len(chosen):,} chosen are now {decided}.")
