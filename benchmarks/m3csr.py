"""M3CSR on films split by time: cold and warm targets, baselines, ablations, a closed loop.

    .venv/bin/python -m benchmarks.m3csr rows --seeds 0 1 2     # fits what is missing, one by one
    .venv/bin/python -m benchmarks.m3csr table                  # means, spread, paired bootstrap
    .venv/bin/python -m benchmarks.m3csr loop                   # coverage and velocity
    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.m3csr index

Needs MovieLens films with ratings and extracts (`--data`). All ranks are among all films that the
person has not seen; no negatives are sampled.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.m3csr_data import load_films
from benchmarks.m3csr_index import measure_index
from benchmarks.m3csr_loop import NOISES, run_loops
from benchmarks.m3csr_rows import ROWS, Split, row_path, run_row
from recs.ml.metrics import ndcg_at, recall_at

FOLDER = Path("var/m3csr")
MEASURES = {
    "R@10": lambda ranks: recall_at(ranks, 10),
    "N@10": lambda ranks: ndcg_at(ranks, 10),
    "R@50": lambda ranks: recall_at(ranks, 50),
}
HEADLINE = "m3csr"
DRAWS = 2000


def main() -> None:
    """Run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("rows", "table", "loop", "index"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/films"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--contents", nargs="+", choices=list(NOISES), default=list(NOISES))
    args = parser.parse_args()
    if args.part == "loop":
        run_loops(args.seeds, args.contents)
        return
    split = Split.of(load_films(args.data, FOLDER / "cache"))
    if args.part == "index":
        measure_index(split)
    elif args.part == "table":
        print_table(split, args.seeds)
    else:
        fit_rows(split, args.seeds, args.only)


def fit_rows(split: Split, seeds: list[int], names: list[str]) -> None:
    """Fit what is not there yet, all rows of a seed before the next."""
    for seed in seeds:
        for name in names:
            path = run_row(name, seed, split, FOLDER / "rows")
            print(name, seed, dict(read_facts(path)), flush=True)


def read_facts(path: Path) -> dict:
    """What was kept of a fit beside its ranks."""
    with np.load(path) as kept:
        return json.loads(str(kept["facts"]))


def print_table(split: Split, seeds: list[int]) -> None:
    """Mean and spread over seeds for each stratum; differences to M3CSR with 95 % intervals."""
    strata = split.strata(split.test)
    counts = {name: int(rows.sum()) for name, rows in strata.items()}
    people = len(set(split.test.persons.tolist()))
    print(
        f"test: {counts} targets of {people} people; {len(split.train.items)} events learned from"
    )
    found = {name: _ranks(name, seeds) for name in ROWS}
    header = [f"{s} {m}" for s in strata for m in MEASURES]
    print("| row | seeds | " + " | ".join(header) + " |")
    print("|---|---|" + "---|" * len(header))
    for name, ranks in found.items():
        if ranks:
            cells = [
                _cell([measure(r[rows]).mean() for r in ranks.values()])
                for rows in strata.values()
                for measure in MEASURES.values()
            ]
            print(f"| {name} | {len(ranks)} | " + " | ".join(cells) + " |")
    _print_differences(found, strata, split.test.persons)


def _ranks(name: str, seeds: list[int]) -> dict[int, np.ndarray]:
    """Test ranks by seed, of the seeds that were run."""
    found = {seed: row_path(FOLDER / "rows", name, seed) for seed in seeds}
    return {seed: np.load(path)["test"] for seed, path in found.items() if path.exists()}


def _cell(values: list[float]) -> str:
    spread = f" ±{np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def _print_differences(found: dict, strata: dict, persons: np.ndarray) -> None:
    """M3CSR minus each row, mean of the seeds of both, people drawn with all their questions."""
    print("\nM3CSR minus the row, N@10 and R@50, 95 % of draws of people:")
    base = found[HEADLINE]
    if not base:
        return
    print("| row | " + " | ".join(f"{s} {m}" for s in strata for m in ("N@10", "R@50")) + " |")
    print("|---|" + "---|" * (2 * len(strata)))
    for name, ranks in found.items():
        if name == HEADLINE or not set(base) & set(ranks):
            continue
        cells = []
        for rows in strata.values():
            for measure in (MEASURES["N@10"], MEASURES["R@50"]):
                both = sorted(set(base) & set(ranks))
                ours = np.mean([measure(base[seed][rows]) for seed in both], axis=0)
                theirs = np.mean([measure(ranks[seed][rows]) for seed in both], axis=0)
                cells.append(
                    "{:+.4f} [{:+.4f}, {:+.4f}]".format(
                        *clustered_bootstrap(ours - theirs, persons[rows])
                    )
                )
        print(f"| {name} | " + " | ".join(cells) + " |")


def clustered_bootstrap(differences: np.ndarray, persons: np.ndarray) -> tuple[float, float, float]:
    """Mean, and 2.5 and 97.5 % quantiles when people are drawn, each with all that is theirs.

    Args:
        differences: (U,) one for each question.
        persons: (U,) whose question it is.
    """
    sums, sizes = defaultdict(float), defaultdict(int)
    for value, person in zip(differences.tolist(), persons.tolist(), strict=True):
        sums[person] += value
        sizes[person] += 1
    people = list(sums)
    total = np.array([sums[p] for p in people])
    count = np.array([sizes[p] for p in people])
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(people), (DRAWS, len(people)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


if __name__ == "__main__":
    main()
