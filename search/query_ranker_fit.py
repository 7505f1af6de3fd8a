"""The ranker of query recommendations from the log: what it learns of, and whether it may go live.

The newest HELD_SHARE of the lists are the later window: the ranker does not see them, and has to
order them better than popularity does and than the stated score, by reciprocal rank of what led to
something, with an interval over people.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from catalog.errors import InvalidInput
from recs.ml.errors import NothingToLearn
from recs.ml.gate_math import LIVE, Cases, GateConfig, judge
from recs.ml.query_ranking.features import NAMES
from recs.ml.query_ranking.fit import Fitted, RankerConfig, fit_ranker
from recs.ml.query_ranking.measures import calibration_error, good_lists, reciprocal_ranks
from recs.ml.query_ranking.ranker import QueryRanker
from recs.run_config import RunConfig
from search.placement import learned_counts
from search.shown_queries import Showings

POPULARITY, STATED, CANDIDATE = "popularity", "stated", "candidate"
METRIC = "MRR"
LABELS = {POPULARITY: "popularity order", STATED: "the stated score"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRankerRunConfig(RunConfig):
    """What a run may be told: `--set NAME=VALUE`."""

    held_share: float = 0.25
    # Fewer good ends than that teach nothing.
    least_positives: int = 30
    # The gate concludes nothing of fewer people.
    least_people: int = 30

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            InvalidInput: names the field.
        """
        if not 0 < self.held_share < 1:
            raise InvalidInput("'held_share' lies between 0 and 1.", field="held_share")
        for name in ("least_positives", "least_people"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"'{name}' counts from 1.", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """What is learned from, and the later lists by which it is judged."""

    learned: Showings
    later: Showings


def split(showings: Showings, config: QueryRankerRunConfig) -> Windows:
    """By one moment for all.

    Raises:
        NothingToLearn: where nothing was shown.
    """
    lists = np.unique(showings.rows.lists)
    if len(lists) < 2:
        raise NothingToLearn("No recommended queries were shown to anybody yet.")
    cut = lists[int(len(lists) * (1 - config.held_share))]
    is_later = showings.rows.lists >= cut
    return Windows(learned=showings.take(~is_later), later=showings.take(is_later))


def fit(windows: Windows, config: QueryRankerRunConfig, *, seed: int) -> Fitted:
    """Learn from the older window alone.

    Raises:
        NothingToLearn: where hardly anything good followed.
    """
    options = RankerConfig(least_positives=config.least_positives, seed=seed)
    return fit_ranker(windows.learned.rows, options)


def counts_of(windows: Windows) -> dict[str, int]:
    """How many queries are worth showing in each situation, of the older window."""
    learned = windows.learned
    return learned_counts(learned.situations, learned.places, learned.rows.labels)


def measures(ranker: QueryRanker, later: Showings) -> dict[str, Any]:
    """MRR of each order on the later lists, and how far chances are from what came."""
    told = {
        f"mrr_{name}": round(float(values.mean()), 5) if len(values) else 0.0
        for name, values in _ranks(ranker, later).items()
    }
    chances = ranker.chances(later.rows.features)
    return {
        **told,
        "calibration_error": round(calibration_error(chances, later.rows.labels), 5),
        "lists": len(np.unique(later.rows.lists)),
        "good_lists": len(good_lists(later.rows)),
        "label": later.label,
    }


def run_gate(
    ranker: QueryRanker,
    later: Showings,
    config: QueryRankerRunConfig,
    *,
    live: QueryRanker | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The report of the gate: `passed`, `reasons`, and all numbers behind them."""
    values = _ranks(ranker, later)
    if live is not None:
        values[LIVE] = reciprocal_ranks(live.logits(later.rows.features), later.rows)
    first = np.searchsorted(later.rows.lists, good_lists(later.rows))
    people = later.people[first]
    if not len(people):
        reason = "Nothing that was recommended later led to anything: there is nothing to judge by."
        return {"passed": False, "reasons": [reason], "metric": METRIC}
    settings = GateConfig(
        least_people=config.least_people, least_slice_people=config.least_people, seed=seed
    )
    cases = Cases(people=people, values=values, labels=LABELS)
    report = judge(cases, baselines=(POPULARITY, STATED), config=settings, metric=METRIC)
    return {**report.as_json(), "label": later.label}


def artifact_config(fitted: Fitted, counts: Mapping[str, int], label: str) -> dict[str, Any]:
    """What is saved beside the arrays."""
    return {
        "features": list(NAMES),
        "counts": dict(counts),
        "label": label,
        "hidden": fitted.hidden,
        "decay": fitted.decay,
        "fit": {k: v for k, v in asdict(RankerConfig()).items() if k not in ("hidden", "decays")},
    }


def _ranks(ranker: QueryRanker, later: Showings) -> dict[str, Any]:
    features = later.rows.features
    return {
        CANDIDATE: reciprocal_ranks(ranker.logits(features), later.rows),
        POPULARITY: reciprocal_ranks(features[:, NAMES.index("popularity")], later.rows),
        STATED: reciprocal_ranks(later.stated, later.rows),
    }
