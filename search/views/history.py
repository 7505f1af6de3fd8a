"""Your history: what is kept of you, and how to delete it."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.event_kinds import EventKind
from catalog.feedback import forget_events
from catalog.models import Answer, Event, SavedSearch
from catalog.people import erase_history
from catalog.profiles import current_profile
from catalog.saved_searches import saved_searches
from catalog.types import Viewer
from search.views.cards import Card, Trail, card, items_of
from search.views.pages import page
from search.views.params import query_url, read_page, read_params
from search.views.pills import Pill
from search.views.results import chips
from search.views.viewer import visitor_of

PER_PAGE = 40
SEARCHES = 12
DONE = {
    EventKind.VIEW: "Looked at",
    EventKind.CLICK: "Picked from a list",
    EventKind.PLAY: "Played",
    EventKind.LIKE: "Liked",
    EventKind.DISLIKE: "Not for you",
    EventKind.ADD: "Added",
    EventKind.PURCHASE: "Bought",
    EventKind.RATING: "Rated",
    EventKind.DISMISS: "Dismissed",
    EventKind.HIDE: "Hidden",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done."""

    event_id: int
    time: datetime
    done: str
    card: Card


@require_safe
@page
def history(request: HttpRequest) -> HttpResponse:
    """What the visitor did, newest first, and what they searched for."""
    visitor = visitor_of(request)
    everything = Paginator(_events(visitor.viewer), PER_PAGE)
    shown = everything.get_page(read_page(request.GET.get("page", "")))
    days = [
        (day, list(entries))
        for day, entries in groupby(_entries(list(shown.object_list)), key=_day_of)
    ]
    context = {
        "days": days,
        "page": shown,
        "searches": _searches(visitor.viewer),
        "saved": [
            (each, f"{reverse('pages:search')}?{each.address}", _told(each))
            for each in saved_searches(visitor.viewer)
        ],
    }
    return render(request, "pages/history.html", context)


@require_POST
@page
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one thing of the visitor's own."""
    visitor = visitor_of(request)
    if not visitor.is_borrowed and forget_events(viewer=visitor.viewer, event_ids=[pk]):
        messages.success(request, "Deleted.")
    return redirect("pages:history")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def forget_all(request: HttpRequest) -> HttpResponse:
    """Ask first, then delete everything."""
    visitor = visitor_of(request)
    if request.method == "POST" and not visitor.is_borrowed:
        gone = erase_history(viewer=visitor.viewer)
        messages.success(request, f"Your history is deleted: {gone} entries and your searches.")
        return redirect("pages:history")
    count = _events(visitor.viewer).count()
    return render(request, "pages/forget_all.html", {"count": count})


def _told(saved: SavedSearch) -> str:
    """What was asked for, and the filters that it had."""
    params = read_params(QueryDict(saved.address))
    labels = [chip.label for chip in chips(params, current_profile())]
    return ", ".join(filter(None, [saved.query, *labels])) or saved.address


def _events(viewer: Viewer):  # type: ignore[no-untyped-def]
    own = Event.objects.of_viewer(person_id=viewer.person_id, anonymous_id=viewer.anonymous_id)
    return own.exclude(kind=EventKind.IMPRESSION).order_by("-time", "-id")


def _entries(events: list[Event]) -> list[Entry]:
    items, profile = items_of({event.item_id for event in events}), current_profile()
    trail = Trail(surface="history")
    return [
        Entry(
            event_id=event.pk,
            time=event.time,
            done=_done(event),
            card=card(items[event.item_id], profile, trail=trail),
        )
        for event in events
        if event.item_id in items
    ]


def _done(event: Event) -> str:
    done = DONE[EventKind(event.kind)]
    return f"{done} {event.value:g} of 5" if event.kind == EventKind.RATING else done


def _day_of(entry: Entry) -> date:
    return entry.time.date()


def _searches(viewer: Viewer) -> list[Pill]:
    if viewer.is_nobody:
        return []
    who = (
        {"person_id": viewer.person_id}
        if viewer.person_id is not None
        else {"anonymous_id": viewer.anonymous_id, "person_id__isnull": True}
    )
    asked = (
        Answer.objects.filter(**who, kind=Answer.Kind.SEARCH, is_typing=False)
        .exclude(query="")
        .order_by("-time")
        .values_list("query", flat=True)[: SEARCHES * 4]
    )
    return [
        Pill(text=query, url=query_url(query, source="recent"), hint="yours")
        for query in list(dict.fromkeys(asked))[:SEARCHES]
    ]
