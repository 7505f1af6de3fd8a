"""The ladder: what each labeller says of the same judged pairs, measured and told in categories.

P pairs; "bad" is what a labeller would leave out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.match import fit_features, relevance_features
from recs.ml.match.fitting import TREES, MatchConfig, cross_fitted, fit_scorer
from recs.ml.match.ladder_rows import FIT, RELEVANCE, SCHEMAS, LadderRows
from recs.ml.match.measures import DRAWS
from recs.ml.match.read_pairs import best_bound

DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
# Pairs -> (P,) what is bad.
Decide = Callable[[LadderRows], Bools]

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


def by_rules(rows: LadderRows) -> Bools:
    """(P,) bad by a rule that nobody has to teach.

    Of a query: less than half of its words, by their rarity, stand in the text. Of a person: the
    item shares no category and no maker with anything that they wanted.
    """
    if rows.kind == RELEVANCE:
        names = relevance_features.NAMES
        return np.asarray(rows.features[:, names.index("text coverage")] < 0.5)
    shared = [fit_features.NAMES.index(f"share of {name}") for name in ("category", "creator")]
    return np.asarray(rows.features[:, shared].max(axis=1) <= 0)


RULES: Mapping[str, str] = {
    RELEVANCE: "rules (half of the words)", FIT: "rules (a category or a maker shared)",
}  # fmt: skip


def by_nearness(taught: LadderRows) -> Decide:
    """Bad below the cosine that gives the best F1 on the pairs that teach."""
    bound = best_bound(-taught.read.nearness.astype(np.float64), taught.read.bad)
    return lambda rows: np.asarray(-rows.read.nearness > bound)


def by_learning(taught: LadderRows, way: str, config: MatchConfig) -> Decide:
    """Bad above the score that gives the best F1 on the pairs that teach, cross-fitted."""
    schema, rows = SCHEMAS[taught.kind], taught.as_matches
    bound = best_bound(cross_fitted(rows, schema, config, way), rows.bad)
    scorer = fit_scorer(rows, schema, config, ways=(way,)).scorer
    return lambda tested: np.asarray(scorer.raw(tested.features) > bound)


LEARNED: Mapping[str, str] = {"logistic regression": "line", "the classifier (small trees)": TREES}
