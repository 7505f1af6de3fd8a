"""Boosted trees over the features of pairs: the gain to expect, and the chance of a bad match.

Source: Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics
2001; scikit-learn's histogram trees. Features that can only help, such as the share of the query
that a title covers, may only raise the score: it costs nothing, and no query learned by heart can
turn them round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from recs.ml.relevance.measures import clear_pairs
from recs.ml.relevance.pairs import Pairs

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

RISING = frozenset(
    {
        "coverage", "near coverage", "naming coverage", "letters", "first word", "last word",
        "last word named", "joined in title", "longest run", "naming ends", "share of naming",
        "share of title", "in order", "bm25 title", "bm25 description", "description coverage",
        "cosine title", "cosine full", "cosine naming", "token matches", "agrees title",
        "agrees full", "centre title", "centre full", "over best other", "over others",
        "same query of 5", "same query of 20",
    }
)  # fmt: skip
FALLING = frozenset(
    {"words missing", "rarest missing", "numbers missing", "other side", "queries nearer"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreesConfig:
    """How they grow."""

    trees: int = 200
    learning_rate: float = 0.05
    leaves: int = 8
    least_in_leaf: int = 100
    decay: float = 5.0
    # Share of the features that a split may choose from.
    features: float = 0.1
    # Ensembles of different seeds, averaged.
    members: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TreesFitted:
    """(P,) float32 each, of the pairs asked for: gain from 0 to 1, chance of a bad match."""

    gains: Floats
    bad: Floats


def fit_and_score(
    features: Mapping[str, Floats], pairs: Pairs, taught: Ints, asked: Ints, config: TreesConfig
) -> TreesFitted:
    """Learn from the grades of some pairs what those of others will be.

    Args:
        features: (U,) float32 by name.
        pairs: U.
        taught: places of graded pairs.
        asked: P places to score.
        config: see its fields.

    Returns:
        For `asked`; the chance is NaN where the graded pairs are all good or all bad.
    """
    table = np.stack(list(features.values()), axis=1)  # (U, F)
    directions = _directions(list(features))
    gains = np.zeros(len(asked), np.float64)
    learned = pairs.gains[taught] / 7.0
    clear, is_bad = clear_pairs(pairs.select(taught))
    chances = np.zeros(len(asked), np.float64)
    if is_bad.all() or not is_bad.any():
        chances[:] = np.nan
    for number in range(config.members):
        options = _options(config, number)
        better = HistGradientBoostingRegressor(monotonic_cst=directions, **options)
        gains += better.fit(table[taught], learned).predict(table[asked])
        if not np.isnan(chances).any():
            worse = HistGradientBoostingClassifier(monotonic_cst=-directions, **options)
            worse.fit(table[taught[clear]], is_bad)
            chances += worse.predict_proba(table[asked])[:, 1]
    return TreesFitted(
        gains=(gains / config.members).astype(np.float32),
        bad=(chances / config.members).astype(np.float32),
    )


def _directions(names: Sequence[str]) -> Ints:
    """(F,) int64: 1 for what may only raise the score, -1 for what may only lower it, else 0."""
    return np.array([int(name in RISING) - int(name in FALLING) for name in names], np.int64)


def _options(config: TreesConfig, number: int) -> dict[str, float | int | bool]:
    return {
        "max_iter": config.trees,
        "learning_rate": config.learning_rate,
        "max_leaf_nodes": config.leaves,
        "min_samples_leaf": config.least_in_leaf,
        "l2_regularization": config.decay,
        "max_features": config.features,
        "early_stopping": False,
        "random_state": config.seed * 1000 + number,
    }
