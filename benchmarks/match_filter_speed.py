"""How long the match filter takes for a request's candidates: features and scorer, on one core.

    OMP_NUM_THREADS=1 taskset -c 1 .venv/bin/python -m benchmarks.match_filter_speed --data FILE

Texts and vectors are in memory, as the request's one statement leaves them. "known" texts were read
before in the process (a read text is kept), "new" ones were not. Of one candidate and of 100. The
processor's time is what it would take on a core of its own.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from recs.ml.match.fitting import TREES, MatchConfig, MatchRows, Schema, calibrated, fit_scorer
from recs.ml.match.relevance_features import (
    AGREEING,
    BETTER,
    NAMES,
    WORSE,
    Asked,
    relevance_features,
)
from recs.ml.match.texts import ItemText, learn_rarity, read_naming, read_text, read_words
from recs.ml.relevance.pairs import products_of, read_pairs

ROUNDS, DIMENSIONS = 100, 384


def main() -> None:
    """Print p50 and p99 in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    pairs = read_pairs(options.data, judged=True)
    products, _ = products_of(pairs)
    texts = [ItemText(title=title, description=described) for title, described in products]
    random = np.random.default_rng(0)
    # Nearness takes the same time whatever the numbers are.
    vectors = random.normal(size=(len(texts), DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rarity = learn_rarity(texts)
    table = np.abs(random.normal(size=(2000, len(NAMES)))).astype(np.float32)
    rows = MatchRows(
        features=table, bad=table[:, 4] + random.normal(size=2000) < 0.5,
        groups=np.arange(2000) % 50, weights=np.ones(2000),
    )  # fmt: skip
    schema = Schema(names=NAMES, better=BETTER, worse=WORSE)
    scorer = calibrated(fit_scorer(rows, schema, MatchConfig(), ways=(TREES,)).scorer, rows)
    queries = sorted(set(pairs.queries))
    for count in (1, 100):
        for state in ("known", "new"):
            spent = []
            for number in range(ROUNDS):
                chosen = random.choice(len(texts), count, replace=False)
                items = [texts[place] for place in chosen.tolist()]
                query = queries[number % len(queries)]
                asked = Asked(text=query, vector=vectors[number], near=vectors[:AGREEING])
                if state == "new":
                    for kept in (read_text, read_words, read_naming):
                        kept.cache_clear()
                else:
                    relevance_features(asked, items, vectors[chosen], rarity)
                began, used = time.perf_counter(), time.process_time()
                scorer.chances(relevance_features(asked, items, vectors[chosen], rarity))
                spent.append(
                    (1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used))
                )
            (p50, own50), (p99, own99) = np.quantile(spent, [0.5, 0.99], axis=0)
            print(
                f"{count} candidates, texts {state}: p50 {p50:.2f} ms, p99 {p99:.2f} ms; of the "
                f"processor's time p50 {own50:.2f} ms, p99 {own99:.2f} ms"
            )


if __name__ == "__main__":
    main()
