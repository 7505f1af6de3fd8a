"""The ladder: what each labeller says of the same judged pairs, measured and told in categories.

P pairs; "bad" is what a labeller would leave out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.match.fitting import TREES, MatchConfig, MatchRows, Schema, cross_fitted, fit_scorer
from recs.ml.match.measures import DRAWS
from recs.ml.match.relevance_features import BETTER, COSINE, NAMES, WORSE

Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
# (P, F) features -> (P,) what is bad.
Decide = Callable[[Floats], Bools]

SCHEMA = Schema(names=NAMES, better=BETTER, worse=WORSE)
BAD, GOOD = "bad", "good"
# What a labeller can do beside saying bad or good.
UNREADABLE, CANNOT_SAY, NO_EVIDENCE = "unreadable", "cannot say", "no evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a labeller said of P pairs: bad, good, or one of the ways to say neither.

    `milliseconds`: (P,), of each. `tokens`, `money`: of all.
    """

    labeller: str
    answers: Sequence[str]
    milliseconds: DoubleFloats
    tokens: int = 0
    money: str = "0"


def rung(said: Said, bad: Bools, groups: Ints, *, seed: int = 0) -> dict[str, Any]:
    """Precision, recall and F1 of "bad" with 95 % over draws of groups, time, cost, errors.

    Args:
        said: of P pairs; what is neither bad nor good flags nothing.
        bad: (P,) what people said.
        groups: (P,) int64, the query of each.
        seed: of the draws.
    """
    answers = np.array(said.answers, dtype=object)
    flagged = np.asarray(answers == BAD)
    random = np.random.default_rng(seed)
    names = np.unique(groups)
    places = [np.flatnonzero(groups == name) for name in names]
    draws = np.array(
        [
            _measures(flagged[rows], bad[rows])
            for _ in range(DRAWS)
            for rows in [
                np.concatenate([places[n] for n in random.integers(0, len(names), len(names))])
            ]
        ]
    )
    means = _measures(flagged, bad)
    low, high = np.nanquantile(draws, [0.025, 0.975], axis=0)
    counts = {name: int((answers == name).sum()) for name in (UNREADABLE, CANNOT_SAY, NO_EVIDENCE)}
    return {
        "labeller": said.labeller,
        "pairs": len(bad),
        **{
            name: {
                "mean": round(means[n], 4), "low": round(float(low[n]), 4),
                "high": round(float(high[n]), 4),
            }
            for n, name in enumerate(("precision", "recall", "f1"))
        },
        "ms_p50": round(float(np.quantile(said.milliseconds, 0.5)), 4),
        "ms_p99": round(float(np.quantile(said.milliseconds, 0.99)), 4),
        "tokens": said.tokens,
        "money": said.money,
        "unreadable": counts[UNREADABLE],
        "errors": {
            "good called bad": int((flagged & ~bad).sum()),
            "bad called good": int(((answers == GOOD) & bad).sum()),
            **{name: count for name, count in counts.items() if count},
            # A judge who always says the same: the share of its commonest answer.
            "commonest answer": round(
                float(np.unique(np.array(said.answers), return_counts=True)[1].max() / len(bad)), 3
            ),
        },
    }  # fmt: skip


def _measures(flagged: Bools, bad: Bools) -> tuple[float, float, float]:
    """Precision, recall, F1; a labeller that flags nothing has a precision and an F1 of 0."""
    hits = float((flagged & bad).sum())
    precision = hits / max(1.0, float(flagged.sum()))
    recall = hits / max(1.0, float(bad.sum()))
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def by_rules(features: Floats) -> Bools:
    """(P,) bad where less than half of the query's words, by their rarity, stand in the text."""
    return np.asarray(features[:, NAMES.index("text coverage")] < 0.5)


def by_cosine(taught: MatchRows) -> Decide:
    """Bad below the cosine that gives the best F1 on the pairs that teach."""
    own = taught.features[:, COSINE].astype(np.float64)
    options = np.quantile(own, np.linspace(0.01, 0.6, 60))
    best = max(options, key=lambda bound: _measures(own < bound, taught.bad)[2])
    return lambda features: np.asarray(features[:, COSINE] < best)


def by_learning(taught: MatchRows, way: str, config: MatchConfig) -> Decide:
    """Bad above the score that gives the best F1 on the pairs that teach, cross-fitted."""
    crossed = cross_fitted(taught, SCHEMA, config, way)
    options = np.quantile(crossed, np.linspace(0.4, 0.99, 60))
    best = max(options, key=lambda bound: _measures(crossed > bound, taught.bad)[2])
    scorer = fit_scorer(taught, SCHEMA, config, ways=(way,)).scorer
    return lambda features: np.asarray(scorer.raw(features) > best)


LEARNED: Mapping[str, str] = {"logistic regression": "line", "the classifier (small trees)": TREES}
