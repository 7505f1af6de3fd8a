"""Folders that hold items, what people wanted and what they called things: two known shapes.

Like `films/`: `items.jsonl` (movieId, title, genres, and where there is one wikipedia with cast and
extract), `ratings.csv` (userId, movieId, rating, timestamp), `tags.csv` (userId, movieId, tag,
timestamp). A rating of at least 4 says that the film was wanted; a tag is a query that chose it.

Like `lastfm/`: `tag_events.tsv` (user, date, tag_query, artist_id, artist, also_listened). A tag is
a query that chose the artist; the first one of somebody who listens to the artist says that it was
wanted.
`user_artists.dat` is not read: its counts have no dates, so nobody could say what of them was known
before a moment. `artists.dat`, where there is one, names artists that no event has.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.sequence_files import UnreadableFile, read_lines, read_rows
from recs.ml.unified.examples import Searches
from recs.ml.unified.surfaces import ADD, NOBODY, WANT, SurfaceLog
from recs.ml.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

SECONDS_A_DAY = 86_400
LEAST_WANTED = 4.0
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """G ratings of items: (G,) each; `values` from 0 to 1."""

    items: Ints
    values: DoubleFloats
    days: DoubleFloats


@dataclass(frozen=True, slots=True, kw_only=True)
class JointData:
    """A folder as arrays: N items in the vocabulary's order, P people, Q queries.

    `titles`, `texts`, `facts`: (N,) of each item. `years`: (N,) float, NaN where unknown.
    `queries`: what people asked, as rows of words.
    """

    vocabulary: Vocabulary
    titles: tuple[str, ...]
    texts: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    years: DoubleFloats
    queries: Vocabulary
    log: SurfaceLog
    searches: Searches
    ratings: Ratings


def read_joint(folder: Path) -> JointData:
    """Whichever of the two shapes it has.

    Raises:
        UnreadableFile: where it has neither, or a file is not of its format.
    """
    if (folder / "items.jsonl").is_file():
        return _read_films(folder)
    if (folder / "tag_events.tsv").is_file():
        return _read_artists(folder)
    raise UnreadableFile(
        f"{folder} holds neither items.jsonl (with ratings.csv and tags.csv) nor tag_events.tsv."
    )


def plain_query(text: str) -> str:
    """Small letters, single spaces: the form in which two people ask the same."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True, slots=True)
class _Row:
    """An item as a file states it."""

    title: str
    text: str
    facts: tuple[str, ...]
    year: float


@dataclass(frozen=True, slots=True)
class _Event:
    """Somebody, an item, a moment; a query where there was one."""

    person: str
    item: str
    day: float
    query: str = ""
    strength: int = WANT


def _read_films(folder: Path) -> JointData:
    rows = {str(row["movieId"]): _film(row) for row in _json_lines(folder / "items.jsonl")}
    rated = list(_table(folder / "ratings.csv", ("userId", "movieId", "rating", "timestamp"), ","))
    tagged = list(_table(folder / "tags.csv", ("userId", "movieId", "tag", "timestamp"), ","))
    for row in (*rated, *tagged):
        rows.setdefault(row["movieId"], _Row(row["movieId"], "", (), np.nan))
    wanted = [
        _Event(row["userId"], row["movieId"], _number(row["timestamp"]) / SECONDS_A_DAY)
        for row in rated
        if _number(row["rating"]) >= LEAST_WANTED
    ]
    asked = [
        _Event(
            row["userId"],
            row["movieId"],
            _number(row["timestamp"]) / SECONDS_A_DAY,
            plain_query(row["tag"]),
            ADD,
        )
        for row in tagged
    ]
    ratings = [
        (row["movieId"], _number(row["rating"]) / 5.0, _number(row["timestamp"]) / SECONDS_A_DAY)
        for row in rated
    ]
    return _joined(rows, wanted, asked, ratings)


def _film(row: dict[str, Any]) -> _Row:
    found = _YEAR.search(row["title"])
    title = _YEAR.sub("", row["title"])
    about = row.get("wikipedia") or {}
    cast = [name for name in about.get("cast") or () if not name.startswith("(")]
    genres = [genre for genre in row.get("genres") or () if not genre.startswith("(")]
    facts = [f"genre:{genre}" for genre in genres] + [f"person:{name}" for name in cast]
    if found:
        facts.append(f"decade:{found[1][:3]}0s")
    parts = (title, ", ".join(genres), ", ".join(cast), about.get("extract") or "")
    text = ". ".join(part for part in parts if part)
    return _Row(title, text, tuple(facts), float(found[1]) if found else np.nan)


def _read_artists(folder: Path) -> JointData:
    columns = ("user", "date", "tag_query", "artist_id", "artist", "also_listened")
    rows: dict[str, _Row] = {}
    wanted, asked = [], []
    seen: set[tuple[str, str]] = set()
    events = sorted(
        _table(folder / "tag_events.tsv", columns, "\t"), key=lambda event: event["date"]
    )
    for event in events:
        item, day = event["artist_id"], _day(event["date"])
        rows.setdefault(item, _Row(event["artist"], event["artist"], (), np.nan))
        listens = event["also_listened"] == "1"
        query = plain_query(event["tag_query"])
        asked.append(_Event(event["user"], item, day, query, WANT if listens else ADD))
        if listens and (event["user"], item) not in seen:
            seen.add((event["user"], item))
            wanted.append(_Event(event["user"], item, day))
    if (folder / "artists.dat").is_file():
        for row in _table(folder / "artists.dat", ("id", "name"), "\t"):
            rows.setdefault(row["id"], _Row(row["name"], row["name"], (), np.nan))
    return _joined(rows, wanted, asked, [])


def _joined(
    rows: dict[str, _Row],
    wanted: Sequence[_Event],
    asked: Sequence[_Event],
    ratings: Sequence[tuple[str, float, float]],
) -> JointData:
    """Everything as arrays; items stand in an order of chance, for ids tell how old they are."""
    names = sorted(rows)
    order = np.random.default_rng(0).permutation(len(names))
    vocabulary = Vocabulary(tuple(names[place] for place in order))
    listed = [rows[name] for name in vocabulary.item_ids]
    queries = Vocabulary.of(sorted({event.query for event in asked if event.query}))
    asked = [event for event in asked if event.query]
    people = sorted({event.person for event in (*wanted, *asked)})
    words = queries.rows(event.query for event in asked)
    items = vocabulary.rows(event.item for event in asked)
    days = np.array([event.day for event in asked], np.float64)
    owners = _owners(people, asked)
    return JointData(
        vocabulary=vocabulary,
        titles=tuple(row.title for row in listed),
        texts=tuple(row.text for row in listed),
        facts=tuple(row.facts for row in listed),
        years=np.array([row.year for row in listed], np.float64),
        queries=queries,
        log=SurfaceLog(
            wanted=_histories(
                people,
                _owners(people, wanted),
                vocabulary.rows(event.item for event in wanted),
                np.array([event.day for event in wanted], np.float64),
            ),
            asked=_histories(people, owners, words, days),
            chosen=_histories(people, owners, items, days),
        ),
        searches=Searches(
            persons=owners,
            words=words,
            items=items,
            days=days,
            strengths=np.array([event.strength for event in asked], np.int8),
        ),
        ratings=Ratings(
            items=vocabulary.rows(row[0] for row in ratings),
            values=np.array([row[1] for row in ratings], np.float64),
            days=np.array([row[2] for row in ratings], np.float64),
        ),
    )


def _owners(people: Sequence[str], events: Sequence[_Event]) -> Ints:
    place = {name: number for number, name in enumerate(people)}
    return np.array([place.get(event.person, NOBODY) for event in events], np.int64)


def _histories(people: Sequence[str], owners: Ints, items: Ints, days: DoubleFloats) -> Histories:
    """In order of time; what happened at one moment in an order of chance."""
    chance = np.random.default_rng(1).permutation(len(items))
    order = np.lexsort((chance, days, owners))
    lengths = np.bincount(owners, minlength=len(people)) if len(owners) else np.zeros(len(people))
    return Histories(
        people=tuple(people),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=items[order],
        kinds=np.zeros(len(items), np.int8),
        days=days[order],
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UnreadableFile(f"{text!r} is no number.") from None


def _day(date: str) -> float:
    try:
        moment = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        raise UnreadableFile(f"{date!r} is no date like 2010-07-01.") from None
    return moment.timestamp() / SECONDS_A_DAY


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_lines(path, encoding="utf-8-sig"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield {**row, "movieId": row["movieId"], "title": str(row["title"])}
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableFile(f"{path}, line {number} is no item: {error!r}.") from None


def _table(path: Path, columns: Sequence[str], delimiter: str) -> Iterator[dict[str, str]]:
    # Spreadsheets put a mark before the first column's name.
    lines = read_lines(path, encoding="utf-8-sig")
    if delimiter == ",":
        reader = csv.DictReader(lines)
    else:
        reader = csv.DictReader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableFile(f"{path}: the first line has no column {', '.join(missing)}.")
    for row in read_rows(reader, path):
        if any(row[name] is None for name in columns):
            raise UnreadableFile(f"{path}, line {reader.line_num} lacks a column.")
        yield {name: row[name] for name in columns}
