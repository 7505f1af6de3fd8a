"""Which logged texts are finished queries: the judge beside rules, on SIMULATED typing.

    python -m benchmarks.finished_queries --data ../shared/data/lastfm
    python -m benchmarks.finished_queries --data ../shared/data/lastfm --on ../shared/data/films
    python -m benchmarks.finished_queries --data ../shared/data/lastfm --sensitivity
    python -m benchmarks.finished_queries --data ../shared/data/lastfm --curve

The texts, people and dates are real (tags and queries that people typed); the typing of them is
simulated by benchmarks/simulated_typing.py, whose `Assumptions` are assumptions. Windows follow in
time: weights and the trie of the first, thresholds of the second, everything reported is of the
third. Intervals are of 1,000 draws of people.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.finished_data import Source, read_source
from benchmarks.simulated_typing import Assumptions, simulate
from recs.ml.errors import NothingToLearn
from recs.ml.finished import features, learning, measures
from recs.ml.finished.chains import Asked, Visit, visits
from recs.ml.finished.prefix_trie import PrefixTrie

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Scorer = Callable[[Sequence[Visit]], Floats]

RECALL = 0.8
# Settings.SEARCH_MIN_PEOPLE_PER_QUERY of a log as small as these.
LEAST_PEOPLE = 3
FEATURES: Mapping[str, tuple[str, ...]] = {
    "judge": features.TEXT,
    "without the trie": (*features.STORE, *features.FORM),
    "the trie alone": features.TRIE,
    "with timing": (*features.TEXT, *features.TIMING),
    "with timing and what came after": (
        *features.TEXT, *features.TIMING, *features.AFTERWARDS,
    ),
}  # fmt: skip


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


def main() -> None:
    """Simulate, learn, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder lastfm, films or ubi")
    parser.add_argument("--on", type=Path, help="test on another folder: learned is of --data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", type=float, default=learning.LearningConfig().precision)
    parser.add_argument(
        "--sensitivity", action="store_true", help="change one assumption at a time"
    )
    parser.add_argument("--curve", action="store_true", help="learn from fewer people")
    args = parser.parse_args()
    source = read_source(args.data)
    config = learning.LearningConfig(precision=args.precision, seed=args.seed)
    if args.sensitivity:
        tell_sensitivity(source, config)
    elif args.curve:
        tell_curve(source, config)
    elif args.on:
        tell_transfer(source, read_source(args.on), config)
    else:
        tell_whole(source, config)


def windows_of(source: Source, assumed: Assumptions, *, seed: int) -> Windows:
    """60 % of the simulated rows by time, the next 20 %, the last 20 %."""
    log = simulate(source.asks, source.hits, assumed, seed=seed)
    cuts = [0, int(len(log.rows) * 0.6), int(len(log.rows) * 0.8), len(log.rows)]
    return Windows(
        *(window_of(log.rows[start:end], log.truth[start:end]) for start, end in pairwise(cuts))
    )


def window_of(rows: Sequence[Asked], truth: Sequence[bool]) -> Window:
    """Rows as visits; one is whole where any of its rows is."""
    found = visits(rows)
    whole = [any(truth[place] for place in visit.places) for visit in found]
    return Window(found, np.array(whole, np.bool_))


def tell_whole(source: Source, config: learning.LearningConfig) -> None:
    """Every system, on both kinds of truth, and what would be recommended."""
    windows = windows_of(source, Assumptions(), seed=config.seed)
    tell_sizes(windows)
    learned = {name: learn(windows, source, config, names) for name, names in FEATURES.items()}
    print(f"in the choosing window: {learned['judge'].report}")
    print(f"gate: {learned['judge'].reasons or 'passed'}")
    said, scores = {}, {}
    for name, each in learned.items():
        scores[name] = scores_of(windows.last.visits, each, source, FEATURES[name])
        said[name] = scores[name] >= each.judge.threshold
    own = scores["judge"]
    said["judge, as it is used"] = learning.as_used(
        windows.last.visits, own, learned["judge"].judge.threshold
    )
    scores["judge, as it is used"] = scores_as_used(windows.last.visits, own)
    trees, threshold = trees_of(windows, source, config)
    scores["boosted trees"], said["boosted trees"] = trees, trees >= threshold
    rules, rule_scores = rules_of(windows)
    tell_tables(windows.last, {**said, **rules}, {**scores, **rule_scores}, config)
    tell_calibration(windows.last, own)
    tell_offered(windows.last, source, learned["judge"])


def learn(
    windows: Windows,
    source: Source,
    config: learning.LearningConfig,
    names: Sequence[str] = features.TEXT,
) -> learning.Learned:
    """As `manage.py train_finished_queries` does."""
    return learning.learn(windows.first.visits, windows.then.visits, source.store, config, names)


def scores_of(
    asked: Sequence[Visit],
    learned: learning.Learned,
    source: Source,
    names: Sequence[str] = features.TEXT,
) -> Floats:
    """Chances by the trie of the learning window."""
    return learned.judge.chances(features.table(asked, learned.trie, source.store, names))


def scores_as_used(asked: Sequence[Visit], chances: Floats) -> Floats:
    """Chances of the ends of chains, 0 of what was typed on, 1 of what was submitted."""
    return np.array(
        [
            1.0 if visit.is_submitted else chance if visit.by_hand else 0.0
            for visit, chance in zip(asked, chances.tolist(), strict=True)
        ]
    )


def trees_of(
    windows: Windows, source: Source, config: learning.LearningConfig
) -> tuple[Floats, float]:
    """Scores of boosted trees over the judge's features, and their threshold."""
    trie = PrefixTrie(windows.first.visits)
    known, labels = learning.known_of(windows.first.visits)
    trees = HistGradientBoostingClassifier(max_iter=300, learning_rate=0.05, random_state=0)
    trees.fit(features.table(known, trie, source.store), labels)
    chosen, truth = learning.known_of(windows.then.visits)
    scores = trees.predict_proba(features.table(chosen, trie, source.store))[:, 1]
    threshold = measures.threshold_for(scores, truth, precision=config.precision)
    tested = features.table(windows.last.visits, trie, source.store)
    return trees.predict_proba(tested)[:, 1], threshold


def rules_of(windows: Windows) -> tuple[dict[str, Bools], dict[str, Floats]]:
    """The hand rule, a length rule and a timer rule (F1 on the choosing window), and all."""
    last = windows.last.visits
    said = {"hand rule (as before)": np.array([visit.by_hand for visit in last], np.bool_)}
    scores = {}
    chosen, truth = learning.known_of(windows.then.visits)
    for name, scorer in (("length rule", lengths), ("timer rule", pauses)):
        threshold = measures.best_threshold(scorer(chosen), truth)
        scores[name] = scorer(last)
        key = f"{name} (from {threshold:.3g})"
        said[key] = scores[name] >= threshold
        scores[key] = scores.pop(name)
    said["everything is finished"] = np.ones(len(last), np.bool_)
    said["nothing is (majority)"] = np.zeros(len(last), np.bool_)
    return said, scores


def lengths(asked: Sequence[Visit]) -> Floats:
    """Letters."""
    return np.array([len(visit.text) for visit in asked], np.float64)


def pauses(asked: Sequence[Visit]) -> Floats:
    """Seconds until the next text."""
    return np.array(
        [features.NEVER_SECONDS if visit.after is None else visit.after for visit in asked],
        np.float64,
    )


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
    config: learning.LearningConfig,
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
            found = measures.quality(own[within], truth[within], people, seed=config.seed)
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


def tell_offered(window: Window, source: Source, learned: learning.Learned) -> None:
    """Texts that the source "log" would offer: how many, and how many of them anybody meant.

    The trie is of the window itself, each viewer left out of what is told of them, as each night.
    """
    trie = PrefixTrie(window.visits)
    chances = learned.judge.chances(features.table(window.visits, trie, source.store))
    by_text = learning.chances_of_texts(window.visits, chances)
    texts = np.array([by_text[visit.text] for visit in window.visits])
    typed = np.array([not visit.is_picked for visit in window.visits])
    by_hand = np.array([visit.by_hand for visit in window.visits])
    used = learning.as_used(window.visits, texts, learned.judge.threshold)
    submitted = np.array([visit.is_submitted for visit in window.visits])
    meant = {ask.text for ask in source.asks}
    wanted = offered(window.visits, window.truth & typed)
    print(f"\ntexts of {LEAST_PEOPLE} people or more; {len(wanted)} were finished by so many")
    for name, said in (("hand rule", by_hand), ("judge", used), ("submitted alone", submitted)):
        found = offered(window.visits, said & typed)
        right = len(found & meant)
        print(
            f"| {name} | {len(found)} | {right / max(1, len(found)):.3f} | "
            f"{len(found & wanted) / max(1, len(wanted)):.3f} |"
        )


def offered(asked: Sequence[Visit], said: Bools) -> set[str]:
    """Texts that enough people finished by these judgements."""
    pairs = {(v.text, v.viewer) for v, each in zip(asked, said, strict=True) if each}
    counts = Counter(text for text, _ in pairs)
    return {text for text, people in counts.items() if people >= LEAST_PEOPLE}


def tell_transfer(source: Source, other: Source, config: learning.LearningConfig) -> None:
    """Weights and threshold of one folder on the last window of another, with its own trie."""
    windows = windows_of(source, Assumptions(), seed=config.seed)
    theirs = windows_of(other, Assumptions(), seed=config.seed)
    tell_sizes(theirs)
    learned = learn(windows, source, config)
    trie = PrefixTrie(theirs.first.visits)
    rows = {
        "weights from elsewhere, its own trie": trie,
        "weights and trie from elsewhere": learned.trie,
    }
    said, scores = {}, {}
    for name, counted in rows.items():
        scores[name] = learned.judge.chances(
            features.table(theirs.last.visits, counted, other.store)
        )
        said[name] = scores[name] >= learned.judge.threshold
    try:
        own = learn(theirs, other, replace(config, least_visits=1, least_people=1))
        scores["learned here"] = scores_of(theirs.last.visits, own, other)
        said["learned here"] = scores["learned here"] >= own.judge.threshold
    except (NothingToLearn, ValueError) as error:
        print(f"learned here: {error}")
    rules, rule_scores = rules_of(theirs)
    tell_tables(theirs.last, {**said, **rules}, {**scores, **rule_scores}, config)


def tell_sensitivity(source: Source, config: learning.LearningConfig) -> None:
    """F1 on the simulated truth of what was not submitted, one assumption changed at a time."""
    base = Assumptions()
    changes: dict[str, Assumptions] = {
        "as assumed": base,
        "pauses for thought x 2": replace(base, thought=base.thought * 2),
        "pauses for thought x 4": replace(base, thought=base.thought * 4),
        "submitted half as often": replace(base, submit=base.submit / 2),
        "taken half as often": replace(base, taken=base.taken / 2),
        "given up midway x 2": replace(base, abandon=base.abandon * 2),
        "hits taken midway x 3": replace(base, early_hit=base.early_hit * 3),
        "no hit taken midway": replace(base, early_hit=0.0),
        "slips x 2": replace(base, slip=base.slip * 2),
        "fast typing (120 ms)": replace(base, letter_median=0.12),
        "slow typing (350 ms)": replace(base, letter_median=0.35),
        "completions x 3": replace(base, completion=base.completion * 3),
    }
    for name, assumed in changes.items():
        windows = windows_of(source, assumed, seed=config.seed)
        learned = learn(windows, source, config)
        scores = scores_of(windows.last.visits, learned, source)
        rules, _ = rules_of(windows)
        said = {
            "judge": scores >= learned.judge.threshold,
            "as used": learning.as_used(windows.last.visits, scores, learned.judge.threshold),
            **rules,
        }
        is_open = np.array([not (v.is_submitted or v.is_picked) for v in windows.last.visits])
        people = [
            v.viewer for v, inside in zip(windows.last.visits, is_open, strict=True) if inside
        ]
        for system, own in list(said.items())[: len(said) - 2]:
            found = measures.quality(own[is_open], windows.last.truth[is_open], people)
            print(f"| {name} | {system} | {told(found)} |", flush=True)


def tell_curve(source: Source, config: learning.LearningConfig) -> None:
    """What fewer people to learn from cost, tested on all people of the last window."""
    windows = windows_of(source, Assumptions(), seed=config.seed)
    people = sorted({visit.viewer for visit in windows.first.visits + windows.then.visits})
    order = np.random.default_rng(config.seed).permutation(len(people))
    small = replace(config, least_visits=1, least_people=1)
    for count in (10, 20, 40, 80, 160, 320, len(people)):
        kept = {people[place] for place in order[:count]}
        part = Windows(*(only(each, kept) for each in (windows.first, windows.then)), windows.last)
        _, labels = learning.known_of(part.first.visits)
        try:
            learned = learn(part, source, small)
        except (NothingToLearn, ValueError) as error:
            print(f"| {count} | {error} |")
            continue
        scores = scores_of(windows.last.visits, learned, source)
        inside = [visit.label is not None for visit in windows.last.visits]
        tested, truth = learning.known_of(windows.last.visits)
        found = measures.quality(
            scores[inside] >= learned.judge.threshold, truth, [v.viewer for v in tested]
        )
        gate = "passed" if not learned.reasons else "; ".join(learned.reasons)
        print(
            f"| {count} | {labels.sum()} | {(~labels).sum()} | {told(found)} | {gate} |", flush=True
        )


def only(window: Window, people: set[str]) -> Window:
    """What these people did."""
    inside = [visit.viewer in people for visit in window.visits]
    kept = [visit for visit, own in zip(window.visits, inside, strict=True) if own]
    return Window(kept, window.truth[inside])


if __name__ == "__main__":
    main()
