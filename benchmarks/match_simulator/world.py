"""Real ratings as a world: what people said before their cut, and what they said after it.

The truth about a match is the later part, and nothing that answers sees it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.match_simulator.lists import BAD, GOOD, NEUTRAL
from benchmarks.simulator.histories import EARLIER, is_reported, read_rows, short, table
from catalog.derive import content_text
from catalog.event_kinds import EventKind
from catalog.importers.movielens import read_film
from catalog.types import ItemInput
from recs.history import is_wanting
from recs.match_items import text_of
from recs.ml.match.texts import ItemText
from recs.ml.text_encoder import TextEncoder, packaged_model_dir

Floats = npt.NDArray[np.float32]

# What a rating says of a match. Between the two it says neither.
GOOD_RATING, BAD_RATING, BEST_RATING = 4.0, 2.5, 5.0


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating: row of the item, stars, seconds since 1970."""

    item: int
    stars: float
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rater:
    """One real person. `earlier`, `later`: before and after the cut, oldest first."""

    name: str
    is_reported: bool
    earlier: Sequence[Rated]
    later: Sequence[Rated]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """N items as the product reads them, their (N, D) vectors, and everybody who rated."""

    texts: Sequence[ItemText]
    vectors: Floats
    people: Sequence[Rater]


def match_of(stars: float) -> int:
    """GOOD, NEUTRAL or BAD."""
    return GOOD if stars >= GOOD_RATING else BAD if stars <= BAD_RATING else NEUTRAL


def grade_of(stars: float) -> int:
    """The rating as a label of the product, 0 (bad) to 3."""
    if match_of(stars) != GOOD:
        return 0 if match_of(stars) == BAD else 1
    return 3 if stars >= BEST_RATING else 2


def act_of(rated: Rated) -> tuple[int, int, float | None]:
    """The rating as an act of a history: what is bad stands for "not for me"."""
    if match_of(rated.stars) == BAD:
        return rated.item, int(EventKind.DISLIKE), None
    return rated.item, int(EventKind.RATING), rated.stars


def read_world(folder: Path, *, vectors: Path | None = None) -> World:
    """A folder like `films/`.

    Args:
        folder: with `items.jsonl` and `ratings.csv`.
        vectors: a file (.npz) that keeps the encoded texts between runs; none where it is None.
    """
    films = [short(read_film(row)) for row in read_rows(folder / "items.jsonl")]
    row_of = {film.external_id: row for row, film in enumerate(films)}
    people = read_people(folder / "ratings.csv", row_of)
    wanted = wanted_by(people, len(films))
    return World(
        texts=[_text(film, count) for film, count in zip(films, wanted, strict=True)],
        vectors=_encoded([content_text(film) for film in films], vectors),
        people=people,
    )


def read_people(path: Path, row_of: Mapping[str, int]) -> list[Rater]:
    """Everybody, cut where the other simulator cuts them."""
    given: dict[str, list[Rated]] = defaultdict(list)
    for row in table(path, ","):
        if row["movieId"] in row_of:
            given[row["userId"]].append(
                Rated(row_of[row["movieId"]], float(row["rating"]), int(row["timestamp"]))
            )
    people = []
    for name, rated in given.items():
        rated.sort(key=lambda one: (one.time, one.item))
        cut = rated[int(EARLIER * len(rated))].time
        people.append(
            Rater(
                name=name, is_reported=is_reported(name),
                earlier=[one for one in rated if one.time < cut],
                later=[one for one in rated if one.time >= cut],
            )
        )  # fmt: skip
    return people


def wanted_by(people: Sequence[Rater], size: int) -> list[int]:
    """How many people wanted each item before their cut."""
    counts = [0] * size
    for person in people:
        for one in person.earlier:
            counts[one.item] += is_wanted(one)
    return counts


def is_wanted(rated: Rated) -> bool:
    """Whether the product takes the rating as a want."""
    return is_wanting(EventKind.RATING, rated.stars)


def _text(film: ItemInput, people: int) -> ItemText:
    return text_of(
        film.title, film.description, film.category_paths, film.creators, film.attributes,
        people,
    )  # fmt: skip


def _encoded(texts: Sequence[str], kept: Path | None) -> Floats:
    """(N, D) of unit length, read from the file where it holds just these texts."""
    told = hashlib.blake2b("\x1f".join(texts).encode(), digest_size=16).hexdigest()
    if kept is not None and kept.exists():
        with np.load(kept) as held:
            if str(held["texts"]) == told:
                return np.asarray(held["vectors"], np.float32)
    vectors = TextEncoder(packaged_model_dir()).encode_documents(texts)
    if kept is not None:
        np.savez(kept, texts=told, vectors=vectors)
    return vectors
