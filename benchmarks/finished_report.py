"""Tables of precision and recall for benchmarks/finished_queries.py."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.finished import learning, measures
from recs.ml.finished.chains import Visit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RECALL = 0.8
# Settings.SEARCH_MIN_PEOPLE_PER_QUERY.
LEAST_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Window:
    """Visits of a window of time, and the simulator's truth of each."""

    visits: list[Visit]
    truth: Bools


@dataclass(frozen=True, slots=True)
class Windows:
    """Learning, choosing, testing."""

    first: Window
    then: Window
    last: Window


def tell_sizes(windows: Windows) -> None:
    """How much there is, of what kind."""
    for name in ("first", "then", "last"):
        window: Window = getattr(windows, name)
        known, labels = learning.known_of(window.visits)
        people = len({visit.viewer for visit in window.visits})
        chains = len({visit.chain for visit in window.visits})
        print(
            f"{name}: {len(window.visits)} visits of {people} people in {chains} chains; "
            f"{window.truth.mean():.3f} are finished; the log tells of {len(known)}, "
            f"{labels.mean():.3f} of them finished"
        )


def tell_tables(
    window: Window,
    said: Mapping[str, Bools],
    scores: Mapping[str, Floats],
    *,
    seed: int,
) -> None:
    """By what the log tells, and by the simulator's truth of what nobody submitted."""
    is_known = np.array([visit.label is not None for visit in window.visits])
    labels = np.array([bool(visit.label) for visit in window.visits])
    is_open = np.array([not (v.is_submitted or v.is_picked) for v in window.visits])
    is_unsure = is_open & ~is_known
    for title, within, truth in (
        ("held-out chains, as far as the log tells", is_known, labels),
        ("simulated truth, all that was not submitted", is_open, window.truth),
        ("simulated truth, where the log does not tell", is_unsure, window.truth),
    ):
        print(f"\n{title}: {within.sum()} visits, {truth[within].mean():.3f} finished")
        people = [v.viewer for v, inside in zip(window.visits, within, strict=True) if inside]
        for name, own in said.items():
            found = measures.quality(own[within], truth[within], people, seed=seed)
            print(
                f"| {name} | {told(found)} | {at_recall(scores.get(name), within, truth, people)} |"
            )


def told(found: measures.Quality) -> str:
    """Three cells."""
    return " | ".join(cell(score) for score in (found.precision, found.recall, found.f1))


def cell(score: measures.Score) -> str:
    """A number with its interval."""
    return f"{score.value:.3f} ({score.low:.3f}-{score.high:.3f})"


def at_recall(scores: Floats | None, within: Bools, truth: Bools, people: Sequence[str]) -> str:
    """Precision at a recall of RECALL; empty for a rule without a number to vary."""
    if scores is None:
        return ""
    threshold = measures.threshold_for_recall(scores[within], truth[within], recall=RECALL)
    found = measures.quality(scores[within] >= threshold, truth[within], people)
    return cell(found.precision)


def tell_calibration(window: Window, chances: Floats) -> None:
    """Of what the log tells."""
    is_known = np.array([visit.label is not None for visit in window.visits])
    labels = np.array([bool(visit.label) for visit in window.visits])[is_known]
    error = measures.calibration_error(chances[is_known], labels)
    print(f"\ncalibration error (ECE, 10 bins) of the judge on held-out chains: {error:.4f}")
    for mean, share, count in measures.reliability(chances[is_known], labels):
        print(f"| {mean:.3f} | {share:.3f} | {count} |")


def scores_as_used(asked: Sequence[Visit], chances: Floats) -> Floats:
    """Chances of the ends of chains, 0 of what was typed on, 1 of what was submitted."""
    return np.array(
        [
            1.0 if visit.is_submitted else chance if visit.by_hand else 0.0
            for visit, chance in zip(asked, chances.tolist(), strict=True)
        ]
    )


def offered(asked: Sequence[Visit], said: Bools) -> set[str]:
    """Texts that enough people finished by these judgements."""
    pairs = {(v.text, v.viewer) for v, each in zip(asked, said, strict=True) if each}
    counts = Counter(text for text, _ in pairs)
    return {text for text, people in counts.items() if people >= LEAST_PEOPLE}
