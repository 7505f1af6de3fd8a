"""The queue of approval: proposed queries with what speaks for them, the most typed first."""

from dataclasses import dataclass

from catalog.models import Item
from search.bans import current_bans
from search.models import Query

ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A query that waits. answers: what it finds; best_hit: the title of the best visible item.

    held_back: why it would not be shown even so.
    """

    id: int
    text: str
    source: str
    people: int
    answers: int
    best_hit: str
    language: str
    held_back: str


def proposals(*, limit: int = ROWS) -> tuple[int, list[Proposed]]:
    """How many wait, and the first of them; what would never be shown comes last."""
    waiting = Query.objects.filter(review=Query.Review.PROPOSED)
    rows = list(waiting.order_by("held_back", "-people", "-popularity", "pk")[:limit])
    titles = dict(
        Item.objects.visible()
        .filter(pk__in={item for row in rows for item in row.witnesses})
        .values_list("pk", "title")
    )
    bans = current_bans()
    return waiting.count(), [_proposed(row, titles, bans.holds(row.normalized)) for row in rows]


def _proposed(row: Query, titles: dict[int, str], is_banned: bool) -> Proposed:
    why = "banned by a pattern" if is_banned else row.get_held_back_display()
    return Proposed(
        id=row.pk,
        text=row.text,
        source=row.source,
        people=row.people,
        answers=row.answers if row.found is None else row.found,
        best_hit=next((titles[item] for item in row.witnesses if item in titles), ""),
        language=row.language,
        held_back=why if row.held_back or is_banned else "",
    )
