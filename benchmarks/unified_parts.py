"""What each part of the unified model is worth: one part off at a time, on a folder split by time.

    .venv/bin/python -m benchmarks.unified_parts --data ../shared/data/lastfm --test-from 2010-07-01
    .venv/bin/python -m benchmarks.unified_parts ... --only whole "no graph" --seed 1
    .venv/bin/python -m benchmarks.unified_parts ... --table

Other rankers are learned with the whole, over its towers; a table needs the whole. So are "items
without ...": nothing is learned anew there, the item tower alone reads less of the items, so that
what the surfaces lose is none of another training's chance. Every ranker is one network instead of
three. A part that was run is kept under var/unified_parts and not run again.
The folders are those of `manage.py benchmark joint`; the third window is ranked whole, no negatives
are sampled.
"""

import argparse
import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.m3csr_data import encode_texts
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.feature_reader import FeatureReader
from recs.ml.unified.impute import FILLED
from recs.ml.unified.inputs import ItemInputs
from recs.ml.unified.joint_benchmark import (
    UNIFIED,
    JointOptions,
    Windows,
    learn_systems,
    read_windows,
    requests_between,
    unified_rankings,
)
from recs.ml.unified.joint_files import SECONDS_A_DAY, JointData, read_joint
from recs.ml.unified.joint_systems import Learned
from recs.ml.unified.judged import Judged, ndcg_of, relative_gain, sample
from recs.ml.unified.ranker import RankerConfig
from recs.ml.unified.ranker_net import RankerNetConfig
from recs.ml.unified.surfaces import TASKS

FOLDER = Path("var/unified_parts")
WHOLE = "whole"
KINDS = ("two-tower", UNIFIED)
TASK_FEATURES = tuple(f"is_{task}" for task in TASKS)
Change = Callable[[JointOptions], JointOptions]


def main() -> None:
    """Run what is missing, or print the table of what was run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--test-from", type=datetime.fromisoformat, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--table", action="store_true", help="fit nothing")
    parser.add_argument(
        "--no-other-rankers",
        action="store_true",
        help="the whole with its own ranker alone; kept as it is",
    )
    args = parser.parse_args()
    data = read_joint(args.data)
    since = args.test_from.replace(tzinfo=UTC)
    base = JointOptions(seed=args.seed, mixes="none", ranker=_ranker())
    # What is kept is of this data and this date.
    folder = f"{args.data.name}-{since:%Y-%m-%d}"
    if not args.table:
        # Once for all parts: none of them changes what is known.
        windows = read_windows(data, _encoded(folder), since, base)
        for name in args.only:
            change = _own_ranker_alone if args.no_other_rankers and name == WHOLE else PARTS[name]
            print(name, _run(name, change, windows, base, folder), flush=True)
    _print_table(data, since, base, folder)


def _tower(**off: bool) -> Change:
    return lambda o: _unified(o, lambda u: replace(u, tower=replace(u.tower, **off)))


def _unified(
    options: JointOptions, change: Callable[[UnifiedConfig], UnifiedConfig]
) -> JointOptions:
    return replace(options, unified=change(options.unified))


def _imputing(*surfaces: str) -> Change:
    return lambda o: _unified(o, lambda u: replace(u, imputes=surfaces))


def _ranker(**given: Any) -> RankerConfig:
    """One network instead of three, which is enough to compare by and three times as fast."""
    return RankerConfig(members=1, **given)


def _net(**off: int) -> RankerConfig:
    return _ranker(net=RankerNetConfig(**off))


def _no_task(options: JointOptions) -> JointOptions:
    options = _tower(use_task=False)(options)
    return replace(options, ranker=replace(options.ranker, without=TASK_FEATURES))


def _no_hard(unified: UnifiedConfig) -> UnifiedConfig:
    return replace(unified, negatives=replace(unified.negatives, hard_share=0.0))


# Over the same towers, so one run has them all. "weights" are of search, home and similar.
OTHER_RANKERS: dict[str, RankerConfig] = {
    "ranker without crossing": _net(crosses=0),
    "ranker without blocks": _net(blocks=0),
    "ranker without both": _net(crosses=0, blocks=0),
    "ranker without the task": _ranker(without=TASK_FEATURES),
    "ranker without taste": _ranker(without=("taste",)),
    "ranker without taste and fit": _ranker(without=("taste", "fit")),
    "ranker without the user model": _ranker(without=("user_model", "user_model_best")),
    "ranker without words": _ranker(without=("words",)),
    "ranker without source": _ranker(without=("source",)),
    "ranker without quality": _ranker(without=("quality",)),
    "weights 2 1 1": _ranker(task_weights=(2.0, 1.0, 1.0)),
    "weights 1 2 1": _ranker(task_weights=(1.0, 2.0, 1.0)),
    "weights 1 1 2": _ranker(task_weights=(1.0, 1.0, 2.0)),
}
# Over the same towers as well: what the item tower reads then. Zero counts hide its IDs.
BLINDED: dict[str, Callable[[ItemInputs], ItemInputs]] = {
    "items without text vectors": lambda i: replace(i, text=np.zeros_like(i.text)),
    "items without n-grams": lambda i: replace(i, tokens=i.tokens * 0.0),
    "items without graph": lambda i: replace(i, graph=np.zeros_like(i.graph)),
    "items without IDs": lambda i: replace(i, counts=np.zeros_like(i.counts)),
}
PARTS: dict[str, Change] = {
    WHOLE: lambda o: replace(
        o, rankers={name: replace(one, fit=o.ranker.fit) for name, one in OTHER_RANKERS.items()}
    ),
    "no task": _no_task,
    "what lacks filled in": _imputing(*FILLED),
    "no graph": _tower(use_graph=False),
    "no text vectors": _tower(use_text=False),
    "no n-grams": _tower(use_tokens=False),
    "no facts": _tower(use_attributes=False),
    "no codes": _tower(use_codes=False),
    "no item ids": _tower(use_ids=False),
    "no history": _tower(use_history=False),
    "no hard negatives": lambda o: _unified(o, _no_hard),
    "thresholds": lambda o: _unified(o, lambda u: replace(u, loss="thresholds")),
    "pairwise": lambda o: _unified(o, lambda u: replace(u, loss="pairwise")),
}


def _own_ranker_alone(options: JointOptions) -> JointOptions:
    return options


def _run(name: str, change: Change, windows: Windows, base: JointOptions, folder: str) -> Path:
    path = _path(name, base.seed, folder)
    if path.exists():
        return path
    system = learn_systems(windows, change(base))[UNIFIED]
    path.parent.mkdir(parents=True, exist_ok=True)
    requests = windows.judged.requests
    rankings = unified_rankings(system, requests)
    for blind, less in BLINDED.items() if name == WHOLE else ():
        found = unified_rankings(blinded(system, windows, less), requests)
        rankings |= {f"{kind}, {blind}": found[kind] for kind in KINDS}
    np.savez(path, **rankings)
    return path


def blinded(
    system: Learned, windows: Windows, change: Callable[[ItemInputs], ItemInputs]
) -> Learned:
    """The same system, whose item tower reads the changed facts; all else is as it was learned."""
    towers = copy.deepcopy(system.retriever.towers)
    towers.items.use(change(windows.late.items))
    towers.refresh()
    retriever = replace(system.retriever, towers=towers)
    reader = FeatureReader(windows.late, retriever)
    return replace(
        system, retriever=retriever, ranker=replace(system.ranker, reader=reader), others={}
    )


def _encoded(folder: str) -> Callable[[list[str]], np.ndarray]:
    """Vectors of texts, kept for the next part."""
    return lambda texts: encode_texts(texts, FOLDER / folder)


def _path(name: str, seed: int, folder: str) -> Path:
    return FOLDER / folder / f"{name.replace(' ', '_')}-{seed}.npz"


def _print_table(data: JointData, since: datetime, base: JointOptions, folder: str) -> None:
    """NDCG@10 of each part, and what the whole gains over it, 95 % of draws of people."""
    end = since.timestamp() / SECONDS_A_DAY
    judged = sample(requests_between(data, end, np.inf), base.most_requests, seed=base.seed)
    kept = {n: np.load(p) for n in PARTS if (p := _path(n, base.seed, folder)).exists()}
    for kind in KINDS:
        print(f"\n{kind}: NDCG@10, and what the whole gains over the row")
        print("| part off | " + " | ".join(TASKS) + " |\n|---|" + "---|" * len(TASKS))
        rows = {name: rankings[kind] for name, rankings in kept.items()}
        rows |= {name: kept[WHOLE][told] for name in BLINDED
                 if (told := f"{kind}, {name}") in kept[WHOLE]}  # fmt: skip
        if kind == UNIFIED:
            rows |= {name: kept[WHOLE][name] for name in OTHER_RANKERS if name in kept[WHOLE]}
        for name, ranked in rows.items():
            whole = None if name == WHOLE else rows[WHOLE]
            cells = [_cell(judged, task, ranked, whole) for task in range(len(TASKS))]
            print(f"| {name} | " + " | ".join(cells) + " |")


def _cell(judged: Judged, task: int, ranked: np.ndarray, whole: np.ndarray | None) -> str:
    rows = np.flatnonzero(judged.requests.tasks == task)
    part = judged.select(rows)
    theirs = ndcg_of(ranked[rows], part)
    if whole is None:
        return f"{theirs.mean():.4f}"
    found = relative_gain(ndcg_of(whole[rows], part), theirs, part.requests.persons)
    if found is None:
        return f"{theirs.mean():.4f}"
    gain, low, high = found
    return f"{theirs.mean():.4f}: {gain:+.1%} ({low:+.1%} to {high:+.1%})"


if __name__ == "__main__":
    main()
