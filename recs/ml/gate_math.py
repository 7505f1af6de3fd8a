"""Whether a candidate may go live: differences with intervals, overall and on slices, in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.metrics import Interval, bootstrap, paired_bootstrap

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DoubleFloats = npt.NDArray[np.float64]

OVERALL = "overall"
LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """What a candidate has to show. All bounds are on the mean over people of one metric."""

    # Share of draws within an interval. Of 0.9 one in twenty lies below its lower end: "better"
    # is said with 95 % confidence.
    share: float = 0.9
    draws: int = 2000
    seed: int = 0
    # What it may lose against the live version, as a share of what that one has: overall ...
    margin: float = 0.02
    # ... and on a slice, where it is refused if it surely loses more: if the whole interval lies
    # beyond the margin, as wide as so many slices ask for (Bonferroni). Two trainings that differ
    # by their seed alone differ by more than that on some category of a small catalogue.
    slice_margin: float = 0.10
    # Of fewer people nothing is concluded: overall that refuses, a slice is only reported.
    least_people: int = 30
    least_slice_people: int = 30

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not 0 < self.share < 1 or min(self.margin, self.slice_margin) < 0:
            raise ValueError("share lies between 0 and 1; margins are not below 0.")
        if min(self.draws, self.least_people, self.least_slice_people) < 1:
            raise ValueError("draws and least numbers of people count from 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """C targets that people went on to, the same for all systems.

    `people`: (C,) int64, whose each is, numbers from 0. `values`: for each system (C,) float64, its
    metric on each. `slices`: for each slice (C,) bool, which of them belong to it. `labels`: what a
    slice or a system is called in sentences.
    """

    people: Ints
    values: Mapping[str, DoubleFloats]
    slices: Mapping[str, Bools] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths, and values that are not numbers."""
        arrays = [*self.values.values(), *self.slices.values()]
        if any(len(array) != len(self.people) for array in arrays):
            raise ValueError("Every system and every slice has one entry for each case.")
        if any(not np.isfinite(values).all() for values in self.values.values()):
            raise ValueError("A metric is not a finite number.")

    def by_person(self, values: DoubleFloats, within: Bools) -> DoubleFloats:
        """(V,) float64, means of the V people who have a case there, in order of their numbers."""
        people = self.people[within]
        found, places = np.unique(people, return_inverse=True)
        sums = np.bincount(places, values[within], len(found))
        return np.asarray(sums / np.bincount(places, minlength=len(found)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Candidate less another system, on one slice."""

    against: str
    mean: float
    low: float
    high: float
    # The loss that is allowed; None where it has to be better, or is only reported.
    margin: float | None
    passed: bool
    # Why not; empty where it passed.
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport:
    """All systems on one slice, and the candidate's differences."""

    name: str
    label: str
    people: int
    cases: int
    # Whether there are enough people to conclude anything.
    is_judged: bool
    systems: Mapping[str, Interval]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The verdict, why, and all numbers behind it."""

    passed: bool
    reasons: tuple[str, ...]
    metric: str
    slices: tuple[SliceReport, ...]
    config: GateConfig

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def judge(
    cases: Cases,
    *,
    baselines: Sequence[str],
    config: GateConfig | None = None,
    candidate: str = "candidate",
    metric: str = "NDCG@10",
) -> GateReport:
    """Whether the candidate passes.

    It must be better than each baseline overall, beyond chance; and it may not lose more than a
    margin against the live version, where there is one (`LIVE` among the systems): overall, and
    beyond chance on each slice with enough people. People are drawn, not cases: a person with many
    cases weighs as much as one with a single one.

    Args:
        cases: see there.
        baselines: names of systems that it must beat.
        config: see its fields.
        candidate: its name among the systems.
        metric: what the values are, for sentences.

    Raises:
        ValueError: where a system is missing, or a person number is below 0.
    """
    config = config or GateConfig()
    if missing := {candidate, *baselines} - set(cases.values):
        raise ValueError(f"There are no values of {sorted(missing)}.")
    judges = _Judge(cases, tuple(baselines), config, candidate, metric, config.share)
    everyone = np.ones(len(cases.people), np.bool_)
    overall = judges.slice(OVERALL, everyone)
    judged = sum(judges.is_judged(name, within) for name, within in cases.slices.items())
    of_many = replace(judges, share=1 - (1 - config.share) / max(1, judged))
    slices = [of_many.slice(name, within) for name, within in cases.slices.items()]
    reasons = [d.reason for part in (overall, *slices) for d in part.differences if not d.passed]
    if not overall.is_judged:
        reasons = [
            f"Too few people to judge by: {overall.people}, and {config.least_people} are needed."
        ]
    return GateReport(
        passed=not reasons,
        reasons=tuple(reasons),
        metric=metric,
        slices=(overall, *slices),
        config=config,
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """One candidate's case."""

    cases: Cases
    baselines: tuple[str, ...]
    config: GateConfig
    candidate: str
    metric: str
    # Of draws within an interval of a difference.
    share: float

    def is_judged(self, name: str, within: Bools) -> bool:
        """Whether the slice has enough people to conclude anything."""
        config = self.config
        least = config.least_people if name == OVERALL else config.least_slice_people
        return len(np.unique(self.cases.people[within])) >= least

    def slice(self, name: str, within: Bools) -> SliceReport:
        """Everything about one slice."""
        config = self.config
        means = {
            system: self.cases.by_person(values, within)
            for system, values in self.cases.values.items()
        }
        people = len(means[self.candidate])
        others = [s for s in (*self.baselines, LIVE) if s in means and s != self.candidate]
        is_judged = self.is_judged(name, within)
        return SliceReport(
            name=name,
            label=self._label(name),
            people=people,
            cases=int(within.sum()),
            is_judged=is_judged,
            systems={
                system: bootstrap(v, draws=config.draws, seed=config.seed, share=config.share)
                for system, v in means.items()
                if people
            },
            differences=tuple(
                self._difference(name, other, means, is_judged) for other in others if people
            ),
        )

    def _difference(
        self, name: str, other: str, means: Mapping[str, DoubleFloats], is_judged: bool
    ) -> Difference:
        config = self.config
        own, against = means[self.candidate], means[other]
        found = paired_bootstrap(
            own, against, draws=config.draws, seed=config.seed, share=self.share
        )
        told = Difference(
            against=other,
            mean=found.mean,
            low=found.low,
            high=found.high,
            margin=None,
            passed=True,
        )
        if other == LIVE:
            share = config.margin if name == OVERALL else config.slice_margin
            told = replace(told, margin=share * float(against.mean()))
            has_failed = self._is_worse(name, told)
        else:
            has_failed = name == OVERALL and not found.low > 0
        if not (is_judged and has_failed):
            return told
        reason = self._sentence(name, told, float(own.mean()), float(against.mean()), len(own))
        return replace(told, passed=False, reason=reason)

    def _is_worse(self, name: str, difference: Difference) -> bool:
        margin = difference.margin or 0.0
        loss = difference.mean if name == OVERALL else difference.high
        return loss < -margin and not math.isclose(loss, -margin)

    def _sentence(
        self, name: str, difference: Difference, own: float, against: float, people: int
    ) -> str:
        other = self._label(difference.against)
        where = "Overall" if name == OVERALL else f"On the slice '{self._label(name)}'"
        if difference.margin is None:
            verdict = f"it is not better than {other} beyond chance"
        else:
            surely = "" if name == OVERALL else "surely "
            verdict = f"it {surely}loses more than {difference.margin:.4f} against {other}"
        return (
            f"{where} {verdict}: {self.metric} {own:.4f} against {against:.4f}, "
            f"difference {difference.mean:+.4f} "
            f"({_percent(self.share)} interval {difference.low:+.4f} to {difference.high:+.4f}, "
            f"{people:,} people)."
        )

    def _label(self, name: str) -> str:
        return self.cases.labels.get(name, name)


def _percent(share: float) -> str:
    """90% and 99.5%, not 90.0%."""
    return f"{share * 100:.3g}%"
