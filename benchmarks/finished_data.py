"""Real texts with people and dates, and the names of what they speak of, for simulated typing."""

import csv
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.simulated_typing import Ask, Hits
from recs.ml.finished.features import Store
from search.text import normalize_query

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Source:
    """Queries in the order of time, and a store that was made without them."""

    asks: list[Ask]
    store: Store
    hits: Hits


def read_source(folder: Path) -> Source:
    """One of the folders lastfm, films, ubi."""
    asks, names = READERS[folder.name](folder)
    names = [name for name in map(normalize_query, names) if name]
    words = Counter(word for name in names for word in set(name.split()) if len(word) > 1)
    # A text counts once for each person and time, whatever it was said of.
    once = {
        (person, time, text): None for person, time, raw in asks if (text := normalize_query(raw))
    }
    ordered = sorted((Ask(*key) for key in once), key=lambda ask: ask.time)
    return Source(ordered, Store.of(words, names), Hits(names))


def _lastfm(folder: Path) -> tuple[list[tuple[str, float, str]], list[str]]:
    with (folder / "tag_events.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    asks = [
        (row["user"], datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp(),
         row["tag_query"])
        for row in rows
    ]  # fmt: skip
    with (folder / "artists.dat").open(encoding="utf-8") as file:
        artists = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return asks, [row["name"] for row in artists]


def _films(folder: Path) -> tuple[list[tuple[str, float, str]], list[str]]:
    with (folder / "tags.csv").open(encoding="utf-8") as file:
        asks = [
            # By the day, as the others: how far apart tags were set says nothing of typing.
            (row["userId"], float(row["timestamp"]) // DAY_SECONDS * DAY_SECONDS, row["tag"])
            for row in csv.DictReader(file)
        ]
    names = []
    for line in (folder / "items.jsonl").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        people = (item.get("wikipedia") or {}).get("cast") or []
        names += [item["title"].rpartition(" (")[0] or item["title"], *people[:10]]
    return asks, names


def _ubi(folder: Path) -> tuple[list[tuple[str, float, str]], list[str]]:
    asks = []
    for line in (folder / "ubi_queries_events.ndjson").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "user_query" in row and "action_name" not in row:
            time = datetime.fromisoformat(row["timestamp"]).timestamp()
            asks.append((row["client_id"], time, row["user_query"]))
    # Its products have no names here.
    return asks, []


READERS = {"lastfm": _lastfm, "films": _films, "ubi": _ubi}
