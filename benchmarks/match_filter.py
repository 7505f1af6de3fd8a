"""The match filter on judged pairs of a query and a product: what it tells, and what it would cost.

    .venv/bin/python -m benchmarks.match_filter --data FILE [--vectors CACHE] [--scores OUT]

Cross-fitted by query: each fold is scored by what three fifths of the other queries taught, with
its chances calibrated on the rest. Features are those of a request (recs/ml/match), and no other.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.match.fitting import LINE, TREES, MatchConfig, MatchRows, Schema, _fit, calibrated
from recs.ml.match.judged import JudgedWorld, judged_world
from recs.ml.match.measures import (
    Judged,
    auc_difference,
    auc_interval,
    auc_within,
    point_at,
    reliability,
)
from recs.ml.match.relevance_features import BETTER, COSINE, NAMES, WORSE
from recs.ml.relevance.measures import calibration_error, ndcg_by_query
from recs.ml.relevance.pairs import read_pairs
from recs.ml.text_encoder import TextEncoder, packaged_model_dir

DoubleFloats = npt.NDArray[np.float64]
SCHEMA = Schema(names=NAMES, better=BETTER, worse=WORSE)
FOLDS, CALIBRATES = 5, 4


def crossed(
    world: JudgedWorld,
    features: npt.NDArray[np.float32],
    way: str,
    seed: int,
    *,
    flip: bool = False,
) -> DoubleFloats:
    """(P,) chances of a bad match, each by what other queries taught."""
    order = np.random.default_rng(seed).permutation(len(world.queries))
    fold_of = np.empty(len(order), np.int64)
    fold_of[order] = np.arange(len(order)) % FOLDS
    tune_of = np.empty(len(order), np.int64)
    tune_of[order] = np.arange(len(order)) // FOLDS % CALIBRATES
    grades = np.round(world.pairs.grades)
    found = np.zeros(len(grades))
    for fold in range(FOLDS):
        others = (fold_of[world.query_of] != fold) & (grades != 2)
        learns = others & (tune_of[world.query_of] != 0)
        rows = [
            MatchRows(
                features=features[part], bad=(grades[part] == 1),
                groups=world.query_of[part], weights=np.ones(int(part.sum())),
            )
            for part in (learns, others & ~learns)
        ]  # fmt: skip
        scorer = calibrated(_fit(rows[0], SCHEMA, MatchConfig(seed=seed), way), rows[1])
        own = fold_of[world.query_of] == fold
        found[own] = scorer.chances(features[own])
    return found


def read_world(path: Path, cache: Path | None = None) -> JudgedWorld:
    """The file with its vectors, which are kept in `cache` (.npz) where one is named."""
    pairs = read_pairs(path, judged=True)
    if cache is None or not cache.exists():
        world = judged_world(pairs, TextEncoder(packaged_model_dir()).encode_documents)
        if cache is not None:
            np.savez(cache, q=world.query_vectors, p=world.product_vectors)
        return world
    with np.load(cache) as kept:
        found = iter((kept["p"], kept["q"]))
        return judged_world(pairs, lambda texts: next(found))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--scores", type=Path, help="id, relevance, bad_match as a TSV")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    world = read_world(options.data, options.vectors)
    features = world.features()
    grades = np.round(world.pairs.grades)
    judged = Judged(
        bad=grades == 1, good=grades >= 3, groups=world.query_of, weights=np.ones(len(grades))
    )
    print(f"{len(grades):,} pairs, {judged.bad.sum():,} bad, {judged.good.sum():,} good, "
          f"{len(world.queries)} queries; read in {time.perf_counter() - began:.0f} s")  # fmt: skip
    cosine = -features[:, COSINE].astype(np.float64)
    systems: dict[str, DoubleFloats] = {"cosine alone": cosine}
    for way in (LINE, TREES):
        runs = [crossed(world, features, way, seed) for seed in range(options.seeds)]
        systems[way] = np.mean(runs, axis=0)
    _tell(systems, judged, world)
    if options.scores:
        _write(options.scores, world, systems[TREES])


def _tell(systems: dict[str, DoubleFloats], judged: Judged, world: JudgedWorld) -> None:
    clear = judged.bad | judged.good
    for name, scores in systems.items():
        told = auc_interval(scores, judged)
        bad = np.sort(scores[judged.bad])[::-1]
        cut = bad[len(bad) // 2]
        half = point_at(cut, scores, judged)
        line = (
            f"{name}: AUC {told.mean:.4f} ({told.low:.4f} to {told.high:.4f}), within queries "
            f"{auc_within(scores, judged):.4f}, good lost at half the bad {half.lost:.4f} "
            f"(at most {half.lost_high:.4f})"
        )
        if name in (LINE, TREES):
            line += f", ECE {calibration_error(scores[clear], judged.bad[clear]):.4f}"
        print(line)
    better = auc_difference(systems[TREES], systems["cosine alone"], judged)
    line = auc_difference(systems[TREES], systems[LINE], judged)
    print(f"trees over cosine {better.mean:+.4f} ({better.low:+.4f} to {better.high:+.4f}), "
          f"over the line {line.mean:+.4f} ({line.low:+.4f} to {line.high:+.4f})")  # fmt: skip
    for row in reliability(systems[TREES][clear], judged.bad[clear]):
        print("  said {said:.3f}, true {true:.3f}, {pairs} pairs from {from}".format(**row))
    ndcg = ndcg_by_query(-systems[TREES], replace(world.pairs))
    print(f"NDCG@10 of the order by it alone {ndcg.mean():.4f}")


def _write(path: Path, world: JudgedWorld, bad: DoubleFloats) -> None:
    lines = ["id\trelevance\tbad_match"]
    lines += [
        f"{name}\t{1 - one:.6f}\t{one:.6f}" for name, one in zip(world.pairs.ids, bad, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
