"""What visitors do on the pages, recorded as events."""

import uuid

from django.http import HttpRequest
from django.utils import timezone

from catalog.events import record_events
from catalog.models import Item
from catalog.types import EventInput
from search.views.viewer import is_a_visit, visitor_of

# A page that is loaded again within this time was seen once.
ONE_LOOK_SECONDS = 1800
SURFACES = ("home", "search", "browse", "item", "collection", "suggest", "history", "related")


def record_view(request: HttpRequest, item: Item) -> None:
    """The item's page was looked at."""
    now = timezone.now()
    who = visitor_of(request).user_id or visitor_of(request).viewer.anonymous_id or ""
    look = f"view:{who[:60]}:{item.pk}:{int(now.timestamp()) // ONE_LOOK_SECONDS}"
    _record(request, item, kind="view", event_id=look)


def record_click(request: HttpRequest, item: Item) -> None:
    """The item was picked from a list; the link says from which, and its place there."""
    surface = request.GET.get("s", "")
    position = request.GET.get("p", "")
    _record(
        request,
        item,
        kind="click",
        query_id=_uuid(request.GET.get("a", "")),
        surface=surface if surface in SURFACES else "",
        position=int(position) if position.isdecimal() and 0 < int(position) < 10_000 else None,
    )


def record_opinion(request: HttpRequest, item: Item, kind: str) -> None:
    """The visitor liked the item or turned it down."""
    _record(request, item, kind=kind, surface="item")


def _record(request: HttpRequest, item: Item, **fields: object) -> None:
    visitor = visitor_of(request)
    if visitor.is_borrowed or visitor.viewer.is_nobody or not is_a_visit(request):
        return
    event = EventInput(
        item_id=item.external_id,
        time=timezone.now(),
        user_id=visitor.user_id,
        anonymous_id=visitor.viewer.anonymous_id or "",
        **fields,  # type: ignore[arg-type]
    )
    record_events(events=[event])


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""
