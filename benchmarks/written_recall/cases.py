"""What is searched for: items, and queries whose right answers people told. Plain reading.

Items and queries are read by two functions, so that whoever writes for the items has been told of
no query.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.importers.movielens import read_film, read_rating
from catalog.types import EventInput, ItemInput
from recs.ml.relevance.pairs import products_of, read_pairs
from search.text import normalize_query

# From this grade on a product answers its query.
GOOD = 3
# A query of the judged file with at most so many good products is one for the tail,
FEW_GOOD = 10
# and so is a film that fewer people than this had rated before the queries begin.
FEW_RATINGS = 10
ALL, TAIL = "all", "tail"

Wants = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The items of a folder, and what was known of them before anybody asks."""

    name: str
    items: Sequence[ItemInput]
    profile: Mapping[str, Any]
    events: Sequence[EventInput] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Queries with their right answers, external ids. `slices`: "all" and parts of it, in words."""

    slices: Mapping[str, Wants] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def queries(self) -> list[str]:
        """Each once, in the order of the alphabet."""
        return sorted(self.slices[ALL])


def read_shelf(folder: Path, *, since: datetime) -> Shelf:
    """The items of a folder like `films/` or `relevance/`; of films the ratings before a date."""
    if (folder / "items.jsonl").is_file():
        return _films(folder, since)
    profile = {"name": "Products", "item_noun": "product", "item_noun_plural": "products"}
    return Shelf(name="relevance", items=_products(folder), profile=profile)


def read_asked(folder: Path, *, since: datetime) -> Asked:
    """The judged queries, or the tags that people typed from a date on."""
    return _typed(folder, since) if (folder / "items.jsonl").is_file() else _judged(folder)


def _products(folder: Path) -> list[ItemInput]:
    """Each once. Their numbers follow their texts and tell nothing of who asked for them."""
    found, _ = products_of(read_pairs(_graded(folder), judged=True))
    return [
        ItemInput(external_id=f"p{number}", title=title[:500], description=text)
        for number, (title, text) in enumerate(found)
    ]


def _judged(folder: Path) -> Asked:
    pairs = read_pairs(_graded(folder), judged=True)
    found, numbers = products_of(pairs)
    good: dict[str, set[str]] = defaultdict(set)
    for query, number, grade in zip(pairs.queries, numbers.tolist(), pairs.grades, strict=True):
        if round(float(grade)) >= GOOD:
            good[query].add(f"p{number}")
    bare = {f"p{number}" for number, (_, text) in enumerate(found) if not text}
    everything = {query: frozenset(items) for query, items in good.items()}
    few = {query: items for query, items in everything.items() if len(items) <= FEW_GOOD}
    name = "no description"
    return Asked(
        slices={ALL: everything, TAIL: few, name: _within(everything, bare)},
        told={
            ALL: f"products graded {GOOD} or 4",
            TAIL: f"queries with at most {FEW_GOOD} such products",
            name: "such products without a description",
        },
    )


def _films(folder: Path, since: datetime) -> Shelf:
    lines = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    events = [read_rating(row) for row in _rows(folder / "ratings.csv")]
    profile = {
        "name": "Films", "item_noun": "film", "item_noun_plural": "films", "category_noun": "genre",
        "range_facet": "year", "name_attributes": ["cast"],
    }  # fmt: skip
    return Shelf(
        name="films",
        items=[read_film(json.loads(line)) for line in lines],
        profile=profile,
        events=[event for event in events if event.time < since],
    )


def _typed(folder: Path, since: datetime) -> Asked:
    """Tags as queries: right are the films that were tagged so from the date on."""
    rated: dict[str, int] = defaultdict(int)
    for row in _rows(folder / "ratings.csv"):
        rated[row["movieId"]] += datetime.fromtimestamp(int(row["timestamp"]), UTC) < since
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in _rows(folder / "tags.csv"):
        query = normalize_query(row["tag"])
        if query and datetime.fromtimestamp(int(row["timestamp"]), UTC) >= since:
            wanted[query].add(row["movieId"])
    everything = {query: frozenset(items) for query, items in wanted.items()}
    known = {item for items in wanted.values() for item in items}
    tail = {item for item in known if rated[item] < FEW_RATINGS}
    return Asked(
        slices={ALL: everything, TAIL: _within(everything, tail)},
        told={
            ALL: f"films tagged so since {since:%Y-%m-%d}",
            TAIL: f"of those the films with fewer than {FEW_RATINGS} ratings before",
        },
    )


def _within(wants: Wants, items: set[str]) -> dict[str, frozenset[str]]:
    """Those of the wants that are of these items; queries without any are left out."""
    return {query: kept for query, held in wants.items() if (kept := held & items)}


def _graded(folder: Path) -> Path:
    """The one CSV of a folder.

    Raises:
        FileNotFoundError: there is none, or several.
    """
    found = sorted(folder.glob("*.csv"))
    if len(found) != 1:
        raise FileNotFoundError(f"{folder} is no folder of films and holds {len(found)} CSV files.")
    return found[0]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        yield from csv.DictReader(file)
