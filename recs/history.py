"""What a viewer did: the one place that reads a history, for training and serving alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from catalog.event_kinds import LEAST_GOOD_RATING, UNWANTED, WANTED, EventKind
from catalog.models import Event
from catalog.types import Viewer

# What recommendations start from; older taste adds little and costs a look-up each.
LONGEST_TASTE = 50
# Acts read back to know what was seen.
LONGEST_HISTORY = 20_000
# Weight of each item relative to the one after it: a judgment, not yet tuned.
FADE = 0.97
TELLING = (*WANTED, *UNWANTED, EventKind.RATING)

VERBS = {
    EventKind.LIKE: "liked",
    EventKind.RATING: "liked",
    EventKind.PLAY: "played",
    EventKind.CLICK: "looked at",
    EventKind.ADD: "added",
    EventKind.PURCHASE: "bought",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteItem:
    """An item the viewer wanted: how much it counts (0 to 1), and what they did with it."""

    item_id: int
    weight: float
    verb: str = "liked"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a viewer wanted, newest first, what they know already and what they do not want."""

    taste: tuple[TasteItem, ...] = ()
    seen: frozenset[int] = frozenset()
    unwanted: frozenset[int] = frozenset()


def read_history(*, viewer: Viewer, as_of: datetime | None = None) -> History:
    """The viewer's history before `as_of` (now where it is None); empty for nobody."""
    if viewer.is_nobody:
        return History()
    rows = (
        Event.objects.of_viewer(person_id=viewer.person_id, anonymous_id=viewer.anonymous_id)
        .before(as_of or timezone.now())
        .filter(kind__in=TELLING)
        .order_by("-time", "-id")
        .values_list("item_id", "kind", "value")[:LONGEST_HISTORY]
    )
    return history_of(list(rows))


def history_of(acts: Sequence[tuple[int, int, float | None]]) -> History:
    """The history that these acts (item, kind, value), newest first, amount to.

    The newest act on an item decides: who liked it and then dismissed it does not want it.
    """
    verdicts: dict[int, tuple[bool, EventKind]] = {}
    unwanted: set[int] = set()
    for item_id, number, value in acts:
        kind = EventKind(number)
        if item_id not in verdicts:
            good = kind in WANTED or (
                kind == EventKind.RATING and (value or 0.0) >= LEAST_GOOD_RATING
            )
            verdicts[item_id] = (good, kind)
            if kind in UNWANTED:
                unwanted.add(item_id)
    wanted = [(item_id, kind) for item_id, (good, kind) in verdicts.items() if good]
    return History(
        taste=tuple(
            TasteItem(item_id=item_id, weight=FADE**age, verb=VERBS[kind])
            for age, (item_id, kind) in enumerate(wanted[:LONGEST_TASTE])
        ),
        seen=frozenset(verdicts),
        unwanted=frozenset(unwanted),
    )


def history_of_items(item_ids: Sequence[int]) -> History:
    """The history of a session that the caller keeps: the items looked at, oldest first."""
    newest_first = list(dict.fromkeys(reversed(item_ids)))
    return History(
        taste=tuple(
            TasteItem(item_id=item_id, weight=FADE**age, verb="looked at")
            for age, item_id in enumerate(newest_first[:LONGEST_TASTE])
        ),
        seen=frozenset(item_ids),
    )
