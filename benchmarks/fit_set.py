"""A frozen set of fit made of ratings, for `manage.py ladder`: what people said of films later.

    .venv/bin/python -m benchmarks.fit_set --data ../shared/data/films --out DIR [--people N]

Writes set.jsonl and, of other people, train.jsonl. A person's ratings up to a moment are what they
wanted (4 and more of 5) and did not want (2 and less); those after it are the truth: 2 and less is
bad, 4 good, 4.5 and more the best. Nobody judged fit here: people rate what they chose to see, so
that what they would never have chosen is missing among the bad ones.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recs.ml.match.ladder_rows import FIT

RULE = "sure: the person's own later rating is at most 2 of 5 (bad), or at least 4.5"
BAD, LEAST_WANTED, LEAST_BEST, MOST_FAIR = 2.0, 4.0, 4.5, 3.5
MOST_WANTED, MOST_UNWANTED = 30, 20
# Of somebody's ratings, in their order, the share that is their history; how many it takes.
BEFORE, LEAST_BEFORE = 0.6, 15
MOST_CHARACTERS, MOST_CAST = 400, 4
Rating = tuple[int, str, float]


def read_ratings(path: Path) -> dict[str, list[Rating]]:
    """Of each person, (time, film, rating) in the order of time."""
    found: dict[str, list[Rating]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["userId"]].append(
                (int(row["timestamp"]), row["movieId"], float(row["rating"]))
            )
    return {person: sorted(rows) for person, rows in found.items()}


def grade_of(rating: float) -> int:
    """A rating of 5 as a grade from 0 to 3."""
    if rating <= BAD:
        return 0
    return 1 if rating <= MOST_FAIR else 2 + int(rating >= LEAST_BEST)


def parts_of(
    person: str, rows: Sequence[Rating], items: Mapping[str, Mapping[str, Any]], most: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What somebody wanted before, and so many pairs of what they rated later, bad and good alike.

    Both are empty where there is too little of either.
    """
    known = [row for row in rows if row[1] in items]
    cut = int(BEFORE * len(known))
    before = known[:cut]
    # What was rated in the same second as the last of them is neither.
    after = [row for row in known[cut:] if before and row[0] > before[-1][0]]
    if len(before) < LEAST_BEFORE or not after:
        return {}, []
    wanted = [film for _, film, rating in reversed(before) if rating >= LEAST_WANTED]
    unwanted = [film for _, film, rating in reversed(before) if rating <= BAD]
    taste = {
        "wanted": [items[film] for film in wanted[:MOST_WANTED]],
        "unwanted": [items[film] for film in unwanted[:MOST_UNWANTED]],
    }
    graded = [(film, grade_of(rating)) for _, film, rating in after]
    lots = np.random.default_rng(int(person)).permutation(len(graded)).tolist()
    bad = [graded[n] for n in lots if graded[n][1] == 0][: most // 2]
    good = [graded[n] for n in lots if graded[n][1] >= 2][: most - len(bad)]
    pairs = [
        {
            "person": person, "item": film, **items[film], "grade": float(grade), "judges": 1,
            "sure": grade in (0, 3),
        }
        for film, grade in (*bad, *good)
    ]  # fmt: skip
    return (taste, pairs) if wanted else ({}, [])


def write(out: Path, people: Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]) -> int:
    """A set's file; how many pairs it holds."""
    tastes: dict[str, Any] = {}
    pairs: list[dict[str, Any]] = []
    for taste, own in people:
        if own:
            tastes[own[0]["person"]] = taste
            pairs += own
    head = {
        "kind": FIT, "rule": RULE, "guideline": "none: later ratings, 0.5 to 5",
        "agreement": {"pairs": len(pairs)}, "judged by": ["the person's own later rating"],
        "tastes": tastes,
    }  # fmt: skip
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in (head, *pairs)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n")
    return len(pairs)


def read_items(path: Path) -> dict[str, dict[str, Any]]:
    """Films as a set tells them."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        told = row.get("wikipedia") or {}
        found[str(row["movieId"])] = {
            "title": row["title"], "description": (told.get("extract") or "")[:MOST_CHARACTERS],
            "categories": list(row.get("genres") or ()),
            "creators": list(told.get("cast") or ())[:MOST_CAST],
        }  # fmt: skip
    return found


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--of-each", type=int, default=8, help="pairs of a person")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    ratings = read_ratings(options.data / "ratings.csv")
    items = read_items(options.data / "items.jsonl")
    drawn = np.random.default_rng(options.seed).permutation(sorted(ratings)).tolist()
    told = [
        parts_of(person, ratings[person], items, options.of_each)
        for person in drawn[: options.people]
    ]
    half = len(told) // 2
    for name, part in (("set.jsonl", told[:half]), ("train.jsonl", told[half:])):
        print(f"{options.out / name}: {write(options.out / name, part):,} pairs")


if __name__ == "__main__":
    main()
