"""Importing a MovieLens folder: films with genres and years, and the ratings of its people.

Reads the layouts that GroupLens publishes: `movies.csv` and `ratings.csv` (latest, 20M, 25M, 32M),
or `movies.dat` and `ratings.dat` with "::" between the fields (1M, 10M). A file `items.jsonl` in
place of the films (title, genres, a Wikipedia extract and cast) is read too.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.enqueue import enqueue_refresh
from catalog.errors import InvalidInput
from catalog.importers.bulk import EVENT_BATCH, ITEM_BATCH, copy_items
from catalog.importers.files import CSV, SourceFile, open_source, read_lines
from catalog.importers.film_text import genre_name
from catalog.importers.rows import Row, columns_of, count_rows, excerpt, read_rows
from catalog.importers.run import Import, ImportReport, Outcome, run_import
from catalog.importers.settle import settle_events, settle_items
from catalog.importers.tables import prepare_events, write_events
from catalog.importers.titles import alternative_names, main_title, split_year
from catalog.progress import NO_PROGRESS, Progress
from catalog.types import EventInput, ItemInput
from catalog.validation import read_event, read_item

ITEM_FILES = ("movies.csv", "movies.dat", "items.jsonl")
RATING_FILES = ("ratings.csv", "ratings.dat")
DAT_SEPARATOR = "::"
DAT_COLUMNS = {
    "movies.dat": ("movieId", "title", "genres"),
    "ratings.dat": ("userId", "movieId", "rating", "timestamp"),
}
NO_GENRES = "(no genres listed)"


def import_movielens(
    *, folder: str | Path, progress: Progress = NO_PROGRESS, restart: bool = False
) -> tuple[ImportReport, ImportReport]:
    """Import the films, then the ratings; a report of each.

    Raises:
        InvalidInput: it is no folder, or the films or the ratings are not in it.
        Conflict: another process imports it.
    """
    folder = Path(folder)
    items, ratings = _find(folder, ITEM_FILES), _find(folder, RATING_FILES)
    films = run_import(
        Import(
            kind="catalog.import",
            source=items.fingerprint() | {"as": "movielens"},
            rows=lambda: _rows(items),
            read=read_film,
            write=_write_films,
            settle=settle_items,
            total=count_rows(items),
            batch_size=ITEM_BATCH,
        ),
        progress=progress,
        restart=restart,
    )
    rated = run_import(
        Import(
            kind="catalog.import_events",
            source=ratings.fingerprint() | {"as": "movielens"},
            rows=lambda: _rows(ratings),
            read=read_rating,
            write=write_events,
            prepare=prepare_events,
            settle=settle_events,
            total=count_rows(ratings),
            batch_size=EVENT_BATCH,
        ),
        progress=progress,
        restart=restart,
    )
    if films.tally.created or films.tally.updated:
        enqueue_refresh()
    return films, rated


def read_film(values: Mapping[str, Any]) -> ItemInput:
    """A film: "Matrix, The (1999)" becomes "The Matrix" of 1999."""
    title, year = split_year(str(values.get("title") or ""))
    genres = values.get("genres") or []
    genres = genres.split("|") if isinstance(genres, str) else genres
    known = values.get("wikipedia") or {}
    attributes = {
        "also_known_as": alternative_names(title),
        "cast": [name for name in known.get("cast") or [] if not name.startswith("(")],
    }
    return read_item(
        {
            "id": values.get("movieId"),
            "title": main_title(title),
            "description": known.get("extract") or "",
            "categories": [genre_name(genre) for genre in genres if genre != NO_GENRES],
            "attributes": {name: found for name, found in attributes.items() if found},
            "year": year,
        }
    )


def read_rating(values: Mapping[str, Any]) -> EventInput:
    """A rating, at its time in seconds."""
    try:
        time = datetime.fromtimestamp(int(values.get("timestamp") or ""), tz=UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise InvalidInput(
            "'timestamp' must be whole seconds since 1970.", field="timestamp"
        ) from None
    return read_event(
        {
            "kind": "rating",
            "item_id": values.get("movieId"),
            "user_id": values.get("userId"),
            "value": values.get("rating"),
            "time": time,
            "surface": "import",
        },
        now=datetime.now(tz=UTC),
    )


def _find(folder: Path, names: tuple[str, ...]) -> SourceFile:
    if not folder.is_dir():
        raise InvalidInput(
            f"{folder} is no folder: name the one that the MovieLens archive unpacks to.",
            field="path",
        )
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                source = open_source(path)
                _check_columns(source, name)
                return source
    raise InvalidInput(f"{folder} holds none of {', '.join(names)}.", field="path")


def _check_columns(source: SourceFile, name: str) -> None:
    if name in DAT_COLUMNS or source.format != CSV:
        return
    wanted = DAT_COLUMNS[name.replace(".csv", ".dat")]
    found = columns_of(source)
    missing = [column for column in wanted if column not in found]
    if missing:
        raise InvalidInput(
            f"{source.path.name} has no column {', '.join(missing)}; its columns are: "
            f"{', '.join(found)}.",
            field="path",
        )


def _rows(source: SourceFile) -> Iterator[Row]:
    name = source.path.name.removesuffix(".gz")
    return _dat_rows(source, DAT_COLUMNS[name]) if name in DAT_COLUMNS else read_rows(source)


def _dat_rows(source: SourceFile, columns: tuple[str, ...]) -> Iterator[Row]:
    for line in read_lines(source):
        # The 1M files are in Latin-1, the 10M files in UTF-8.
        try:
            text = line.data.decode("utf-8")
        except UnicodeDecodeError:
            text = line.data.decode("latin-1")
        values = text.strip("\r\n").split(DAT_SEPARATOR)
        if len(values) == len(columns):
            yield Row(
                line=line.number,
                values=dict(zip(columns, values, strict=True)),
                excerpt=excerpt(text),
            )
        elif text.strip():
            reason = f"{len(values)} fields, {len(columns)} are expected."
            yield Row(line=line.number, problem=reason, excerpt=excerpt(text))


def _write_films(batch: list[tuple[Row, ItemInput]]) -> Outcome:
    counts = copy_items(items=[item for _, item in batch])
    return Outcome(created=counts.created, updated=counts.updated, unchanged=counts.unchanged)
