"""What a judge sees of a pair: the query or the history, the item and the guideline; nothing else.

No score, no source, no grade of others, no reason for asking, and nothing that names the person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from django.db.models import Q

from catalog.covers import cover_svg
from catalog.event_kinds import LEAST_GOOD_RATING, UNWANTED, EventKind
from catalog.guidelines import GRADES, Guideline, guideline_of
from catalog.models import Event, Item, JudgingPair, Person

WANTED_SHOWN, UNWANTED_SHOWN = 12, 6
# Events that are looked through for so many different items.
EVENTS_READ = 200
DESCRIPTION_CHARACTERS = 3_000
VALUE_CHARACTERS = 300
FACTS_SHOWN = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A pair on the page. `wanted` and `unwanted` are titles, the latest first.

    `cover` is an address that holds the drawing itself; `photo` is "" where the item has none.
    """

    kind: str
    query: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    title: str
    cover: str
    photo: str
    description: str
    facts: tuple[tuple[str, str], ...]
    guideline: Guideline
    grades: tuple[tuple[int, str, str], ...]  # (grade, its name, what it means), the best first


def shown(pair: JudgingPair) -> Shown:
    """A pair, ready to be printed.

    Raises:
        Item.DoesNotExist: it was deleted a moment ago.
    """
    item = Item.objects.defer("search_vector", "keywords").get(pk=pair.item_id)
    guideline = guideline_of(pair.kind)
    wanted, unwanted = _history(pair.person, without=item.pk)
    return Shown(
        kind=pair.kind,
        query=pair.query,
        wanted=wanted,
        unwanted=unwanted,
        title=str(item),
        cover=f"data:image/svg+xml,{quote(cover_svg(item))}",
        photo=item.image_url if item.image_url.startswith(("/", "https://", "http://")) else "",
        description=_cut(item.description, DESCRIPTION_CHARACTERS),
        facts=_facts(item),
        guideline=guideline,
        grades=tuple(
            (grade, GRADES[grade], told)
            for grade, told in sorted(guideline.grades.items(), reverse=True)
        ),
    )


def _history(person: Person | None, *, without: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Titles of what the person wanted and of what they did not, each once, the latest first."""
    if person is None:
        return (), ()
    own = Event.objects.of_viewer(person_id=person.pk, anonymous_id=None).exclude(item_id=without)
    bad = Q(kind__in=UNWANTED) | Q(kind=EventKind.RATING, value__lt=LEAST_GOOD_RATING)
    kept = []
    for rows, most in ((own.positive(), WANTED_SHOWN), (own.filter(bad), UNWANTED_SHOWN)):
        latest = rows.order_by("-time", "-id").values_list("item_id", flat=True)[:EVENTS_READ]
        kept.append(list(dict.fromkeys(latest))[:most])
    titles = {item.pk: str(item) for item in
              Item.objects.filter(pk__in=kept[0] + kept[1]).only("title", "year")}  # fmt: skip
    wanted, unwanted = (tuple(titles[pk] for pk in ids if pk in titles) for ids in kept)
    return wanted, unwanted


def _facts(item: Item) -> tuple[tuple[str, str], ...]:
    """What is stated of the item, in words."""
    price = f"{item.price} {item.currency}".strip() if item.price is not None else ""
    stated = {
        "Categories": _told(item.category_paths),
        "By": _told(item.creators),
        "Countries": _told(item.countries),
        "Released": _told(item.released_on or item.year),
        "Price": price,
        **_attributes(item.attributes),
    }
    told = [(name, value) for name, value in stated.items() if value]
    return tuple(told[:FACTS_SHOWN])


def _attributes(attributes: object) -> dict[str, str]:
    if not isinstance(attributes, Mapping):
        return {}
    return {str(key).replace("_", " ").capitalize(): _told(value)
            for key, value in attributes.items()}  # fmt: skip


def _told(value: object) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    return "" if value is None else _cut(str(value), VALUE_CHARACTERS)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters].rstrip()}…"
