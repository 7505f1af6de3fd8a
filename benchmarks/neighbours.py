"""How well co-occurrence predicts what people wanted next, against popularity.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.neighbours

Each person's last tenth of wanted events is held out; histories stay in order. People are split in
two by their number: the setting is chosen on the even ones and reported on the odd ones. HR@10 is
hits over min(10, number held out), full catalogue, seen items removed; intervals are percentile
bootstraps over people.
"""

import os
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psycopg

from recs.ml.cooccurrence import CooccurrenceConfig, cooccurrence

K = 10
HELD_OUT = 0.1
LEAST_EVENTS = 10
HISTORY = 50
FADE = 0.97  # recs/history.py
SETTINGS = (
    CooccurrenceConfig(window=20, shrinkage=10, days=60),
    CooccurrenceConfig(window=50, shrinkage=10, days=60),
    CooccurrenceConfig(window=50, shrinkage=3, days=60),
    CooccurrenceConfig(window=50, shrinkage=3, days=365),
    CooccurrenceConfig(window=50, shrinkage=3, days=4000),
    CooccurrenceConfig(window=400, shrinkage=3, days=60),
)
# As recs/neighbours.py counts them: catalog/event_kinds.py WANTED, and good ratings.
WANTED = """
SELECT person_id, item_id, extract(epoch FROM time) / 86400 FROM catalog_event
WHERE person_id IS NOT NULL AND (kind IN (2, 3, 4, 6, 7) OR kind = 8 AND value >= 3.5)
ORDER BY person_id, time, id
"""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """Training events, and for each person the history and what came after it."""

    people: Ints
    items: Ints
    days: npt.NDArray[np.float64]
    tests: dict[int, tuple[Ints, frozenset[int]]]


def main() -> None:
    """Choose on the even people, report on the odd ones."""
    split = read_split(os.environ["DATABASE_URL"])
    popular = [int(item) for item in np.argsort(-np.bincount(split.items))[:1000]]
    by_popularity = {
        p: hit_rate(fresh(popular, seen), held) for p, (seen, held) in split.tests.items()
    }
    print(f"{len(split.tests)} people, {len(split.items)} training events")
    print(
        "| setting | HR@10, choosing half | HR@10, reported half | 95 % interval |"
        "\n|---|---|---|---|"
    )
    tell("popularity", by_popularity)
    for config in SETTINGS:
        name = f"window {config.window}, shrinkage {config.shrinkage:g}, {config.days:g} days"
        tell(name, evaluate(split, config))


def read_split(url: str) -> Split:
    """Wanted events of the running catalog, split by each person's own order."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(WANTED).fetchall()
    people = np.array([row[0] for row in rows], dtype=np.int64)
    items = np.array([row[1] for row in rows], dtype=np.int64)
    days = np.array([float(row[2]) for row in rows])
    train = np.ones(len(rows), dtype=bool)
    tests = {}
    for person in np.unique(people):
        where = np.flatnonzero(people == person)
        if len(where) >= LEAST_EVENTS:
            cut = int(len(where) * (1 - HELD_OUT))
            train[where[cut:]] = False
            held = frozenset(int(x) for x in items[where[cut:]])
            tests[int(person)] = (items[where[:cut]], held)
    return Split(people[train], items[train], days[train], tests)


def evaluate(split: Split, config: CooccurrenceConfig) -> dict[int, float]:
    """HR@10 of each person."""
    found = cooccurrence(people=split.people, items=split.items, times=split.days, config=config)
    table: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for item, neighbour, score in zip(found.items, found.neighbours, found.scores, strict=True):
        table[int(item)].append((int(neighbour), float(score)))
    rates = {}
    for person, (seen, held) in split.tests.items():
        scores: dict[int, float] = defaultdict(float)
        for age, item in enumerate(seen[::-1][:HISTORY]):
            for neighbour, score in table[int(item)]:
                scores[neighbour] += score * FADE**age
        ranked = sorted(scores, key=lambda item: (-scores[item], item))
        rates[person] = hit_rate(fresh(ranked, seen), held)
    return rates


def fresh(ranked: list[int], seen: Ints) -> list[int]:
    """The first K that the person has not seen."""
    known = set(seen.tolist())
    return [item for item in ranked if item not in known][:K]


def hit_rate(top: list[int], held: frozenset[int]) -> float:
    """Share of the held-out items that a list of K could and did hold."""
    return len(held.intersection(top)) / min(K, len(held))


def tell(name: str, rates: dict[int, float]) -> None:
    """One line of the table."""
    choosing = np.array([rate for person, rate in rates.items() if person % 2 == 0])
    reported = np.array([rate for person, rate in rates.items() if person % 2])
    random = np.random.default_rng(7)
    means = [random.choice(reported, len(reported)).mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    print(f"| {name} | {choosing.mean():.4f} | {reported.mean():.4f} | {low:.4f} to {high:.4f} |")


if __name__ == "__main__":
    main()
