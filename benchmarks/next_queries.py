"""What people type next: each source of queries alone, all by popularity, all by the ranker.

    .venv/bin/python -m benchmarks.next_queries --data ../shared/data/lastfm \
        --learn-from 2010-01-01 --test-from 2010-07-01
    .venv/bin/python -m benchmarks.next_queries --data ../shared/data/films \
        --learn-from 2009-01-01 --test-from 2012-01-01

Tags stand for queries. The ranker is the served class over the served feature function; its
space is an SVD of tags and items in place of the unified model's. It learns, and chooses its
settings, from what was typed between the two dates with what was known before the first; the table
is of what was typed after the second with what was known before it. Every tag is a candidate that
some source gives; a tag that none gives is missed. 95 % of draws of people.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.m3csr_data import encode_texts
from benchmarks.next_query_cases import (
    SOURCES,
    Case,
    Found,
    Known,
    cases_between,
    each_found,
    known_before,
    moments_of,
)
from recs.ml.query_ranking.features import GROUPS, NAMES
from recs.ml.query_ranking.fit import Fitted, RankerConfig, ShownRows, fit_ranker
from recs.ml.query_ranking.measures import calibration_error
from recs.ml.unified.joint_files import SECONDS_A_DAY, read_joint
from recs.ml.unified.judged import relative_gain

CACHE = Path("var/next_queries")
K = 10
# Of the lists that teach; the newest fifth, which decides and calibrates, keeps all.
NEGATIVES = 60
POPULAR, FUSED, RANKED = "all, by popularity", "all, rank fusion", "all, by the ranker"


def main() -> None:
    """Learn, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--learn-from", type=datetime.fromisoformat, required=True)
    parser.add_argument("--test-from", type=datetime.fromisoformat, required=True)
    parser.add_argument("--learn", type=int, default=2500, help="cases to learn from")
    parser.add_argument("--test", type=int, default=3000, help="cases to test on")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    begun = time.monotonic()
    start, end = (_day(args.learn_from), _day(args.test_from))
    data = read_joint(args.data)
    text = encode_texts(["", *data.queries.item_ids], CACHE)
    text[0] = 0
    moments = moments_of(data)
    early = known_before(data, moments, start, text, args.seed)
    learned = cases_between(moments, start, end, args.learn, args.seed)
    fitted = {
        name: fit_ranker(rows) for name, rows in _variants(_rows(learned, early, args.seed)).items()
    }
    late = known_before(data, moments, end, text, args.seed)
    tested = cases_between(moments, end, np.inf, args.test, args.seed)
    _report(tested, late, fitted)
    print(json.dumps({
        "learned": len(learned), "tested": len(tested), "people": len({c.person for c in tested}),
        "hidden": fitted[RANKED].hidden, "decay": fitted[RANKED].decay,
        "seconds": round(time.monotonic() - begun),
    }))  # fmt: skip


def _variants(rows: ShownRows) -> dict[str, ShownRows]:
    """The whole, and each group of features blinded when learning and ranking."""
    found = {RANKED: rows}
    for group in ("match", "statistics", "retrieval", "person", "vectors"):
        found[f"ranker without {group}"] = ShownRows(
            features=_blind(rows.features, group), labels=rows.labels, lists=rows.lists
        )
    return found


def _blind(features: np.ndarray, group: str) -> np.ndarray:
    blinded = features.copy()
    blinded[:, [NAMES.index(name) for name in GROUPS[group]]] = 0.0
    return blinded


def _rows(cases: list[Case], known: Known, seed: int) -> ShownRows:
    """One row for each candidate, of the older lists with few of those that were not typed."""
    random = np.random.default_rng(seed)
    features, labels, lists = [], [], []
    held_from = int(len(cases) * (1 - RankerConfig().held_share))
    for number, (case, found) in enumerate(each_found(cases, known)):
        good = np.isin(found.rows, case.targets)
        kept = np.ones(len(good), bool)
        if number < held_from and (~good).sum() > NEGATIVES:
            kept = good.copy()
            kept[random.choice(np.flatnonzero(~good), NEGATIVES, replace=False)] = True
        features.append(found.features[kept])
        labels.append(good[kept].astype(float))
        lists.append(np.full(int(kept.sum()), number))
    return ShownRows(
        features=np.concatenate(features),
        labels=np.concatenate(labels),
        lists=np.concatenate(lists).astype(np.int64),
    )


def _report(cases: list[Case], known: Known, fitted: dict[str, Fitted]) -> None:
    """Print recall and MRR of each system, of all targets and of those new to the person."""
    measured: dict[str, list[tuple[float, float]]] = {}
    fresh: dict[str, list[tuple[float, float]]] = {}
    chances, labels = [], []
    for case, found in each_found(cases, known):
        typed = np.unique(np.concatenate([moment.words for moment in case.past]))
        new = np.setdiff1d(case.targets, typed)
        for name, order in _orders(found, fitted).items():
            ranked = found.rows[order]
            measured.setdefault(name, []).append(_measure(ranked, case.targets))
            unseen = ranked[~np.isin(ranked, typed)]
            fresh.setdefault(name, []).append(_measure(unseen, new) if len(new) else (-1.0, -1.0))
        chances.append(fitted[RANKED].ranker.chances(found.features))
        labels.append(np.isin(found.rows, case.targets).astype(float))
    persons = np.array([case.person for case in cases])
    print("| system | recall@10 | MRR | over popularity |\n|---|---|---|---|")
    _table(measured, persons)
    print("\nOnly what the person had never typed, which alone is ranked:")
    print("| system | recall@10 | MRR | over popularity |\n|---|---|---|---|")
    has_new = np.array([pair[0] >= 0 for pair in fresh[RANKED]])
    kept = {n: [p for p, has in zip(v, has_new, strict=True) if has] for n, v in fresh.items()}
    _table(kept, persons[has_new])
    said, came = np.concatenate(chances), np.concatenate(labels)
    print(f"\ncalibration: error {calibration_error(said, came, 20):.4f}, "
          f"said {said.mean():.4f}, came {came.mean():.4f}; cases with something new: "
          f"{int(has_new.sum())}")  # fmt: skip


def _orders(found: Found, fitted: dict[str, Fitted]) -> dict[str, np.ndarray]:
    """Places of candidates, best first, by system; those that a system lacks are left out."""
    orders = {}
    for column, source in enumerate(SOURCES):
        places = found.places[:, column]
        there = np.flatnonzero(places)
        orders[source] = there[np.argsort(places[there], kind="stable")]
    orders[POPULAR] = np.argsort(-found.popularity, kind="stable")
    orders[FUSED] = np.argsort(-found.fused, kind="stable")
    for name, one in fitted.items():
        group = name.removeprefix("ranker without ")
        features = found.features if name == RANKED else _blind(found.features, group)
        orders[name] = np.argsort(-one.ranker.logits(features), kind="stable")
    whole = orders[RANKED]
    for column, source in enumerate(SOURCES):
        others = np.delete(found.places, column, axis=1).any(axis=1)
        orders[f"ranker, no {source}"] = whole[others[whole]]
    return orders


def _measure(ranked: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    good = np.isin(ranked, targets)
    first = np.flatnonzero(good)
    recall = good[:K].sum() / max(1, min(K, len(targets)))
    return float(recall), float(1.0 / (first[0] + 1)) if len(first) else 0.0


def _table(measured: dict[str, list[tuple[float, float]]], persons: np.ndarray) -> None:
    base = np.array(measured[POPULAR])
    for name, pairs in measured.items():
        values = np.array(pairs)
        cells = [_interval(values[:, column], persons) for column in (0, 1)]
        gain = relative_gain(values[:, 0], base[:, 0], persons)
        told = f"{gain[0]:+.1%} ({gain[1]:+.1%} to {gain[2]:+.1%})" if gain else "-"
        print(f"| {name} | {cells[0]} | {cells[1]} | {told} |")


def _interval(values: np.ndarray, persons: np.ndarray) -> str:
    """Mean over cases and 95 % bounds when people are drawn anew."""
    _, place = np.unique(persons, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    drawn = np.random.default_rng(0).integers(0, len(sums), (2000, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.4f} ({low:.4f} to {high:.4f})"


def _day(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp() / SECONDS_A_DAY


if __name__ == "__main__":
    main()
