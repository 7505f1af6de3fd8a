"""Does the definition of an exploratory search say what people would say of 206 queries?

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.exploration_labels

Asks the catalog of the home at hand, which should be one of films, and prints agreement with
benchmarks/exploration_labels.tsv: accuracy and Cohen's kappa with intervals over draws of queries,
and what was judged otherwise. The queries were written down from knowledge of what people type
about films, not copied from a log, and labelled by the authors of the guideline
(docs/exploration.md), one labeller, before the definition was run on them. They are asked by
somebody without a history, so that they check what the query decides and not what the person does.
"""

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import django
import numpy as np

LABELS = Path(__file__).with_suffix(".tsv")
DRAWS = 2_000
Pair = tuple[bool, bool]  # labelled, computed
Measure = Callable[[Sequence[Pair]], float]


def main() -> None:
    """Ask and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    rows = read_labels()
    computed = judge([query for query, _, _ in rows])
    pairs = [(label, computed[query]) for query, _, label in rows]
    for name, measure in (("accuracy", accuracy), ("kappa", kappa)):
        low, high = interval(pairs, measure)
        print(f"{name}: {measure(pairs):.3f} ({low:.3f} to {high:.3f}) on {len(pairs)} queries")
    print("\n| kind | queries | labelled exploratory | agree | judged otherwise |")
    print("|---|---|---|---|---|")
    kinds: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for query, kind, label in rows:
        kinds[kind].append((query, label))
    for kind, told in kinds.items():
        others = [query for query, label in told if computed[query] != label]
        labelled = sum(label for _, label in told)
        print(
            f"| {kind} | {len(told)} | {labelled} | {len(told) - len(others)} |"
            f" {', '.join(others)} |"
        )


def read_labels() -> list[tuple[str, str, bool]]:
    """(query, kind, label)."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [(row["query"], row["kind"], row["exploratory"] == "1") for row in rows]


def judge(queries: Sequence[str]) -> dict[str, bool]:
    """What the definition says of each, asked by somebody without a history."""
    # Models can be imported only now.
    from search.exploration.definition import QueryFacts, is_exploratory
    from search.exploration.lookups import naming_one
    from search.retrieval import retrieve
    from search.text import normalize_query
    from search.types import SearchRequest

    found = {query: retrieve(SearchRequest(query=query)) for query in queries}
    meant = {
        query: normalize_query(answer.corrected_query or answer.query)
        for query, answer in found.items()
    }
    named = naming_one(meant.values())
    return {
        query: is_exploratory(
            QueryFacts(answers=answer.total, names_one=meant[query] in named), frozenset()
        )
        for query, answer in found.items()
    }


def accuracy(pairs: Sequence[Pair]) -> float:
    """Share of pairs that agree."""
    return sum(label == computed for label, computed in pairs) / len(pairs)


def kappa(pairs: Sequence[Pair]) -> float:
    """Agreement beyond what chance would give (Cohen, 1960); 0 where nothing can disagree."""
    labelled = sum(label for label, _ in pairs) / len(pairs)
    computed = sum(value for _, value in pairs) / len(pairs)
    by_chance = labelled * computed + (1 - labelled) * (1 - computed)
    return (accuracy(pairs) - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def interval(pairs: Sequence[Pair], measure: Measure, *, seed: int = 0) -> tuple[float, float]:
    """95 % of draws of the queries."""
    random = np.random.default_rng(seed)
    drawn = [
        measure([pairs[place] for place in random.integers(len(pairs), size=len(pairs))])
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


if __name__ == "__main__":
    main()
