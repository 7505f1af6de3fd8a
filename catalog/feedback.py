"""What a viewer said of an item, and taking back what was said or done."""

from collections.abc import Sequence

from django.db import transaction

from catalog.event_kinds import EventKind
from catalog.models import Event
from catalog.querysets import EventQuerySet
from catalog.types import Viewer

OPINIONS = {EventKind.LIKE: "like", EventKind.DISLIKE: "dislike"}


def opinion_of(*, viewer: Viewer, item_id: int) -> str:
    """The viewer's last word on the item: "like", "dislike" or ""."""
    kind = (
        _of(viewer)
        .filter(item_id=item_id, kind__in=OPINIONS)
        .order_by("-time", "-id")
        .values_list("kind", flat=True)
        .first()
    )
    return OPINIONS[EventKind(kind)] if kind else ""


def forget_opinion(*, viewer: Viewer, item_id: int) -> int:
    """Take back what the viewer said of the item; how many events went."""
    return _forget(viewer, item_id=item_id, kind__in=list(OPINIONS))


def forget_events(*, viewer: Viewer, event_ids: Sequence[int]) -> int:
    """Delete these events where they are the viewer's own; how many went."""
    return _forget(viewer, pk__in=list(event_ids))


def _forget(viewer: Viewer, **which: object) -> int:
    with transaction.atomic():
        return _of(viewer).filter(**which).delete()[0]


def _of(viewer: Viewer) -> EventQuerySet:
    return Event.objects.of_viewer(person_id=viewer.person_id, anonymous_id=viewer.anonymous_id)
