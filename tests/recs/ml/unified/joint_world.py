"""Small folders of both shapes, in which tastes and words have a pattern that can be learned."""

import csv
import json
from datetime import UTC, datetime, timedelta

import numpy as np

from recs.ml.unified.joint_files import read_joint
from recs.ml.unified.prepared import PreparedConfig, prepare, read_texts

GENRES = ("noir", "western", "musical", "horror")
START = datetime(2010, 1, 1, tzinfo=UTC)
FIRST_DAY = START.timestamp() / 86_400


def encode(texts):
    """Unit vectors in which texts that share words are near; nothing of a real encoder."""
    vectors = np.zeros((len(texts), 48), np.float32)
    for row, text in enumerate(texts):
        for word in text.casefold().split():
            vectors[row, sum(word.encode()) % 48] += 1.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-9)


def write_films(folder, *, people=40, films=60, acts=25, seed=0):
    """Films of four genres; each person likes one genre and types its name."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    with (folder / "items.jsonl").open("w") as file:
        for film in range(films):
            genre = GENRES[film % 4]
            about = {"cast": [f"Actor {film % 9}"], "extract": f"A {genre} story, part {film}."}
            row = {"movieId": film, "title": f"Film {film} ({1950 + film})", "genres": [genre]}
            file.write(json.dumps({**row, "wikipedia": about}) + "\n")
    ratings, tags = [], []
    for person in range(people):
        own = [film for film in range(films) if film % 4 == person % 4]
        for act in range(acts):
            moment = int((START + timedelta(days=act * 10, seconds=person)).timestamp())
            liked = random.random() < 0.85
            film = int(random.choice(own)) if liked else int(random.integers(films))
            ratings.append((person, film, 5.0 if liked else 2.0, moment))
            if act % 4 == 0:
                tags.append((person, film, GENRES[film % 4], moment + 60))
    for name, header, rows in (
        ("ratings.csv", ("userId", "movieId", "rating", "timestamp"), ratings),
        ("tags.csv", ("userId", "movieId", "tag", "timestamp"), tags),
    ):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return folder


def write_artists(folder, rows):
    """`rows`: user, date, tag, artist id, artist, whether the user listens to them."""
    folder.mkdir(parents=True, exist_ok=True)
    header = ("user", "date", "tag_query", "artist_id", "artist", "also_listened")
    lines = ["\t".join(map(str, row)) for row in (header, *rows)]
    (folder / "tag_events.tsv").write_text("\n".join(lines) + "\n")
    return folder


def films(tmp_path, **options):
    return read_joint(write_films(tmp_path / "films", **options))


def prepared_films(tmp_path, until=FIRST_DAY + 150, **options):
    data = films(tmp_path, **options)
    return prepare(data, read_texts(data, encode), until, PreparedConfig())
