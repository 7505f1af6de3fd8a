"""One head of the match filter, from labels to a verdict: learned, calibrated, judged, bounded.

What is reported is of the newest queries or people, whose labels and items taught and chose
nothing (recs.ml.match.splits). It passes where it tells bad from good better than the score that
puts things in order and than nearness alone, beyond chance; where its chances are true; and where
its threshold, chosen before, costs no more of the good ones there than the limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import InvalidInput
from recs.match_filter import FIT, RELEVANCE
from recs.match_guard import is_within
from recs.ml.errors import NothingToLearn
from recs.ml.match import fit_features, relevance_features
from recs.ml.match.fitting import MatchConfig, MatchRows, Schema, calibrated, enough, fit_scorer
from recs.ml.match.measures import (
    Judged,
    Point,
    auc_difference,
    auc_interval,
    auc_within,
    kappa,
    point_at,
    reliability,
    rounded,
    sweep,
    thresholds_of,
)
from recs.ml.match.scorer import MatchScorer
from recs.ml.match.splits import LEARN, TEST, TUNE, split
from recs.ml.relevance.measures import auc, calibration_error
from recs.run_config import RunConfig
from search.match_rows import DISLIKE_WEIGHT, PERSON_WEIGHT, Graded

DoubleFloats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SCHEMAS = {
    RELEVANCE: Schema(
        names=relevance_features.NAMES, better=relevance_features.BETTER,
        worse=relevance_features.WORSE,
    ),
    FIT: Schema(
        names=fit_features.NAMES, better=fit_features.BETTER, worse=fit_features.WORSE
    ),
}  # fmt: skip
COSINES = {RELEVANCE: relevance_features.COSINE, FIT: fit_features.COSINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRunConfig(RunConfig):
    """What a run may be told: `--set NAME=VALUE`."""

    # Bad and good matches that are needed to learn from, and half as many to be judged by.
    least: int = 30
    least_groups: int = 10
    # Mean distance of the stated chance from what came, in ten bins.
    most_calibration_error: float = 0.08

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            InvalidInput: names the field.
        """
        for name in ("least", "least_groups"):
            if getattr(self, name) < 2:
                raise InvalidInput(f"'{name}' is at least 2.", field=name)
        if not 0 < self.most_calibration_error <= 1:
            raise InvalidInput(
                "'most_calibration_error' lies above 0 and is at most 1.",
                field="most_calibration_error",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What was learned of a head, and what it is worth: `report` is for the row and the gate."""

    scorer: MatchScorer
    report: dict[str, Any]


def learn_head(head: str, graded: Graded, config: MatchRunConfig, *, seed: int) -> Head:
    """Learn, choose and judge.

    Raises:
        NothingToLearn: where there are too few labels for it.
    """
    parts, is_apart = split(graded.groups, graded.items, graded.times, seed=seed)
    # What was waved away is no grade: it may teach, and is never what is judged by.
    parts[graded.is_weak & (parts != LEARN)] = -1
    taught, tuned, tested = (graded.take(parts == part) for part in (LEARN, TUNE, TEST))
    options = MatchConfig(least=config.least, least_groups=config.least_groups, seed=seed)
    fitted, dislikes = _best(head, taught, tuned, options)
    later = MatchConfig(
        least=max(1, config.least // 2), least_groups=max(1, config.least_groups // 2)
    )
    for part in (tuned, tested):
        enough(_clear(part, weak=False), later)
    scorer = calibrated(fitted.scorer, _clear(tuned, weak=False))
    chances = scorer.chances(tested.features)
    thresholds = thresholds_of(scorer.chances(tuned.features), tuned.weights)
    once = _once(tested)
    points = sweep(thresholds, chances[once], _judged(tested))
    report = {
        "way": fitted.way, "tried": fitted.tried, "dislikes": dislikes,
        "items": "apart" if is_apart else "shared",
        "auc_new_items": _new_items(scorer, graded.take(parts != TEST), tested),
        "rows": {
            name: {
                "labels": len(part), "bad": int(part.bad.sum()), "good": int(part.good.sum()),
                "groups": len(np.unique(part.groups)),
                "by people": int((part.is_human & ~part.is_weak).sum()),
                "waved away": int(part.is_weak.sum()),
            }
            for name, part in (("taught", taught), ("chosen", tuned), ("tested", tested))
        },
        **_told(head, scorer, tested, chances),
        "sweep": [point.as_json() for point in points],
        "point": _chosen(scorer, tuned, tested, thresholds).as_json(),
    }  # fmt: skip
    report["reasons"] = list(_against(head, report, config))
    report["passed"] = not report["reasons"]
    return Head(scorer=scorer, report=report)


def _best(head: str, taught: Graded, tuned: Graded, options: MatchConfig) -> tuple[Any, str]:
    """With what was waved away among the bad ones or without, whichever tells grades better."""
    plain = fit_scorer(_clear(taught, weak=False), SCHEMAS[head], options)
    if not taught.is_weak.any():
        return plain, "none"
    joined = fit_scorer(_clear(taught, weak=True), SCHEMAS[head], options)
    judged = _judged(tuned)
    clear = judged.bad | judged.good
    values = [
        auc(each.scorer.raw(tuned.features)[clear], judged.bad[clear]) for each in (plain, joined)
    ]
    return (joined, "taught") if values[1] > values[0] else (plain, "left out")


def _clear(part: Graded, *, weak: bool) -> MatchRows:
    """What is bad or good, by how much it counts."""
    kept = part.take((part.bad | part.good) & (weak | ~part.is_weak))
    says = np.where(kept.is_human, PERSON_WEIGHT, 1.0) * np.where(kept.is_weak, DISLIKE_WEIGHT, 1)
    return MatchRows(
        features=kept.features, bad=kept.bad, groups=kept.groups, weights=kept.weights * says
    )


def _judged(part: Graded) -> Judged:
    """One row a pair: by people where they judged it, else by the language model."""
    kept = part.take(_once(part))
    return Judged(bad=kept.bad, good=kept.good, groups=kept.groups, weights=kept.weights)


def _once(part: Graded) -> Bools:
    """(R,) marks one label of each pair, a person's before a model's."""
    order = np.lexsort((~part.is_human, part.items, part.groups))
    keys = np.stack([part.groups[order], part.items[order]], axis=1)
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    marks = np.zeros(len(order), np.bool_)
    marks[order[is_first]] = True
    return marks & ~part.is_weak


def _told(head: str, scorer: MatchScorer, tested: Graded, chances: DoubleFloats) -> dict[str, Any]:
    """AUC against everything, people and the teacher, of it and of the baselines; calibration."""
    once = _once(tested)
    kept, judged, own = tested.take(once), _judged(tested), chances[once]
    clear = judged.bad | judged.good
    cosine = -kept.features[:, COSINES[head]].astype(np.float64)
    against = {
        name: rounded(auc_interval(chances[mask], _labels(tested.take(mask))))
        for name, mask in (
            ("people", tested.is_human & ~tested.is_weak), ("language models", ~tested.is_human)
        )
        if (tested.take(mask).bad.any() and tested.take(mask).good.any())
    }  # fmt: skip
    return {
        "auc": rounded(auc_interval(own, judged)),
        "auc_within": _number(auc_within(own, judged)),
        "auc_against": against,
        "ceiling": teacher_and_people(tested),
        "baselines": {
            "ranker": rounded(auc_interval(-kept.ranker, judged)),
            "cosine": rounded(auc_interval(cosine, judged)),
        },
        "over": {
            "ranker": rounded(auc_difference(own, -kept.ranker, judged)),
            "cosine": rounded(auc_difference(own, cosine, judged)),
        },
        "calibration_error": round(calibration_error(own[clear], judged.bad[clear]), 5),
        "reliability": reliability(own[clear], judged.bad[clear]),
    }


def _new_items(scorer: MatchScorer, seen: Graded, tested: Graded) -> dict[str, Any] | None:
    """AUC of the tested pairs whose items were graded for nobody before."""
    kept = tested.take(_once(tested) & ~np.isin(tested.items, seen.items))
    if not (kept.bad.any() and kept.good.any()):
        return None
    told = auc_interval(scorer.chances(kept.features), _labels(kept))
    return {"pairs": len(kept), **rounded(told)}


def _labels(part: Graded) -> Judged:
    return Judged(bad=part.bad, good=part.good, groups=part.groups, weights=part.weights)


def teacher_and_people(part: Graded) -> dict[str, Any]:
    """How far the language model and people agree on the pairs that both graded: the ceiling."""
    keys = list(zip(part.groups.tolist(), part.items.tolist(), strict=True))
    said: dict[bool, dict[tuple[int, int], list[int]]] = {True: {}, False: {}}
    for key, grade, is_human, is_weak in zip(
        keys, part.grades.tolist(), part.is_human.tolist(), part.is_weak.tolist(), strict=True
    ):
        if not is_weak:
            said[is_human].setdefault(key, []).append(grade)
    both = sorted(said[True].keys() & said[False].keys())
    people = np.array([np.mean(said[True][key]) for key in both])
    teacher = np.array([np.mean(said[False][key]) for key in both])
    told: dict[str, Any] = {"pairs": len(both)}
    if not both:
        return told
    clear = (people < 0.5) | (people >= 2)
    told["same"] = round(float(((people < 0.5) == (teacher < 0.5)).mean()), 5)
    told["kappa"] = _number(kappa(people < 0.5, teacher < 0.5))
    told["auc"] = _number(auc(-teacher[clear], people[clear] < 0.5)) if clear.any() else None
    return told


def _chosen(scorer: MatchScorer, tuned: Graded, tested: Graded, thresholds: list[float]) -> Point:
    """The lowest threshold that keeps to the limit where it is chosen, as it does on the test."""
    chances, judged = scorer.chances(tuned.features)[_once(tuned)], _judged(tuned)
    points = sweep(thresholds, chances, judged)
    kept = [point.threshold for point in points if is_within(point.as_json())]
    threshold = min(kept, default=1.01)
    return point_at(
        round(threshold, 6), scorer.chances(tested.features)[_once(tested)], _judged(tested)
    )


def _against(head: str, report: Mapping[str, Any], config: MatchRunConfig) -> Any:
    """What keeps the head from answering, in words."""
    for name, label in (("ranker", "the score that puts in order"), ("cosine", "nearness")):
        over = report["over"][name]
        if over["low"] is None or over["low"] <= 0:
            yield (
                f"{head}: it does not surely tell bad matches better than {label}: AUC "
                f"{over['mean'] or 0:+.3f} ({over['low'] or 0:+.3f} to {over['high'] or 0:+.3f})."
            )
    if report["calibration_error"] > config.most_calibration_error:
        yield (
            f"{head}: its chances are off by {report['calibration_error']:.3f}; "
            f"{config.most_calibration_error:g} is the most."
        )
    point = report["point"]
    if not point["volume"]:
        yield f"{head}: no threshold keeps to the limit of good matches lost and removes anything."
    elif not is_within(point):
        yield (
            f"{head}: up to {point['lost_high']:.1%} of the good matches would be lost at its "
            "threshold."
        )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 5)


__all__ = ("Head", "MatchRunConfig", "NothingToLearn", "learn_head", "teacher_and_people")
