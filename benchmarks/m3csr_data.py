"""Films and dated ratings as M3CSR reads them, cut at moments; vectors are made once and kept."""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.text_encoder import TextEncoder, encoder_revision, packaged_model_dir
from recs.ml.vocabulary import Vocabulary

SECONDS_A_DAY = 86_400
# Dimensions of the second modality: who plays in a film and its genres, as words.
FACTS_SIZE = 64
# A name that fewer films have says nothing of another film.
LEAST_FILMS = 2
MOST_TARGETS = 20


@dataclass(frozen=True, slots=True)
class Films:
    """Everything: items, events of all time, content."""

    vocabulary: Vocabulary
    histories: Histories
    content: ItemContent


@dataclass(frozen=True, slots=True)
class Queries:
    """U moments at which somebody took something: what they had before, and what it was.

    `persons`: (U,) whose, so that a bootstrap can draw people.
    """

    histories: Histories
    targets: np.ndarray
    persons: np.ndarray
    as_of: float


def load_films(folder: Path, cache: Path) -> Films:
    """The films that are rated, their ratings as events, text and facts as two modalities.

    The vocabulary's order is shuffled: an order of ids would tell how old a film is.
    """
    films = {row["movieId"]: row for row in _json_lines(folder / "items.jsonl")}
    with (folder / "ratings.csv").open(newline="") as file:
        ratings = [row for row in csv.DictReader(file) if int(row["movieId"]) in films]
    ids = sorted({int(row["movieId"]) for row in ratings})
    ids = np.random.default_rng(0).permutation(ids).tolist()
    vocabulary = Vocabulary.of(str(film) for film in ids)
    owners = np.array([int(row["userId"]) for row in ratings])
    items = vocabulary.rows(row["movieId"] for row in ratings)
    days = np.array([int(row["timestamp"]) for row in ratings]) / SECONDS_A_DAY
    histories = histories_of(owners, items, days)
    rows = [films[film] for film in ids]
    text = encode_texts([_text(row) for row in rows], cache)
    content = ItemContent(
        item_count=len(vocabulary),
        vectors={"text": _padded(text), "facts": _padded(_facts(rows))},
        attributes=Attributes.none(len(vocabulary)),
    )
    return Films(vocabulary, histories, content)


def histories_of(owners: np.ndarray, items: np.ndarray, days: np.ndarray) -> Histories:
    """Events in any order to histories in order of time; ties in an order of chance."""
    chance = np.random.default_rng(1).permutation(len(items))
    order = np.lexsort((chance, days, owners))
    names, lengths = np.unique(owners, return_counts=True)
    return Histories(
        people=tuple(str(name) for name in names),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=items[order],
        kinds=np.zeros(len(items), np.int8),
        days=days[order],
    )


def split_days(histories: Histories, shares: Sequence[float]) -> list[float]:
    """Moments before which these shares of all events lie."""
    return [float(day) for day in np.quantile(histories.days, shares)]


def queries_between(histories: Histories, start: float, end: float, seed: int = 0) -> Queries:
    """Events in [start, end), at most MOST_TARGETS of a person, each with what was before it.

    Of a person's events in the interval those before the one asked for are in the history, so new
    people and films that came after `start` stand in histories too.
    """
    random = np.random.default_rng(seed)
    owners, chosen = histories.owners, []
    inside = np.flatnonzero((histories.days >= start) & (histories.days < end))
    for person in np.unique(owners[inside]):
        events = inside[owners[inside] == person]
        # Somebody of whom nothing is known asks nothing of personal taste.
        events = events[events > histories.offsets[person]]
        chosen += random.permutation(events)[:MOST_TARGETS].tolist()
    places = np.array(sorted(chosen), np.int64)
    persons = owners[places]
    lists = [
        histories.items[histories.offsets[p] : e] for p, e in zip(persons, places, strict=True)
    ]
    asked = Histories.of_lists(lists, [histories.people[p] for p in persons])
    return Queries(asked, histories.items[places], persons, start)


def encode_texts(texts: Sequence[str], cache: Path) -> np.ndarray:
    """(N, D) float32, each text once for each revision of the encoder, then from `cache`.

    A vector is kept under the hash of the encoder's revision and the text itself.
    """
    revision = encoder_revision(packaged_model_dir())
    keys = [hashlib.sha256(f"{revision}\n{text}".encode()).hexdigest() for text in texts]
    path = cache / f"text-{revision}.npz"
    known: dict[str, np.ndarray] = {}
    if path.exists():
        with np.load(path) as kept:
            known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        found = TextEncoder(packaged_model_dir()).encode_documents(list(missing.values()))
        known.update(zip(missing, found, strict=True))
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[key] for key in keys])


def _text(row: dict) -> str:
    extract = (row.get("wikipedia") or {}).get("extract") or ""
    return f"{row['title']}. {extract}"


def _facts(rows: Sequence[dict]) -> np.ndarray:
    """(N, 64) float32: genres and names of the cast, weighted by rarity, compressed by SVD."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import svds

    words = [_words(row) for row in rows]
    counts: dict[str, int] = {}
    for word in (word for found in words for word in found):
        counts[word] = counts.get(word, 0) + 1
    kept = {word: n for n, word in enumerate(w for w, c in counts.items() if c >= LEAST_FILMS)}
    places = [(r, kept[w]) for r, found in enumerate(words) for w in found if w in kept]
    values = [np.log(len(rows) / counts[w]) for found in words for w in found if w in kept]
    table = csr_matrix((values, np.array(places).T), shape=(len(rows), len(kept)))
    left, sizes, _ = svds(table, k=FACTS_SIZE, v0=np.ones(min(table.shape)))
    vectors = left * sizes
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )


def _words(row: dict) -> set[str]:
    cast = (row.get("wikipedia") or {}).get("cast") or []
    genres = [f"genre {g}" for g in row.get("genres") or [] if not g.startswith("(")]
    return {*genres, *(f"cast {name}" for name in cast if not name.startswith("("))}


def _padded(vectors: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, vectors.shape[1])), vectors]).astype(np.float32)


def _json_lines(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
