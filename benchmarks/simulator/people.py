"""Simulated people: real histories cut in two, the earlier part known, the later what they want."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.simulator.chance import Chance
from benchmarks.simulator.config import Assumptions
from catalog.types import EventInput, ItemInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One real person of the data.

    later: items that they really went on to want, after the cut; nothing that answers may see it.
    typed: what they really typed after the cut.
    """

    name: str
    later: tuple[str, ...]
    typed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is loaded, and who lives in it.

    history: events before the cut, of everybody. log: (person, query) typed before it, oldest
    first. newcomers: items of a category held out, with everything that anybody did with them.
    """

    items: Sequence[ItemInput]
    newcomers: Sequence[ItemInput]
    history: Sequence[EventInput]
    log: Sequence[tuple[str, str]]
    people: Sequence[Person]
    profile: Mapping[str, object]
    new_category: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody comes with. `target`: the item of a title, else ""."""

    kind: str  # title, typed, vague
    query: str
    target: str = ""


def intents(
    person: Person,
    session: int,
    *,
    items: Mapping[str, ItemInput],
    assumed: Assumptions,
    chance: Chance,
) -> Iterator[Intent]:
    """What this person comes with in a session, and asks next where they ask again.

    It depends on the person and the seed alone, never on an answer.
    """
    known = [item for item in person.later if item in items]
    for number in range(assumed.most_searches if known else 0):
        occasion = (person.name, session, "intent", number)
        drawn = chance.number(*occasion)
        target = chance.one_of(known, *occasion, "target")
        if drawn < assumed.title:
            yield Intent("title", items[target].title, target)
        elif drawn < assumed.title + assumed.typed and person.typed:
            yield Intent("typed", chance.one_of(person.typed, *occasion, "typed"))
        else:
            yield Intent("vague", _vague(items[target], chance, *occasion))


def names_of(item: ItemInput) -> frozenset[str]:
    """Creators and cast: who an item is by or with."""
    cast = item.attributes.get("cast") or ()
    return frozenset([*item.creators, *(cast if isinstance(cast, list | tuple) else ())])


def favourite_names(person: Person, items: Mapping[str, ItemInput]) -> frozenset[str]:
    """Whoever stands behind what they will want."""
    counted = Counter(
        name for item in person.later if item in items for name in names_of(items[item])
    )
    return frozenset(counted)


def _vague(item: ItemInput, chance: Chance, *occasion: object) -> str:
    """A category of something wanted, with its decade half of the time."""
    category = chance.one_of(list(item.category_paths), *occasion, "category")
    words = category.rpartition("/")[2].lower()
    if item.year and chance.happens(0.5, *occasion, "decade"):
        return f"{words} {item.year // 10 * 10}s"
    return words
