"""Learning the ranker of query recommendations, point by point, from what followed each showing.

Letters: R shown queries, L lists of them, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from recs.ml.errors import NothingToLearn
from recs.ml.query_ranking.features import NAMES
from recs.ml.query_ranking.measures import reciprocal_ranks
from recs.ml.query_ranking.ranker import QueryRanker

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRows:
    """R queries that were shown, in lists that stand in the order of time.

    `features`: (R, F) float32 as they were then. `labels`: (R,) float, 1 where what was wanted
    followed. `lists`: (R,) int64, which list each belongs to, rising.
    """

    features: Floats
    labels: npt.NDArray[np.float64]
    lists: Ints

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths, another schema, and lists out of order."""
        if not len(self.features) == len(self.labels) == len(self.lists):
            raise ValueError("There is one label and one list for each row.")
        if len(self.features) and self.features.shape[1] != len(NAMES):
            raise ValueError(f"A row has {len(NAMES)} features.")
        if (np.diff(self.lists) < 0).any():
            raise ValueError("Lists stand in the order of time.")

    def take(self, mask: npt.NDArray[np.bool_]) -> "ShownRows":
        """The rows that are marked."""
        return ShownRows(
            features=self.features[mask], labels=self.labels[mask], lists=self.lists[mask]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerConfig:
    """How it is learned. Of `hidden` and `decays` the pair is kept that orders best."""

    # Hidden units; 0 is plain logistic regression.
    hidden: Sequence[int] = (0, 16)
    decays: Sequence[float] = (1.0, 0.01)
    # The newest share of the lists decides between them and calibrates.
    held_share: float = 0.2
    least_positives: int = 20
    # A network is tried from so many rows with a good end on.
    least_for_hidden: int = 200
    epochs: int = 30
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A ranker, and what was chosen: hidden units, decay, MRR on the lists that decided."""

    ranker: QueryRanker
    hidden: int
    decay: float
    held_mrr: float


def fit_ranker(rows: ShownRows, config: RankerConfig | None = None) -> Fitted:
    """Learn from the older lists, choose and calibrate on the newest.

    Raises:
        NothingToLearn: where hardly anything good followed, or nothing bad.
    """
    config = config or RankerConfig()
    numbers = np.unique(rows.lists)
    first_held = numbers[int(len(numbers) * (1 - config.held_share))] if len(numbers) else 0
    is_held = rows.lists >= first_held
    taught, held = rows.take(~is_held), rows.take(is_held)
    good = int(taught.labels.sum())
    if good < config.least_positives or not held.labels.any() or taught.labels.all():
        raise NothingToLearn(
            f"{good} shown queries of {len(taught.labels)} led to something, and "
            f"{int(held.labels.sum())} of the newest; {config.least_positives} and 1 are needed."
        )
    best: Fitted | None = None
    for hidden in config.hidden:
        if hidden and good < config.least_for_hidden:
            continue
        for decay in config.decays:
            ranker = _fitted(taught, hidden, decay, config)
            mrr = float(reciprocal_ranks(ranker.logits(held.features), held).mean())
            if best is None or mrr > best.held_mrr:
                best = Fitted(ranker=ranker, hidden=hidden, decay=decay, held_mrr=mrr)
    if best is None:
        raise NothingToLearn(f"{good} good ends are too few for a network alone.")
    return Fitted(
        ranker=_calibrated(best.ranker, held),
        hidden=best.hidden,
        decay=best.decay,
        held_mrr=best.held_mrr,
    )


def _fitted(rows: ShownRows, hidden: int, decay: float, config: RankerConfig) -> QueryRanker:
    features = rows.features.astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    plain = np.clip((features - mean) / scale, -8.0, 8.0)
    nothing = np.zeros((len(NAMES), 0))
    if not hidden:
        flat = LogisticRegression(C=1.0 / decay, max_iter=500).fit(plain, rows.labels)
        return QueryRanker(
            mean=mean, scale=scale, linear=flat.coef_[0], bias=float(flat.intercept_[0]),
            inner=nothing, inner_bias=np.zeros(0), outer=np.zeros(0),
        )  # fmt: skip
    net = MLPClassifier(
        hidden_layer_sizes=(hidden,), activation="relu", alpha=decay, max_iter=config.epochs,
        batch_size=min(512, len(plain)), learning_rate_init=2e-3, random_state=config.seed,
        tol=0.0, n_iter_no_change=config.epochs,
    )  # fmt: skip
    _teach(net, plain, rows.labels, config.epochs)
    return QueryRanker(
        mean=mean, scale=scale, linear=np.zeros(len(NAMES)), bias=float(net.intercepts_[1][0]),
        inner=net.coefs_[0], inner_bias=net.intercepts_[0], outer=net.coefs_[1][:, 0],
    )  # fmt: skip


def _teach(
    net: MLPClassifier, plain: npt.NDArray[np.float64], labels: npt.NDArray[np.float64], epochs: int
) -> None:
    # One call an epoch: the epochs are ours to count, and no warning says that they are few.
    for _ in range(epochs):
        net.partial_fit(plain, labels.astype(np.int64), classes=[0, 1])


def _calibrated(ranker: QueryRanker, held: ShownRows) -> QueryRanker:
    """Its sums turned into the odds that were met on lists which it did not learn from.

    Source: Platt, Probabilistic outputs for support vector machines, 1999. The places of the lists
    are told, so that what they are worth is not taken for a fault of the scores.
    """
    sums = ranker.raw(held.features)[:, None]
    if not 0 < held.labels.sum() < len(held.labels):
        return ranker
    platt = LogisticRegression(C=1e3, max_iter=500).fit(sums, held.labels)
    slope = float(platt.coef_[0, 0])
    # A slope of nothing or less would turn the order round: then the scores stay as they are.
    if slope <= 0.05:
        return ranker
    return QueryRanker(
        mean=ranker.mean, scale=ranker.scale, linear=ranker.linear, bias=ranker.bias,
        inner=ranker.inner, inner_bias=ranker.inner_bias, outer=ranker.outer, slope=slope,
        shift=float(platt.intercept_[0]),
    )  # fmt: skip
