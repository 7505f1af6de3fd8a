"""How far a second labeller agrees with the people who judged a frozen set.

    .venv/bin/python -m benchmarks.second_labels --set set.jsonl

Prints kappa of benchmarks/second_labels.tsv and the set, on all its pairs and on the sure ones, and
where the two are two grades or more apart. The labels are those of one of the authors, which is a
language model, by the guideline of catalog/guidelines.py: 150 pairs drawn by lot, 45 bad, 60
between and 45 of the best, shown in another order with query, title and the first 110 characters of
the description, and graded without a look at the grades of the file or of the ladder's labellers.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalog.judging.agreement import Agreement, cohen_kappa

LABELS = Path(__file__).with_suffix(".tsv")
GRADES = 4
FAR = 2
# (second, first)
Graded = tuple[int, int]


def read_labels(path: Path = LABELS) -> dict[str, int]:
    """Grades by the pair's id in the file."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: int(row["grade"]) for row in csv.DictReader(file, delimiter="\t")}


def read_pairs(path: Path) -> list[dict[str, Any]]:
    """The pairs of a frozen set, without its head."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def both(labels: Mapping[str, int], pairs: Sequence[Mapping[str, Any]]) -> list[Graded]:
    """The grades of those pairs that both graded."""
    return [
        (labels[str(pair["item"])], round(float(pair["grade"])))
        for pair in pairs
        if str(pair["item"]) in labels
    ]


def table(graded: Sequence[Graded], *, size: int = GRADES) -> np.ndarray:
    """(size, size) counts: the second's grades down, the first's across."""
    found = np.zeros((size, size), np.int64)
    for second, first in graded:
        found[second, first] += 1
    return found


def main() -> None:
    """Print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True)
    options = parser.parse_args()
    labels, pairs = read_labels(), read_pairs(options.set)
    known = both(labels, pairs)
    if not known:
        raise SystemExit(f"{options.set} holds none of the {len(labels)} pairs that were graded.")
    counts = table(known)
    same = np.trace(counts) / counts.sum()
    print(f"{len(known)} pairs, {same:.3f} with the same grade; second's grades down:\n{counts}")
    _tell("grades, quadratic weights", cohen_kappa(counts, quadratic=True))
    bad = [(int(second == 0), int(first == 0)) for second, first in known]
    _tell("bad or not", cohen_kappa(table(bad, size=2)))
    sure = [
        (int(second == 0), int(first == 0))
        for second, first in both(labels, [pair for pair in pairs if pair["sure"]])
    ]
    alike = np.mean([second == first for second, first in sure])
    print(f"sure pairs: {len(sure)}, {alike:.3f} alike")
    _tell("bad or not, sure pairs", cohen_kappa(table(sure, size=2)))
    for pair in pairs:
        second = labels.get(str(pair["item"]))
        if second is not None and abs(second - pair["grade"]) >= FAR:
            print(f"  {second} and {pair['grade']:g}: {pair['query']} => {pair['title']}")


def _tell(name: str, found: Agreement) -> None:
    print(f"{name}: kappa {found.value:.3f} ({found.low:.3f} to {found.high:.3f})")


if __name__ == "__main__":
    main()
