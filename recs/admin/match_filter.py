"""The match filter's page: what each threshold does, the point it serves at, and its switch.

A point that may cost more good matches than the limit is refused, whoever picks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from catalog.admin_base import ReadOnlyAdmin, tell
from catalog.errors import InvalidInput
from catalog.models import Job
from recs import match_guard, registry
from recs.admin.charts import Series, line_chart
from recs.match_filter import FIT, RELEVANCE, SURFACES, mode_of, set_mode, set_threshold
from recs.models import FrozenLabels, ModelVersion, Surface
from recs.surfaces import forget_settings

TITLES = {RELEVANCE: "Search: does not answer the query", FIT: "Home: does not fit the person"}
LISTS = {RELEVANCE: "queries", FIT: "people"}
PAGE = "recs_match_filter"
# The job of workers.daily_match.
DAY = "llm.match_filter_day"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPage:
    """What the page shows of one head. `rows`: points of the sweep, as cells."""

    head: str
    title: str
    picture: SafeString
    rows: list[dict[str, Any]]
    told: Mapping[str, Any]
    lists: str
    chosen: Mapping[str, Any]
    is_served: bool


@admin.register(FrozenLabels)
class FrozenLabelsAdmin(ReadOnlyAdmin):
    """Evaluation sets: pairs that people judged twice, with the last ladder on each."""

    list_display = ("__str__", "pair_count", "created_at", "ladder_at")
    fields = (("kind", "sha256"), "agreement", "ladder", "pairs", ("created_at", "ladder_at"))

    @admin.display(description="pairs")
    def pair_count(self, row: FrozenLabels) -> str:
        """How many."""
        return f"{len(row.pairs):,}"


def match_filter_page(request: HttpRequest) -> HttpResponse:
    """The live version's sweep with what may be picked; a change is a POST."""
    if not request.user.has_perm("recs.view_modelversion"):
        raise PermissionDenied
    if request.method == "POST":
        if not request.user.has_perm("recs.change_modelversion"):
            raise PermissionDenied
        tell(request, lambda: _change(request))
        return redirect(reverse(f"admin:{PAGE}"))
    version = registry.live(match_guard.KIND)
    frozen = FrozenLabels.objects.exclude(ladder=[]).first()
    context = {
        **admin.site.each_context(request),
        "title": "Match filter",
        "opts": ModelVersion._meta,
        "version": version,
        "newest": ModelVersion.objects.of_kind(match_guard.KIND).order_by("-created_at").first(),
        "limit": match_guard.limit(),
        "heads": [_head(version, head) for head in TITLES if _has(version, head)],
        "switches": [_switch(surface) for surface in SURFACES],
        "modes": Surface.MatchFilter.choices,
        "may_change": request.user.has_perm("recs.change_modelversion"),
        "ladder": frozen,
        "day": Job.objects.filter(kind=DAY).order_by("-created_at").first(),
    }
    return TemplateResponse(request, "admin/match_filter.html", context)


def _change(request: HttpRequest) -> str:
    """Do what was asked, and say what was done.

    Raises:
        InvalidInput: where it cannot be.
    """
    by = request.user.get_username()
    if surface := request.POST.get("surface"):
        set_mode(surface=surface, mode=request.POST.get("mode", ""), by=by)
        forget_settings()
        return f"On the surface “{surface}” the match filter is now {mode_of(surface)}."
    version = registry.live(match_guard.KIND)
    if version is None or request.POST.get("version") != str(version.pk):
        raise InvalidInput("Another version went live meanwhile: look at its sweep first.")
    set_threshold(
        version=version, head=request.POST.get("head", ""),
        threshold=_number(request.POST.get("threshold", "")), by=by,
        at=timezone.now().isoformat(timespec="seconds"),
    )  # fmt: skip
    return f"From now on it drops from a chance of {request.POST['threshold']} on."


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _has(version: ModelVersion | None, head: str) -> bool:
    return version is not None and head in version.metrics.get("heads", {})


def _head(version: ModelVersion | None, head: str) -> HeadPage:
    assert version is not None
    told = version.metrics["heads"][head]
    serving = match_guard.serving_points(version).get(head)
    return HeadPage(
        head=head,
        title=TITLES[head],
        picture=_picture(told["sweep"], TITLES[head]),
        rows=[_row(point, serving) for point in told["sweep"]],
        told=told,
        lists=LISTS[head],
        chosen=version.metrics.get("chosen", {}).get(head, {}),
        is_served=serving is not None,
    )


def _row(point: Mapping[str, Any], serving: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "threshold": point["threshold"],
        "cells": [
            _percent(point["volume"]), _percent(point["bad_removed"]),
            f"{_percent(point['lost'])} (at most {_percent(point['lost_high'])})",
            _percent(point["emptied"]),
        ],
        "is_within": match_guard.is_within(point),
        "is_serving": serving is not None and serving["threshold"] == point["threshold"],
    }  # fmt: skip


def _picture(sweep: list[Mapping[str, Any]], title: str) -> SafeString:
    names = (("bad removed", "bad_removed"), ("good lost, at most", "lost_high"),
             ("left with nothing", "emptied"))  # fmt: skip
    series = [
        Series(name, [(100 * one["volume"], 100 * one[key]) for one in sweep])
        for name, key in names
    ]
    return line_chart(series, title=f"{title}: what each threshold does, in percent",
                      x_label="volume removed, %")  # fmt: skip


def _switch(surface: str) -> dict[str, Any]:
    row = Surface.objects.filter(key=surface).first()
    return {
        "surface": surface, "mode": mode_of(surface), "by": row.match_filter_by if row else "",
        "at": row.updated_at if row and row.match_filter_by else None,
    }  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


__all__ = ("FrozenLabelsAdmin", "match_filter_page")
