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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.finished_data import Source, read_source
from benchmarks.finished_report import (
    LEAST_PEOPLE,
    Bools,
    Floats,
    Window,
    Windows,
    offered,
    scores_as_used,
    tell_calibration,
    tell_sizes,
    tell_tables,
    told,
)
from benchmarks.simulated_typing import Assumptions, simulate
from recs.ml.errors import NothingToLearn
from recs.ml.finished import features, learning, measures
from recs.ml.finished.chains import Asked, Visit, visits
from recs.ml.finished.judge import fit
from recs.ml.finished.prefix_trie import PrefixTrie

# Precisions that the threshold might be chosen for.
PRECISIONS = (0.95, 0.9, 0.8, 0.7, 0.6)
STRICT = 0.9
ALL = (*features.TEXT, *features.TIMING, *features.AFTERWARDS)
ABLATIONS: Mapping[str, tuple[str, ...]] = {
    "without the trie": (*features.STORE, *features.FORM),
    "the trie alone": features.TRIE,
    "with timing": (*features.TEXT, *features.TIMING),
    "with timing and what came after": (
        *features.TEXT, *features.TIMING, *features.AFTERWARDS,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """(V, len(ALL)) features of the three windows."""

    first: Floats
    then: Floats
    last: Floats


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
    parser.add_argument("--choose", action="store_true", help="other precisions, before the test")
    parser.add_argument("--curve", action="store_true", help="learn from fewer people")
    parser.add_argument("--people", type=int, help="of so many people alone, drawn")
    args = parser.parse_args()
    source = read_source(args.data)
    if args.people:
        source = drawn(source, args.people, seed=args.seed)
    config = learning.LearningConfig(precision=args.precision, seed=args.seed)
    try:
        tell(args, source, config)
    except NothingToLearn as error:
        raise SystemExit(str(error)) from error


def tell(args: argparse.Namespace, source: Source, config: learning.LearningConfig) -> None:
    """What the options ask for."""
    if args.sensitivity:
        tell_sensitivity(source, config)
    elif args.choose:
        tell_choice(source, config)
    elif args.curve:
        tell_curve(source, config)
    elif args.on:
        tell_transfer(source, read_source(args.on), config)
    else:
        tell_whole(source, config)


def drawn(source: Source, count: int, *, seed: int) -> Source:
    """What so many people asked."""
    people = sorted({ask.person for ask in source.asks})
    order = np.random.default_rng(seed).permutation(len(people))
    kept = {people[place] for place in order[:count]}
    return replace(source, asks=[ask for ask in source.asks if ask.person in kept])


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
    learned = learn(windows, source, config)
    print(f"in the choosing window: {learned.report}")
    print(f"gate: {learned.reasons or 'passed'}")
    last = windows.last.visits
    tables = tables_of(windows, source, learned.trie)
    scores = {"judge": learned.judge.chances(tables.last[:, : len(features.TEXT)])}
    said = {
        "judge": scores["judge"] >= learned.judge.threshold,
        "judge, as it is used": learning.as_used(last, scores["judge"], learned.judge.threshold),
    }
    scores["judge, as it is used"] = scores_as_used(last, scores["judge"])
    chances = learned.judge.chances(tables.then[:, : len(features.TEXT)])
    labels = learning.known_of(windows.then.visits)[1]
    strict = measures.threshold_for(chances, labels, precision=STRICT)
    said[f"judge, as it is used, chosen for {STRICT}"] = learning.as_used(
        last, scores["judge"], strict
    )
    for name, own in ABLATIONS.items():
        scores[name], threshold = ablated(windows, tables, own, config)
        said[name] = scores[name] >= threshold
    scores["boosted trees"], threshold = trees_of(windows, tables, config)
    said["boosted trees"] = scores["boosted trees"] >= threshold
    rules, rule_scores = rules_of(windows)
    tell_tables(windows.last, {**said, **rules}, {**scores, **rule_scores}, seed=config.seed)
    tell_calibration(windows.last, scores["judge"])
    tell_offered(windows.last, source, learned)


def tables_of(windows: Windows, source: Source, trie: PrefixTrie) -> Tables:
    """All features: of what is known of the first two windows, of everything of the last."""
    return Tables(
        *(
            features.table(asked, trie, source.store, ALL)
            for asked in (
                learning.known_of(windows.first.visits)[0],
                learning.known_of(windows.then.visits)[0],
                windows.last.visits,
            )
        )
    )


def ablated(
    windows: Windows, tables: Tables, names: Sequence[str], config: learning.LearningConfig
) -> tuple[Floats, float]:
    """Scores of a judge of other features, and its threshold, learned as the judge is."""
    columns = [ALL.index(name) for name in names]
    judge = fit(tables.first[:, columns], learning.known_of(windows.first.visits)[1], names)
    truth = learning.known_of(windows.then.visits)[1]
    chances = judge.chances(tables.then[:, columns])
    threshold = measures.threshold_for(chances, truth, precision=config.precision)
    return judge.chances(tables.last[:, columns]), threshold


def learn(
    windows: Windows,
    source: Source,
    config: learning.LearningConfig,
) -> learning.Learned:
    """As `manage.py train_finished_queries` does."""
    return learning.learn(windows.first.visits, windows.then.visits, source.store, config)


def scores_of(
    asked: Sequence[Visit],
    learned: learning.Learned,
    source: Source,
) -> Floats:
    """Chances by the trie of the learning window."""
    return learned.judge.chances(features.table(asked, learned.trie, source.store))


def trees_of(
    windows: Windows, tables: Tables, config: learning.LearningConfig
) -> tuple[Floats, float]:
    """Scores of boosted trees over the judge's features, and their threshold."""
    columns = [ALL.index(name) for name in features.TEXT]
    trees = HistGradientBoostingClassifier(max_iter=300, learning_rate=0.05, random_state=0)
    trees.fit(tables.first[:, columns], learning.known_of(windows.first.visits)[1])
    scores = trees.predict_proba(tables.then[:, columns])[:, 1]
    truth = learning.known_of(windows.then.visits)[1]
    threshold = measures.threshold_for(scores, truth, precision=config.precision)
    return trees.predict_proba(tables.last[:, columns])[:, 1], threshold


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
    tell_tables(theirs.last, {**said, **rules}, {**scores, **rule_scores}, seed=config.seed)


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


def tell_choice(source: Source, config: learning.LearningConfig) -> None:
    """The judge as it is used, on the choosing window, by the precision that is asked for."""
    windows = windows_of(source, Assumptions(), seed=config.seed)
    learned = learn(windows, source, config)
    then = windows.then.visits
    chances = scores_of(then, learned, source)
    is_known = np.array([visit.label is not None for visit in then])
    labels = learning.known_of(then)[1]
    is_open = np.array([not (v.is_submitted or v.is_picked) for v in then])
    people = [visit.viewer for visit, inside in zip(then, is_open, strict=True) if inside]
    for precision in PRECISIONS:
        threshold = measures.threshold_for(chances[is_known], labels, precision=precision)
        said = learning.as_used(then, chances, threshold)
        found = measures.quality(said[is_open], windows.then.truth[is_open], people)
        print(f"| {precision} | {threshold:.3f} | {told(found)} |")


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
