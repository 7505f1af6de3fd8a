"""From visits to a judge of finished queries: weights by one window, the threshold by a later one.

Both windows lie before anything that is measured with it. What the trie counts is of the first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.errors import NothingToLearn
from recs.ml.finished.chains import Visit
from recs.ml.finished.features import TEXT, Store, table
from recs.ml.finished.judge import Judge, fit
from recs.ml.finished.measures import (
    Score,
    best_threshold,
    calibration_error,
    f1_difference,
    quality,
    threshold_for,
)
from recs.ml.finished.prefix_trie import PrefixTrie

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningConfig:
    """What decides on a judge. Least numbers: benchmarks/finished_queries.py, "--curve"."""

    # Share of what is called finished that is so, on the choosing window.
    precision: float = 0.8
    # Share of the log, by time, that weights are learned from.
    learned_share: float = 0.7
    # Of the learning window, finished and unfinished each; the choosing one needs a quarter.
    least_visits: int = 500
    least_people: int = 60
    # The judge keeps so much of what the hand rule finds among what is known to be finished.
    least_kept: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """`report`: measured on the choosing window, of JSON values. `reasons`: against going live."""

    judge: Judge
    trie: PrefixTrie
    report: dict[str, Any]
    reasons: list[str]


def known_of(asked: Sequence[Visit]) -> tuple[list[Visit], Bools]:
    """The visits of which the log tells whether they were finished, and what it tells."""
    known = [visit for visit in asked if visit.label is not None]
    return known, np.array([visit.label for visit in known], np.bool_)


def learn(
    first: Sequence[Visit],
    then: Sequence[Visit],
    store: Store,
    config: LearningConfig,
    names: Sequence[str] = TEXT,
) -> Learned:
    """Learn from one window, choose the threshold and judge the judge by the next.

    Args:
        first: visits to learn from; all of them are counted in the trie.
        then: later ones.
        store: what the catalog says.
        config: see its fields.
        names: the features to use.

    Raises:
        NothingToLearn: where too few visits, or people, are known to be finished or not.
    """
    check_enough(first, then, config)
    trie = PrefixTrie(first)
    known, labels = known_of(first)
    judge = fit(table(known, trie, store, names), labels, names)
    chosen, truth = known_of(then)
    chances = judge.chances(table(chosen, trie, store, names))
    threshold = min(threshold_for(chances, truth, precision=config.precision), 1.0)
    judge = Judge(
        names=judge.names,
        edges=judge.edges,
        weights=judge.weights,
        bias=judge.bias,
        threshold=threshold,
    )
    report = _report(chosen, chances, truth, judge, config)
    return Learned(judge=judge, trie=trie, report=report, reasons=why_not(report, config))


def check_enough(first: Sequence[Visit], then: Sequence[Visit], config: LearningConfig) -> None:
    """Pass where both windows have enough to learn from and to choose by.

    Raises:
        NothingToLearn: says what is there and what it takes.
    """
    for window, asked, part in (("learning", first, 1.0), ("choosing", then, 0.25)):
        known, labels = known_of(asked)
        people = len({visit.viewer for visit in known})
        finished, unfinished = int(labels.sum()), int((~labels).sum())
        visits, least = config.least_visits * part, config.least_people * part
        if min(finished, unfinished) < visits or people < least:
            raise NothingToLearn(
                f"The {window} window has {finished} texts known to be finished and {unfinished} "
                f"known not to be, of {people} people; it takes {visits:.0f} of each, of "
                f"{least:.0f} people. Until then the hand rule decides."
            )


def as_used(asked: Sequence[Visit], chances: Floats, threshold: float) -> Bools:
    """(V,) what counts as finished: what was submitted; else the last of its chain, if likely."""
    submitted, by_hand = (
        np.array([getattr(visit, name) for visit in asked], np.bool_)
        for name in ("is_submitted", "by_hand")
    )
    return np.asarray(submitted | (by_hand & (chances >= threshold)))


def chances_of_texts(asked: Sequence[Visit], chances: Floats) -> dict[str, float]:
    """By text the mean chance of its visits, each told without its own viewer."""
    told: dict[str, list[float]] = {}
    for visit, chance in zip(asked, chances.tolist(), strict=True):
        told.setdefault(visit.text, []).append(chance)
    return {text: sum(each) / len(each) for text, each in told.items()}


def why_not(report: dict[str, Any], config: LearningConfig) -> list[str]:
    """Reasons against going live, as sentences; none where it may."""
    reasons = []
    if report["precision"]["value"] < config.precision:
        reasons.append(f"No threshold reaches a precision of {config.precision:.2f}.")
    for name, words in (("length", "a length rule"), ("chain ends", "calling every end finished")):
        gain = report["f1 over"][name]
        if gain["low"] <= 0:
            reasons.append(
                f"It is not surely better than {words}: F1 {gain['value']:+.3f} "
                f"({gain['low']:+.3f} to {gain['high']:+.3f})."
            )
    if report["kept of the hand rule"] < config.least_kept:
        reasons.append(
            f"It keeps {report['kept of the hand rule']:.0%} of what the hand rule rightly finds; "
            f"it takes {config.least_kept:.0%}."
        )
    return reasons


def _report(
    chosen: Sequence[Visit], chances: Floats, truth: Bools, judge: Judge, config: LearningConfig
) -> dict[str, Any]:
    people = [visit.viewer for visit in chosen]
    lengths = np.array([len(visit.text) for visit in chosen], np.float64)
    measured = quality(chances >= judge.threshold, truth, people, seed=config.seed)
    # Each at its own best threshold; the hand rule takes every end of a chain for finished.
    best = chances >= best_threshold(chances, truth)
    others = {
        "length": lengths >= best_threshold(lengths, truth),
        "chain ends": np.ones(len(truth), np.bool_),
    }
    by_hand = np.array([visit.by_hand for visit in chosen], np.bool_)
    right = by_hand & truth
    used = as_used(chosen, chances, judge.threshold)
    return {
        **{name: asdict(score) for name, score in _scores(measured)},
        "threshold": judge.threshold,
        "calibration error": calibration_error(chances, truth),
        "visits": len(chosen),
        "finished": int(truth.sum()),
        "people": len(set(people)),
        "f1 over": {
            name: asdict(f1_difference(best, said, truth, people, seed=config.seed))
            for name, said in others.items()
        },
        "kept of the hand rule": float(used[right].mean()) if right.any() else 0.0,
        "precision in use": float(truth[used].mean()) if used.any() else 0.0,
        "precision of the hand rule": float(truth[by_hand].mean()) if by_hand.any() else 0.0,
    }


def _scores(measured: Any) -> list[tuple[str, Score]]:
    return [(name, getattr(measured, name)) for name in ("precision", "recall", "f1")]
