"""The pages of judging: one pair at a time, by keyboard or thumb, with scripts and without.

A judge sees the query or the history, the item and the guideline; what others said, why the pair
is asked, and whether its answer is known stands on no page of theirs.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django_htmx.http import retarget

from catalog.errors import ProjectError
from catalog.guidelines import GRADES
from catalog.judging.adjudication import adjudicate, said_of, waiting
from catalog.judging.progress import progress_of
from catalog.judging.reliability import report
from catalog.judging.shown import Shown, shown
from catalog.judging.turns import Judge, decide, judge_of, next_turn, undo
from catalog.models import Item, Judgement, JudgingPair, Label

JUDGE, ADJUDICATE = "catalog.judge_pair", "catalog.adjudicate_pair"
OUTCOMES = {"cant_say": "Can't say", "skipped": "Skipped"}


def urls() -> list[URLPattern]:
    """Below the list of pairs."""
    view = admin.site.admin_view
    return [
        path("judge/", view(judge_page), name="catalog_judge"),
        path("adjudicate/", view(adjudicate_page), name="catalog_adjudicate"),
        path("agreement/", view(agreement_page), name="catalog_agreement"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is told after an answer: in words, and whether it went wrong."""

    text: str = ""
    is_error: bool = False


def judge_page(request: HttpRequest) -> HttpResponse:
    """The pair before the judge; what is posted is said of it, and the next one follows."""
    if not request.user.has_perm(JUDGE):
        raise PermissionDenied
    judge = judge_of(_account(request))
    is_htmx = bool(getattr(request, "htmx", False))
    said = _answer(request, judge) if request.method == "POST" else Said()
    if request.method == "POST" and not is_htmx:
        if said.text:
            tell = messages.error if said.is_error else messages.success
            tell(request, said.text)
        return redirect(reverse("admin:catalog_judge"))
    context = {**_judging(judge), "said": said, "address": reverse("admin:catalog_judge")}
    if is_htmx:
        return retarget(render(request, "admin/judging_pair.html", context), "#judging")
    page = {**admin.site.each_context(request), "title": "Judging", "is_fullwidth": "1"}
    return TemplateResponse(request, "admin/judging.html", {**page, **context})


def adjudicate_page(request: HttpRequest) -> HttpResponse:
    """A pair that judges part on, with what each said; the last word is given here."""
    if not request.user.has_perm(ADJUDICATE):
        raise PermissionDenied
    if request.method == "POST":
        _adjudicate(request)
        return redirect(reverse("admin:catalog_adjudicate"))
    pair = _pair_asked(request)
    shown_pair = _shown(pair) if pair else None
    context = {
        **admin.site.each_context(request),
        "title": "Adjudication",
        "is_fullwidth": "1",
        "pair": pair,
        "shown": shown_pair,
        "told": said_of(pair) if pair and shown_pair else [],
        "waiting": waiting().count(),
        "address": reverse("admin:catalog_adjudicate"),
    }
    return TemplateResponse(request, "admin/adjudication.html", context)


def agreement_page(request: HttpRequest) -> HttpResponse:
    """How far judges agree with each other, and models with them."""
    if not request.user.has_perm(ADJUDICATE):
        raise PermissionDenied
    asked = request.GET.get("kind", "")
    kind = asked if asked in Label.Kind.values else Label.Kind.RELEVANCE.value
    context = {
        **admin.site.each_context(request),
        "title": "Agreement",
        "kind": kind,
        "kinds": Label.Kind.choices,
        "grades": list(GRADES.items()),
        "report": report(kind),
        "as_of": timezone.now(),
    }
    return TemplateResponse(request, "admin/agreement.html", context)


def _answer(request: HttpRequest, judge: Judge) -> Said:
    """Do what was posted."""
    try:
        if request.POST.get("answer") == "undo":
            undo(judge=judge)
            return Said(text="Taken back. Here is that pair again.")
        return _decide(request, judge)
    except ProjectError as error:
        return Said(text=f"{error.detail} Here is the next one.", is_error=True)


def _decide(request: HttpRequest, judge: Judge) -> Said:
    turn, grade = request.POST.get("turn", ""), request.POST.get("grade", "")
    answer = request.POST.get("answer", "")
    is_graded = grade in {str(known) for known in GRADES}
    if not (turn.isascii() and turn.isdecimal() and len(turn) < 19):
        return Said(text="Nothing was chosen.", is_error=True)
    decided = decide(
        judge=judge,
        turn_id=int(turn),
        outcome=Judgement.Outcome.GRADED if is_graded else answer,
        grade=int(grade) if is_graded else None,
        note=request.POST.get("note", ""),
    )
    if decided.grade is not None:
        return Said(text=f"Graded {decided.grade} {GRADES[decided.grade]}.")
    return Said(text=f"{OUTCOMES[decided.outcome]}.")


def _judging(judge: Judge) -> dict[str, Any]:
    """The pair before the judge, and how far they are."""
    turn, shown_pair = next_turn(judge), None
    while turn is not None and (shown_pair := _shown(turn.pair)) is None:
        turn = next_turn(judge)  # pragma: no cover  the item went between two statements
    return {"turn": turn, "shown": shown_pair, "progress": progress_of(judge)}


def _shown(pair: JudgingPair) -> Shown | None:
    try:
        return shown(pair)
    except Item.DoesNotExist:
        return None


def _pair_asked(request: HttpRequest) -> JudgingPair | None:
    """The pair that a link names, else the one that waits longest."""
    asked = request.GET.get("pair", "")
    rows = JudgingPair.objects.select_related("person")
    if asked.isascii() and asked.isdecimal() and len(asked) < 19:
        return rows.filter(pk=int(asked)).first()
    return waiting().select_related("person").first()


def _adjudicate(request: HttpRequest) -> None:
    pair, grade = request.POST.get("pair", ""), request.POST.get("grade", "")
    is_graded = grade in {str(known) for known in GRADES}
    is_named = pair.isascii() and pair.isdecimal() and len(pair) < 19
    if not is_named or not (is_graded or request.POST.get("answer") == "drop"):
        messages.error(request, "Nothing was chosen.")
        return
    try:
        adjudicate(
            pair_id=int(pair),
            seen=request.POST.get("seen", ""),
            account=_account(request),
            grade=int(grade) if is_graded else None,
            note=request.POST.get("note", ""),
        )
    except ProjectError as error:
        messages.error(request, error.detail)
        return
    told = f"{grade} {GRADES[int(grade)]}" if is_graded else "left out"
    messages.success(request, f"Decided: {told}.")


def _account(request: HttpRequest) -> AbstractBaseUser:
    """Who is signed in; the permission that was asked for is nobody else's."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user
