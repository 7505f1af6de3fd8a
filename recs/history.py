"""What a viewer did: the one place that reads a history, for training and serving alike."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from catalog.event_kinds import LEAST_GOOD_RATING, UNWANTED, WANTED, EventKind
from catalog.models import Event
from catalog.querysets import EventQuerySet
from catalog.types import Viewer

# What recommendations start from; older taste adds little and costs a look-up each.
LONGEST_TASTE = 50
# Acts read back to know what was seen.
LONGEST_HISTORY = 20_000
# The newest acts on wanted items, of which the user model reads half after repeats are gone.
LONGEST_WANTED = 4_000
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


class WantedAct(NamedTuple):
    """One act on a wanted item: the item's key, the kind's number, the time."""

    item_id: int
    kind: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a viewer wanted, newest first, what they know already and what they do not want.

    `wanted` holds the acts one by one, as the user model reads them.
    """

    taste: tuple[TasteItem, ...] = ()
    seen: frozenset[int] = frozenset()
    unwanted: frozenset[int] = frozenset()
    wanted: tuple[WantedAct, ...] = ()


def telling(*, as_of: datetime) -> EventQuerySet:
    """The acts before `as_of` that say something of a taste: where every history begins.

    Training sets and requests both read from here (recs/features.py).
    """
    return Event.objects.before(as_of).filter(kind__in=TELLING)


def is_wanting(kind: int, value: float | None) -> bool:
    """Whether the act says that the item was wanted; EventQuerySet.positive() said of one row."""
    return kind in WANTED or (kind == EventKind.RATING and (value or 0.0) >= LEAST_GOOD_RATING)


def read_history(
    *, viewer: Viewer, as_of: datetime | None = None, most: int = LONGEST_HISTORY
) -> History:
    """The viewer's history before `as_of` (now where it is None); empty for nobody.

    `most`: so many acts are read back, the newest.
    """
    if viewer.is_nobody:
        return History()
    rows = list(
        telling(as_of=as_of or timezone.now())
        .of_viewer(person_id=viewer.person_id, anonymous_id=viewer.anonymous_id)
        .order_by("-time", "-id")
        .values_list("item_id", "kind", "value", "time")[:most]
    )
    wanted = (
        WantedAct(item_id=item_id, kind=kind, time=time)
        for item_id, kind, value, time in rows
        if is_wanting(kind, value)
    )
    return replace(
        history_of([row[:3] for row in rows]),
        wanted=tuple(itertools.islice(wanted, LONGEST_WANTED)),
    )


def history_of(acts: Sequence[tuple[int, int, float | None]]) -> History:
    """The history that these acts (item, kind, value), newest first, amount to.

    The newest act on an item decides: who liked it and then dismissed it does not want it.
    """
    verdicts: dict[int, tuple[bool, EventKind]] = {}
    unwanted: set[int] = set()
    for item_id, number, value in acts:
        kind = EventKind(number)
        if item_id not in verdicts:
            verdicts[item_id] = (is_wanting(kind, value), kind)
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
    now = timezone.now()
    return History(
        wanted=tuple(
            WantedAct(item_id=item_id, kind=EventKind.CLICK, time=now - timedelta(seconds=1 + age))
            for age, item_id in enumerate(newest_first)
        ),
        taste=tuple(
            TasteItem(item_id=item_id, weight=FADE**age, verb="looked at")
            for age, item_id in enumerate(newest_first[:LONGEST_TASTE])
        ),
        seen=frozenset(item_ids),
    )
