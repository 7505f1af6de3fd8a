"""Real histories as worlds: films (ratings, typed tags) and lastfm (listening, typed tags)."""

import csv
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.simulator.chance import Chance
from benchmarks.simulator.people import Person, World
from catalog.importers.movielens import read_film, read_rating
from catalog.types import EventInput, ItemInput

# Longer descriptions are encoded for minutes on one core.
MOST_CHARACTERS = 240
NEWCOMERS = 500
# The earlier part of a person's ratings, by their own time; the tags of lastfm are cut at a date,
# because many of them carry the same one.
EARLIER = 0.7
LASTFM_CUT = "2010-01-01"
WANTED_RATING = 4.0
LEAST_LATER, LEAST_EARLIER = 3, 3
MOST_LOGGED = 1_500
# A tag that so many people gave an artist before the cut is its category.
CATEGORY_PEOPLE, MOST_CATEGORIES = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of the data is taken."""

    items: int = 2_000
    people: int = 150
    # Who: everybody, or one half of people by lot, so that what is chosen on one is told of the
    # other. "choosing" or "reported".
    part: str = "all"


def read_world(folder: Path, *, new_category: str, size: Size, seed: int) -> World:
    """A folder like `films/` or like `lastfm/`, without the items of the category held out."""
    read = _films if (folder / "items.jsonl").is_file() else _artists
    return read(folder, new_category, size, Chance(seed))


def _films(folder: Path, new_category: str, size: Size, chance: Chance) -> World:
    rows = sorted(read_rows(folder / "items.jsonl"), key=lambda row: -int(row["n_ratings"]))
    everything = [short(read_film(row)) for row in rows]
    kept, newcomers = _held_out(everything, new_category, size)
    known = {item.external_id for item in kept}
    given: dict[str, list[EventInput]] = defaultdict(list)
    for row in table(folder / "ratings.csv", ","):
        given[row["userId"]].append(read_rating(row))
    cuts = {}
    for name, events in given.items():
        events.sort(key=lambda event: (event.time, event.item_id))
        cuts[name] = events[int(EARLIER * len(events))].time
    typed: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in table(folder / "tags.csv", ","):
        time = datetime.fromtimestamp(int(row["timestamp"]), tz=UTC)
        typed[row["userId"]].append((time, row["tag"].strip()))
    new = {item.external_id for item in newcomers}
    people, history = [], []
    for name, events in given.items():
        early = [event for event in events if event.time < cuts[name] and event.item_id in known]
        history += early
        later = [
            event.item_id
            for event in events
            if event.time >= cuts[name]
            and (event.value or 0) >= WANTED_RATING
            and event.item_id in known | new
        ]
        late_tags = [tag for time, tag in typed[name] if time >= cuts[name]]
        if _is_usable(early, [item for item in later if item in known]):
            people.append(Person(name=name, later=tuple(later), typed=_once(late_tags)))
    log = sorted(
        (time, name, tag) for name, tags in typed.items() for time, tag in tags if time < cuts[name]
    )
    profile = {
        "name": "Films", "item_noun": "film", "item_noun_plural": "films", "category_noun": "genre",
        "range_facet": "year", "name_attributes": ["cast"],
    }  # fmt: skip
    return World(
        items=kept, newcomers=newcomers, history=history,
        log=[(name, tag) for _, name, tag in log][-MOST_LOGGED:],
        people=_some(people, size, chance), profile=profile, new_category=new_category,
    )  # fmt: skip


def _artists(folder: Path, new_category: str, size: Size, chance: Chance) -> World:
    rows = sorted(table(folder / "tag_events.tsv", "\t"), key=lambda row: row["date"])
    early = [row for row in rows if row["date"] < LASTFM_CUT]
    everything = _artist_items(early)
    kept, newcomers = _held_out(everything, new_category, size)
    known = {item.external_id for item in kept}
    new = {item.external_id for item in newcomers}
    history, heard = [], set()
    for row in early:
        act = (row["user"], row["artist_id"])
        if row["also_listened"] == "1" and row["artist_id"] in known and act not in heard:
            heard.add(act)
            history.append(_play(row))
    before, later, typed = Counter(event.user_id for event in history), {}, {}
    for row in rows[len(early) :]:
        name, act = row["user"], (row["user"], row["artist_id"])
        typed.setdefault(name, []).append(row["tag_query"].strip())
        if row["also_listened"] == "1" and row["artist_id"] in known | new and act not in heard:
            later.setdefault(name, []).append(row["artist_id"])
    people = [
        Person(name=name, later=_once(items), typed=_once(typed[name]))
        for name, items in later.items()
        if _is_usable(range(before[name]), [item for item in set(items) if item in known])
    ]
    log = dict.fromkeys((row["user"], row["tag_query"].strip()) for row in early)
    profile = {
        "name": "Artists", "item_noun": "artist", "item_noun_plural": "artists",
        "category_noun": "genre", "range_facet": "", "name_attributes": [],
    }  # fmt: skip
    return World(
        items=kept, newcomers=newcomers, history=history, log=list(log)[-MOST_LOGGED:],
        people=_some(people, size, chance), profile=profile, new_category=new_category,
    )  # fmt: skip


def _artist_items(rows: Sequence[dict[str, str]]) -> list[ItemInput]:
    """Artists with the tags that several people gave them before the cut, most tagged first."""
    names = {row["artist_id"]: row["artist"] for row in rows}
    times = Counter(row["artist_id"] for row in rows)
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for artist, tag, _ in {(row["artist_id"], row["tag_query"], row["user"]) for row in rows}:
        tags[artist][tag.strip().replace("/", " ")] += 1
    return [
        ItemInput(
            external_id=artist,
            title=names[artist],
            category_paths=[
                tag.title()
                for tag, people in sorted(tags[artist].items(), key=lambda one: (-one[1], one[0]))
                if people >= CATEGORY_PEOPLE
            ][:MOST_CATEGORIES],
        )
        for artist, _ in sorted(times.items(), key=lambda one: (-one[1], one[0]))
        if max(tags[artist].values()) >= CATEGORY_PEOPLE
    ]


def _play(row: dict[str, str]) -> EventInput:
    time = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
    return EventInput(
        kind="play", item_id=row["artist_id"], user_id=row["user"], time=time, surface="import"
    )


def _held_out(
    items: Sequence[ItemInput], category: str, size: Size
) -> tuple[list[ItemInput], list[ItemInput]]:
    """The best known items without the category, and the best known NEWCOMERS of it.

    Raises:
        ValueError: nothing has that category.
    """
    held = [item for item in items if category in item.category_paths]
    if not held:
        raise ValueError(f"no item has the category {category}")
    others = [item for item in items if category not in item.category_paths]
    return others[: size.items], held[:NEWCOMERS]


def _is_usable(early: Sequence[object], later: Sequence[str]) -> bool:
    return len(early) >= LEAST_EARLIER and len(later) >= LEAST_LATER


def _some(people: Sequence[Person], size: Size, chance: Chance) -> list[Person]:
    """Of a part of people those who typed something later first, then by lot."""
    order = sorted(
        (
            one
            for one in people
            if size.part == "all" or is_reported(one.name) == (size.part == "reported")
        ),
        key=lambda one: (not one.typed, chance.number(one.name, "taken"), one.name),
    )
    return order[: size.people]


def is_reported(name: str) -> bool:
    """One half of people, the same whatever the seed."""
    return hashlib.blake2b(f"half{name}".encode(), digest_size=1).digest()[0] % 2 == 1


def short(item: ItemInput) -> ItemInput:
    """With the beginning of its description."""
    return replace(item, description=item.description[:MOST_CHARACTERS])


def _once(things: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(things))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(path: Path, delimiter: str) -> Iterator[dict[str, str]]:
    """The rows of a file with a line of names."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        yield from csv.DictReader(file, delimiter=delimiter, quoting=quoting)
