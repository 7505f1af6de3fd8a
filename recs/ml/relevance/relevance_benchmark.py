"""Relevance of judged products: scored, measured, and found among all products of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.fit_types import RunOptions
from recs.ml.metrics import Interval, bootstrap
from recs.ml.relevance.folds import Fold, United, folds_of, unite
from recs.ml.relevance.meaning_features import Encode
from recs.ml.relevance.measures import (
    auc,
    calibration_error,
    clear_pairs,
    ndcg_by_query,
    recall_by_query,
)
from recs.ml.relevance.pairs import Pairs
from recs.ml.relevance.ranker import (
    Read,
    RelevanceConfig,
    read_union,
    score_folds,
    score_untrained,
)
from recs.ml.relevance.retrieval import (
    UNTUNED,
    K,
    Signals,
    read_signals,
    retrieve,
    tune_weights,
)

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

# Features that are measured beside the parts: what was there before anything was learned.
PLAIN: Mapping[str, str] = {
    "BM25 of titles": "bm25 title",
    "MiniLM of titles": "cosine title",
    "MiniLM of titles and descriptions": "cosine full",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceOptions:
    """What is run."""

    seed: int = 0
    config: RelevanceConfig = field(default_factory=RelevanceConfig)
    run: RunOptions = field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.seed < 0:
            raise ValueError("seed counts from 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceResult:
    """P pairs: `relevance` (P,), higher is better for that query; `bad` (P,), NaN where unknown.

    `found`: by query the pairs' places whose products were retrieved, best first. `folds`: 0
    where nothing was learned, 1 where no query was shared. `figures`: what the grades of the
    judged pairs say of it, empty where a pair has none.
    """

    relevance: DoubleFloats
    bad: DoubleFloats
    found: Mapping[str, Ints]
    folds: int
    figures: Mapping[str, Interval | float]


def run_relevance_benchmark(
    judgments: Pairs,
    train: Pairs | None,
    encode: Encode,
    model_dir: Path,
    options: RelevanceOptions,
) -> RelevanceResult:
    """Score pairs by what grades of other queries taught; their own grades only measure.

    Where the files share queries, those are cross-fitted: scored by models that saw no grade of
    theirs.

    Args:
        judgments: P pairs to score.
        train: graded pairs; None scores without learning.
        encode: texts to unit vectors.
        model_dir: a sentence-transformers folder, of the same encoder.
        options: see its fields.

    Raises:
        ValueError: where the only query to learn from is one that is asked for.
    """
    config = options.config.seeded(options.seed)
    union = unite(train, judgments)
    folds = folds_of(union, config.folds, options.seed) if train is not None else []
    read = read_union(union.pairs, encode, model_dir, config, options.run)
    scored = score_folds(read, folds, config, options.run) if folds else score_untrained(read)
    options.run.say("finding products")
    signals = _signals(read, union, judgments)
    found = _found(signals, read, union, folds)
    parts = {name: values[union.asked] for name, values in scored.parts.items()}
    bad = scored.bad[union.asked]
    figures: dict[str, Interval | float] = {}
    if judgments.is_judged:
        plain = {name: read.features[own][union.asked] for name, own in PLAIN.items()}
        figures = _figures(judgments, plain | parts, bad) | _recall(signals, found)
    return RelevanceResult(
        relevance=parts["relevance"],
        bad=bad,
        found=_places(judgments, signals, found),
        folds=len(folds),
        figures=figures,
    )


def _signals(read: Read, union: United, pairs: Pairs) -> Signals:
    """Of the pairs to score."""
    vectors, rows = read.vectors, union.asked
    return read_signals(pairs, vectors.queries[rows], vectors.titles[rows], vectors.full[rows])


def _found(signals: Signals, read: Read, union: United, folds: list[Fold]) -> list[Ints]:
    """Products of each query, by weights that were tuned on others."""
    if not folds:
        return retrieve(signals, UNTUNED)
    vectors, rows = read.vectors, union.taught
    learned = read_signals(
        read.pairs.select(rows), vectors.queries[rows], vectors.titles[rows], vectors.full[rows]
    )
    found: list[Ints] = [np.zeros(0, np.int64)] * len(signals.queries)
    texts = np.array(read.pairs.queries, dtype=object)
    for fold in folds:
        taught, asked = set(texts[fold.taught]), set(texts[fold.asked])
        weights = tune_weights(learned.select(_rows(learned.queries, taught)))
        places = _rows(signals.queries, asked)
        for row, ranked in zip(
            places.tolist(), retrieve(signals.select(places), weights), strict=True
        ):
            found[row] = ranked
    return found


def _rows(queries: tuple[str, ...], chosen: set[str]) -> Ints:
    return np.array([row for row, query in enumerate(queries) if query in chosen], np.int64)


def _places(pairs: Pairs, signals: Signals, found: list[Ints]) -> dict[str, Ints]:
    """Places of pairs that hold the products: of each product the first one."""
    return {
        query: signals.first_pairs[ranked]
        for query, ranked in zip(signals.queries, found, strict=True)
    }


def _figures(
    pairs: Pairs, parts: Mapping[str, npt.NDArray[np.floating]], bad: DoubleFloats
) -> dict[str, Interval | float]:
    told: dict[str, Interval | float] = {}
    for name, values in parts.items():
        by_query = ndcg_by_query(values, pairs)
        if len(by_query):
            told[f"NDCG@10 {name}"] = bootstrap(by_query)
    rows, is_bad = clear_pairs(pairs)
    if len(rows) and not np.isnan(bad).any():
        told["bad match AUC"] = auc(bad[rows], is_bad)
        told["bad match ECE"] = calibration_error(bad[rows], is_bad)
    return told


def _recall(signals: Signals, found: list[Ints]) -> dict[str, Interval | float]:
    rows = [row for row, relevant in enumerate(signals.relevant) if len(relevant)]
    if not rows:
        return {}
    recalls = recall_by_query(
        [found[row] for row in rows], [signals.relevant[row] for row in rows], K
    )
    return {f"recall@{K}": bootstrap(recalls)}
