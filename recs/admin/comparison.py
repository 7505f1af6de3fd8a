"""Two versions side by side: what differs in them, and in what one person would be shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import Item, Person
from catalog.types import Viewer
from recs.history import read_history
from recs.models import ModelVersion
from recs.recommenders.base import Ask
from recs.recommenders.user_model import picker_of
from recs.unified import UnifiedAsk, ranking_of
from recs.user_models import load_model

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Differing:
    """A value that two versions do not share."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Place:
    """An item in one person's list: where the other version has it, and how it moved."""

    item: Item
    place: int
    other: int | None

    @property
    def move(self) -> str:
        """In words: "up 3", "same place", "new"."""
        if self.other is None:
            return "not in the other list"
        steps = self.other - self.place
        if not steps:
            return "same place"
        return f"{'up' if steps > 0 else 'down'} {abs(steps)}"


@dataclass(frozen=True, slots=True)
class PersonsLists:
    """What both versions would show a person now, and how many items the lists share."""

    person: Person
    first: list[Place]
    second: list[Place]

    @property
    def shared(self) -> int:
        """Items that stand in both."""
        return sum(place.other is not None for place in self.first)


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Differing]:
    """Values that are not the same in both, nested ones by their path; in order of name."""
    ones, others = dict(_flat(first)), dict(_flat(second))
    return [
        Differing(name, ones.get(name, ""), others.get(name, ""))
        for name in sorted(ones.keys() | others.keys())
        if ones.get(name) != others.get(name)
    ]


def persons_lists(first: ModelVersion, second: ModelVersion, person: Person) -> PersonsLists:
    """What both would show the person now, by the code that answers requests.

    Raises:
        UnusableVersion: where one of them cannot be loaded.
    """
    ones, others = _served(first, person), _served(second, person)
    items = Item.objects.in_bulk({*ones, *others})
    return PersonsLists(
        person=person,
        first=_places(ones, others, items),
        second=_places(others, ones, items),
    )


def _served(version: ModelVersion, person: Person) -> list[int]:
    viewer = Viewer(person_id=person.pk)
    history = read_history(viewer=viewer)
    if version.kind == ModelVersion.Kind.UNIFIED:
        known = history.seen | history.unwanted
        asked = UnifiedAsk(surface="home", viewer=viewer, history=history, excluded=known)
        return list(ranking_of(version, asked).ids[:SHOWN])
    picker = picker_of(version, load_model(version), history)
    if picker is None:
        return []
    ask = Ask(k=SHOWN, taste=history.taste, excluded=history.seen | history.unwanted)
    return picker.ranked(ask)[0][:SHOWN]


def _places(ids: list[int], others: list[int], items: Mapping[int, Item]) -> list[Place]:
    elsewhere = {item_id: place for place, item_id in enumerate(others, start=1)}
    return [
        Place(items[item_id], place, elsewhere.get(item_id))
        for place, item_id in enumerate(ids, start=1)
        if item_id in items
    ]


def _flat(values: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        where = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping):
            yield from _flat(value, where)
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            yield from _flat(dict(enumerate(value, start=1)), where)
        else:
            yield where, f"{value:.4f}" if isinstance(value, float) else str(value)
