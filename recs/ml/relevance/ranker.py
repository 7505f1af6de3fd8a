"""Relevance of pairs: trees over features, late interaction beside them, near products alike.

Without anything to learn from it is a fixed sum of four features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.fit_types import RunOptions
from recs.ml.relevance.folds import Fold
from recs.ml.relevance.late_interaction import (
    LateConfig,
    PairTokens,
    fit_late,
    read_tokens,
    score_late,
    untrained,
)
from recs.ml.relevance.meaning_features import (
    Encode,
    PairVectors,
    encode_pairs,
    lists_of,
    meaning_features,
)
from recs.ml.relevance.pairs import Pairs
from recs.ml.relevance.trees import TreesConfig, fit_and_score
from recs.ml.relevance.word_features import word_features

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# What is summed where nothing can be learned, each of mean 0 and spread 1.
UNTRAINED: Mapping[str, float] = {
    "cosine full": 1.0,
    "token matches": 1.0,
    "near coverage": 0.7,
    "centre full": 0.7,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceConfig:
    """What was chosen by cross-fitting on a file of judgments."""

    folds: int = 5
    trees: TreesConfig = field(default_factory=TreesConfig)
    late: LateConfig = field(default_factory=LateConfig)
    # Beside the trees, both of spread 1.
    late_weight: float = 0.4
    # How much of a score is that of like products of the same query, and how like they have to be:
    # a cosine lower by 1 / sharpness counts e times less.
    smoothing: float = 0.4
    sharpness: float = 20.0

    def seeded(self, seed: int) -> "RelevanceConfig":
        """The seed in every part."""
        late = replace(self.late, fit=replace(self.late.fit, seed=seed))
        return replace(self, trees=replace(self.trees, seed=seed), late=late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """U pairs as everything that scores them reads them: `features` (U,) float32 by name."""

    pairs: Pairs
    vectors: PairVectors
    tokens: PairTokens
    features: Mapping[str, Floats]
    model_dir: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """U pairs, those that were asked for: (U,) float64 by name of the part; `bad` (U,) float64.

    NaN elsewhere, and in `bad` where nothing was learned.
    """

    parts: Mapping[str, DoubleFloats]
    bad: DoubleFloats


def read_union(
    pairs: Pairs, encode: Encode, model_dir: Path, config: RelevanceConfig, options: RunOptions
) -> Read:
    """Everything of the pairs that needs no grade.

    Args:
        pairs: U.
        encode: texts to unit vectors.
        model_dir: a sentence-transformers folder.
        config: see its fields.
        options: who hears of it.
    """
    options.say("encoding texts")
    vectors = encode_pairs(pairs, encode)
    tokens = read_tokens(pairs, model_dir, config.late)
    options.say("features")
    everything = np.arange(len(pairs), dtype=np.int64)
    matches = score_late(untrained(model_dir, config.late), tokens, everything)
    features = word_features(pairs) | meaning_features(pairs, vectors) | {"token matches": matches}
    return Read(pairs=pairs, vectors=vectors, tokens=tokens, features=features, model_dir=model_dir)


def score_untrained(read: Read) -> Scored:
    """Of all pairs."""
    total = np.zeros(len(read.pairs), np.float64)
    for name, weight in UNTRAINED.items():
        total += weight * standard(read.features[name])
    return Scored(parts={"relevance": total}, bad=np.full(len(total), np.nan))


def score_fold(
    read: Read, fold: Fold, config: RelevanceConfig, options: RunOptions
) -> dict[str, DoubleFloats]:
    """(P,) float64 by name, for `fold.asked`: the parts, "relevance" of all together, "bad"."""
    options.say("growing trees")
    trees = fit_and_score(read.features, read.pairs, fold.taught, fold.asked, config.trees)
    options.say("fine-tuning the late interaction")
    net = fit_late(read.tokens, read.pairs, fold.taught, read.model_dir, config.late, options)
    late = score_late(net, read.tokens, fold.asked)
    mixed = standard(trees.gains) + config.late_weight * standard(late)
    groups, table = read.pairs.groups[fold.asked], read.vectors.full[fold.asked]
    return {
        "trees": trees.gains.astype(np.float64),
        "late interaction": late.astype(np.float64),
        "both": mixed,
        "relevance": smoothed(mixed, groups, table, config),
        "bad": trees.bad.astype(np.float64),
    }


def score_folds(
    read: Read, folds: list[Fold], config: RelevanceConfig, options: RunOptions
) -> Scored:
    """Each fold by a model of its own; a pair in several gets their mean."""
    sums: dict[str, DoubleFloats] = {}
    times = np.zeros(len(read.pairs), np.float64)
    for number, fold in enumerate(folds):
        if len(folds) > 1:
            options.say(f"fold {number + 1} of {len(folds)}")
        for name, values in score_fold(read, fold, config, options).items():
            table = sums.setdefault(name, np.zeros(len(times), np.float64))
            table[fold.asked] += values
        times[fold.asked] += 1.0
    with np.errstate(invalid="ignore"):
        parts = {name: table / times for name, table in sums.items()}
    bad = parts.pop("bad")
    return Scored(parts=parts, bad=bad)


def smoothed(
    scores: DoubleFloats, groups: Ints, table: Floats, config: RelevanceConfig
) -> DoubleFloats:
    """Each score drawn to those of like products of the same query.

    Source: Diaz, Regularizing ad hoc retrieval scores, CIKM 2005 (near documents, near scores).
    Differs from the paper: one step, over the judged products of a query alone.

    Args:
        scores: (P,).
        groups: (P,) the query of each.
        table: (P, D) unit vectors of the products.
        config: see `smoothing` and `sharpness`.
    """
    found = scores.copy()
    for rows in lists_of(groups):
        nearness = np.exp(config.sharpness * (table[rows] @ table[rows].T - 1.0))  # (L, L)
        np.fill_diagonal(nearness, 0.0)
        weights = nearness.sum(axis=1)
        around = nearness @ scores[rows] / np.maximum(weights, 1e-12)
        # A product that nothing is like keeps its score.
        share = np.where(weights > 1e-9, config.smoothing, 0.0)
        found[rows] = (1.0 - share) * scores[rows] + share * around
    return found


def standard(values: npt.ArrayLike) -> DoubleFloats:
    """The same with mean 0 and spread 1; all 0 where they do not differ."""
    table = np.asarray(values, np.float64)
    spread = table.std() if len(table) else 0.0
    return np.asarray((table - table.mean()) / spread if spread > 1e-12 else np.zeros_like(table))
