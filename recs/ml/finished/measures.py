"""Precision and recall of judgements, with intervals over people, and how true the chances are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A number with its 95 % interval over draws of people."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good the judgements of some texts are; 0 where there is nothing to divide by."""

    precision: Score
    recall: Score
    f1: Score


@dataclass(frozen=True, slots=True)
class Counts:
    """(P,) each: by person, said and true, said and not true, true and not said."""

    hits: Floats
    false: Floats
    missed: Floats

    @classmethod
    def of(cls, said: Bools, truth: Bools, people: Sequence[str]) -> "Counts":
        """Of (V,) judgements of visits of these people."""
        _, rows = np.unique(np.array(people), return_inverse=True)
        size = int(rows.max()) + 1 if len(rows) else 0
        hits, false, missed = (
            np.bincount(rows, weights=kind.astype(np.float64), minlength=size).astype(np.float64)
            for kind in (said & truth, said & ~truth, ~said & truth)
        )
        return cls(hits=hits, false=false, missed=missed)

    def drawn(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """(D,) precision, recall and F1 of (D, P) draws."""
        hits, false, missed = (weights @ kind for kind in (self.hits, self.false, self.missed))
        return (
            _divided(hits, hits + false),
            _divided(hits, hits + missed),
            _divided(2 * hits, 2 * hits + false + missed),
        )


def draws_of(people: int, *, seed: int = 0, draws: int = DRAWS) -> Floats:
    """(D, P): how often each person is in each draw of so many people."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)


def quality(said: Bools, truth: Bools, people: Sequence[str], *, seed: int = 0) -> Quality:
    """Of (V,) judgements against the truth; people are drawn, not visits."""
    counts = Counts.of(said, truth, people)
    size = len(counts.hits)
    drawn = counts.drawn(draws_of(size, seed=seed))
    whole = counts.drawn(np.ones((1, size)))
    scores = [
        Score(value=float(one[0]), low=float(low), high=float(high))
        for one, each in zip(whole, drawn, strict=True)
        for low, high in [np.quantile(each, [0.025, 0.975])]
    ]
    return Quality(precision=scores[0], recall=scores[1], f1=scores[2])


def f1_difference(
    one: Bools, other: Bools, truth: Bools, people: Sequence[str], *, seed: int = 0
) -> Score:
    """How much larger the F1 of one is than that of the other, over the same draws."""
    first, second = (Counts.of(said, truth, people) for said in (one, other))
    size = len(first.hits)
    weights = np.concatenate([np.ones((1, size)), draws_of(size, seed=seed)])
    gains = first.drawn(weights)[2] - second.drawn(weights)[2]
    low, high = np.quantile(gains[1:], [0.025, 0.975])
    return Score(value=float(gains[0]), low=float(low), high=float(high))


def threshold_for(scores: Floats, truth: Bools, *, precision: float) -> float:
    """The lowest threshold from which on all said is as precise as wanted; inf where none is."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    precise = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
    # Equal scores stand or fall together: only the last of them is a threshold.
    is_end = np.append(ordered[1:] != ordered[:-1], True)
    places = np.flatnonzero(is_end & (precise >= precision))
    return float(ordered[places[-1]]) if len(places) else float("inf")


def threshold_for_recall(scores: Floats, truth: Bools, *, recall: float) -> float:
    """The highest threshold at which so large a share of what is true is said."""
    own = np.sort(scores[truth])[::-1]
    return float(own[max(0, int(np.ceil(recall * len(own))) - 1)])


def best_threshold(scores: Floats, truth: Bools) -> float:
    """The threshold with the largest F1."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    is_end = np.append(ordered[1:] != ordered[:-1], True)
    return float(ordered[int(np.argmax(np.where(is_end, f1, -1.0)))])


def calibration_error(chances: Floats, truth: Bools, *, bins: int = 10) -> float:
    """Mean difference between the chance told and the share that is true, in bins (ECE)."""
    places = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [
        abs(chances[places == place].mean() - truth[places == place].mean())
        * (places == place).mean()
        for place in np.unique(places)
    ]
    return float(sum(gaps))


def reliability(chances: Floats, truth: Bools, *, bins: int = 10) -> list[tuple[float, float, int]]:
    """By bin: the mean chance, the share that is true, how many."""
    places = np.minimum((chances * bins).astype(int), bins - 1)
    return [
        (float(chances[here].mean()), float(truth[here].mean()), int(here.sum()))
        for place in np.unique(places)
        for here in [places == place]
    ]


def _divided(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
