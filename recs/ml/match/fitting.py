"""Learning the match filter's scorer: a line or small trees, whichever tells best, calibrated.

R graded pairs, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from recs.ml.errors import NothingToLearn
from recs.ml.match.scorer import NO_TREES, MatchScorer, Trees
from recs.ml.relevance.measures import auc

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FOLDS = 4
LINE, TREES = "line", "trees"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Features by name, and those with more of which a match is never worse, or never better."""

    names: Sequence[str]
    better: frozenset[str] = frozenset()
    worse: frozenset[str] = frozenset()

    @property
    def directions(self) -> Ints:
        """(F,) int64: -1 where more never raises the chance of a bad match, 1 never lowers it."""
        return np.array(
            [int(n in self.worse) - int(n in self.better) for n in self.names], np.int64
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRows:
    """R pairs that are bad or good.

    `features`: (R, F). `bad`: (R,). `groups`: (R,) int64, the query or person. `weights`: (R,).
    """

    features: Floats
    bad: Bools
    groups: Ints
    weights: DoubleFloats

    def __len__(self) -> int:
        """R."""
        return len(self.bad)

    def take(self, mask: Bools | Ints) -> "MatchRows":
        """Those that are marked."""
        return MatchRows(
            features=self.features[mask], bad=self.bad[mask], groups=self.groups[mask],
            weights=self.weights[mask],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchConfig:
    """How it is learned."""

    # With fewer of either kind, or of groups, nothing is learned.
    least: int = 30
    least_groups: int = 10
    # Trees are tried from so many pairs on.
    least_for_trees: int = 300
    penalty: float = 1.0
    trees: int = 120
    leaves: int = 8
    most_depth: int = 4
    least_in_leaf: int = 20
    learning_rate: float = 0.06
    decay: float = 5.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A scorer, what it is, and the AUC of each way to learn on groups it did not see."""

    scorer: MatchScorer
    way: str
    tried: dict[str, float]


def fit_scorer(
    rows: MatchRows, schema: Schema, config: MatchConfig, *, ways: Sequence[str] = (LINE, TREES)
) -> Fitted:
    """The way that tells best, cross-fitted by group, then learned from all rows; uncalibrated.

    Raises:
        NothingToLearn: where there are too few bad or good pairs.
    """
    enough(rows, config)
    if len(rows) < config.least_for_trees and LINE in ways:
        ways = (LINE,)
    crossed = {way: cross_fitted(rows, schema, config, way) for way in ways}
    tried = {way: round(auc(scores, rows.bad), 5) for way, scores in crossed.items()}
    way = max(ways, key=tried.__getitem__)
    return Fitted(scorer=_fit(rows, schema, config, way), way=way, tried=tried)


def enough(rows: MatchRows, config: MatchConfig) -> None:
    """Pass where something can be learned.

    Raises:
        NothingToLearn: says of what there is too little.
    """
    bad, groups = int(rows.bad.sum()), len(np.unique(rows.groups))
    good = len(rows) - bad
    if min(bad, good) < config.least or groups < config.least_groups:
        raise NothingToLearn(
            f"{bad} bad and {good} good matches of {groups} queries or people were graded; "
            f"{config.least} of each and {config.least_groups} are needed."
        )


def cross_fitted(rows: MatchRows, schema: Schema, config: MatchConfig, way: str) -> DoubleFloats:
    """(R,) uncalibrated log-odds of each pair by what other groups taught."""
    names = np.random.default_rng(config.seed).permutation(np.unique(rows.groups))
    place = {int(group): number for number, group in enumerate(names.tolist())}
    folds = np.array([place[group] % FOLDS for group in rows.groups.tolist()])
    found = np.zeros(len(rows))
    for fold in range(FOLDS):
        own = folds == fold
        others = rows.take(~own)
        if own.any() and 0 < others.bad.sum() < len(others):
            found[own] = _fit(others, schema, config, way).raw(rows.features[own])
    return found


def calibrated(scorer: MatchScorer, rows: MatchRows) -> MatchScorer:
    """Its sums turned into the chances that were met on pairs which it did not learn from.

    Source: Platt, Probabilistic outputs for support vector machines, 1999.
    """
    if not 0 < rows.bad.sum() < len(rows):
        return scorer
    sums = scorer.raw(rows.features)[:, None]
    platt = LogisticRegression(C=1e3, max_iter=500)
    platt.fit(sums, rows.bad, sample_weight=rows.weights / rows.weights.mean())
    slope = float(platt.coef_[0, 0])
    # Turned round it would drop what it holds to be good: then it says nothing at all.
    slope = max(slope, 0.0)
    return replace(scorer, slope=slope, shift=float(platt.intercept_[0]))


def _fit(rows: MatchRows, schema: Schema, config: MatchConfig, way: str) -> MatchScorer:
    weights = rows.weights / max(float(rows.weights.mean()), 1e-9)
    features = rows.features.astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    if way == TREES:
        grown, start = _grown(rows, schema, config, weights)
        return MatchScorer(
            names=tuple(schema.names), mean=mean, scale=scale, linear=np.zeros(len(mean)),
            bias=start, trees=grown,
        )  # fmt: skip
    plain = np.clip((features - mean) / scale, -8.0, 8.0)
    line = LogisticRegression(C=1.0 / config.penalty, max_iter=1000)
    line.fit(plain, rows.bad, sample_weight=weights)
    return MatchScorer(
        names=tuple(schema.names), mean=mean, scale=scale, linear=line.coef_[0],
        bias=float(line.intercept_[0]), trees=NO_TREES,
    )  # fmt: skip


def _grown(
    rows: MatchRows, schema: Schema, config: MatchConfig, weights: DoubleFloats
) -> tuple[Trees, float]:
    """Trees as arrays, and what they start from."""
    model = HistGradientBoostingClassifier(
        max_iter=config.trees, learning_rate=config.learning_rate, max_leaf_nodes=config.leaves,
        min_samples_leaf=config.least_in_leaf, l2_regularization=config.decay, max_features=0.3,
        max_depth=config.most_depth,
        monotonic_cst=schema.directions, early_stopping=False, random_state=config.seed,
    )  # fmt: skip
    model.fit(rows.features, rows.bad, sample_weight=weights)
    # scikit-learn 1.9 has no public way to its trees; a test holds ours against its own answers.
    grown = [each[0].nodes for each in model._predictors]
    most = max(len(nodes) for nodes in grown)
    shape = (len(grown), most)
    feature, left, right = (np.full(shape, -1, np.int32), np.zeros(shape, np.int32),
                            np.zeros(shape, np.int32))  # fmt: skip
    threshold, value = np.zeros(shape), np.zeros(shape)
    depth = 0
    for tree, nodes in enumerate(grown):
        inner, size = nodes["is_leaf"] == 0, len(nodes)
        feature[tree, :size] = np.where(inner, nodes["feature_idx"], -1)
        left[tree, :size] = np.where(inner, nodes["left"], 0)
        right[tree, :size] = np.where(inner, nodes["right"], 0)
        threshold[tree, :size] = np.where(inner, nodes["num_threshold"], 0.0)
        value[tree, :size] = np.where(inner, 0.0, nodes["value"])
        depth = max(depth, int(nodes["depth"].max()))
    trees = Trees(feature=feature, threshold=threshold, left=left, right=right, value=value,
                  depth=depth)  # fmt: skip
    return trees, float(np.asarray(model._baseline_prediction).reshape(-1)[0])
