"""What the joint benchmark writes: metrics with intervals, and rankings for a stranger to count."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.metrics import bootstrap
from recs.ml.unified.joint_benchmark import JointResult
from recs.ml.unified.joint_files import SECONDS_A_DAY, JointData
from recs.ml.unified.joint_slices import slices
from recs.ml.unified.judged import Judged, ndcg_of, recall_of, relative_gain
from recs.ml.unified.surfaces import NOBODY, TASKS

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

METRICS = "metrics.json"
RANKINGS = "rankings.tsv"
COLUMNS = ("system", "task", "user", "time", "query", "source_item", "target_items", "first_100")
_ONE, _TWO, _THREE = TASKS
_PARTITIONS = (
    ((_ONE,), (_TWO,), (_THREE,)),
    ((_ONE, _TWO), (_THREE,)),
    ((_ONE, _THREE), (_TWO,)),
    ((_TWO, _THREE), (_ONE,)),
)
UNTRAINED = ("popularity", "bm25", "minilm", "rank-fusion", "chosen-before", "item-knn")


def measure(rankings: Mapping[str, Ints], judged: Judged) -> dict[str, Any]:
    """By system and surface: NDCG@10 and recall@100, with bounds of 95 % of draws of requests."""
    found: dict[str, Any] = {}
    for name, ranked in rankings.items():
        by_task: dict[str, Any] = {}
        for task, label in enumerate(TASKS):
            rows = np.flatnonzero(judged.requests.tasks == task)
            # A specialised system is of one surface.
            if not len(rows) or not ranked[rows].any():
                continue
            part = judged.select(rows)
            by_task[label] = {
                "NDCG@10": _interval(ndcg_of(ranked[rows], part)),
                "recall@100": _interval(recall_of(ranked[rows], part)),
            }
        found[name] = by_task
    return found


def compare(rankings: Mapping[str, Ints], judged: Judged) -> list[dict[str, Any]]:
    """How much more NDCG@10 the unified model has than each other system, on each surface."""
    found = []
    for task, label in enumerate(TASKS):
        rows = np.flatnonzero(judged.requests.tasks == task)
        part = judged.select(rows)
        if not len(rows):
            continue
        ours = ndcg_of(rankings["unified"][rows], part)
        for name, ranked in rankings.items():
            if name == "unified" or not ranked[rows].any():
                continue
            theirs = ndcg_of(ranked[rows], part)
            gain = relative_gain(ours, theirs, part.requests.persons)
            row = {"task": label, "over": name, "relative": None, "95%": None}
            found.append(row if gain is None else row | {"relative": gain[0], "95%": gain[1:]})
    return found


def splits(systems: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every way to have several models instead of one, the best first, and what each would gain.

    The alignment tax: by how much a set of models, each of its own surfaces, has more NDCG@10 than
    the unified one, relative, the mean of the surfaces. Below 0 one model is better than several.
    """
    found = []
    for parts in _PARTITIONS:
        names = ["only-" + part[0] if len(part) == 1 else "+".join(part) for part in parts]
        if not set(names) <= set(systems):
            continue
        gains = [
            systems[name][task]["NDCG@10"]["mean"]
            / max(systems["unified"][task]["NDCG@10"]["mean"], 1e-9)
            - 1.0
            for name, part in zip(names, parts, strict=True)
            for task in part
            if task in systems[name]
        ]
        found.append({"models": names, "gain": round(float(np.mean(gains)), 5)})
    return sorted(found, key=lambda split: -split["gain"])


def write(folder: Path, data: JointData, result: JointResult) -> dict[str, Any]:
    """Both files; what was in them before is replaced when all is written."""
    judged, rankings = result.judged, result.rankings
    metrics = {
        **result.about,
        "requests": {
            label: int((judged.requests.tasks == task).sum()) for task, label in enumerate(TASKS)
        },
        "people": len(np.unique(judged.requests.persons)),
        "systems": measure(rankings, judged),
        "unified_over": compare(rankings, judged),
    }
    metrics["splits"] = splits(metrics["systems"])
    metrics["slices"] = slices(rankings, judged, result.known)
    staged = folder / f".{RANKINGS}.part"
    with staged.open("w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for name, ranked in rankings.items():
            for row in np.flatnonzero(ranked.any(axis=1)):
                file.write("\t".join((name, *_line(data, judged, int(row), ranked[row]))) + "\n")
    staged.replace(folder / RANKINGS)
    staged = folder / f".{METRICS}.part"
    staged.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    staged.replace(folder / METRICS)
    return metrics


def table(metrics: Mapping[str, Any]) -> str:
    """NDCG@10 / recall@100 by system and surface, and what the unified model gains, as text."""
    lines = [f"{'':20}" + "".join(f"{task:>18}" for task in TASKS)]
    for name, by_task in metrics["systems"].items():
        cells = [
            f"{found['NDCG@10']['mean']:.4f} / {found['recall@100']['mean']:.3f}"
            if (found := by_task.get(task))
            else "-"
            for task in TASKS
        ]
        lines.append(f"{name:20}" + "".join(f"{cell:>18}" for cell in cells))
    lines.append("NDCG@10 of the unified model over the others:")
    for row in metrics["unified_over"]:
        gain = "it found nothing"
        if row["relative"] is not None:
            low, high = row["95%"]
            gain = f"{row['relative']:+8.1%} ({low:+.1%} to {high:+.1%})"
        lines.append(f"  {row['task']:8} over {row['over']:20}{gain}")
    for split in metrics["splits"]:
        lines.append(f"instead of one model {' and '.join(split['models'])}: {split['gain']:+.1%}")
    return "\n".join([*lines, *_slice_lines(metrics["slices"])])


def _slice_lines(by_task: Mapping[str, Any]) -> list[str]:
    """Recall@100 of the unified model in each slice, beside the best untrained system there."""
    lines = [f"recall@100 by slice: {'':12}{'unified':>8}{'towers':>8}  best untrained"]
    for task, found in by_task.items():
        for name, told in found.items():
            recall = {system: one["recall@100"] for system, one in told["systems"].items()}
            best = max(UNTRAINED, key=lambda system: recall.get(system, -1.0))
            lines.append(
                f"  {task:8}{name:14}{told.get('requests', told.get('pairs')):>8}"
                f"{recall['unified']:>8.3f}{recall['two-tower']:>8.3f}{recall[best]:>8.3f} {best}"
            )
    return lines


def _line(data: JointData, judged: Judged, row: int, ranked: Ints) -> tuple[str, ...]:
    requests = judged.requests
    person, words = int(requests.persons[row]), int(requests.words[row])
    source = int(requests.sources[row])
    targets = judged.targets[judged.offsets[row] : judged.offsets[row + 1]]
    moment = datetime.fromtimestamp(float(requests.days[row]) * SECONDS_A_DAY, UTC)
    names = data.vocabulary
    return (
        TASKS[int(requests.tasks[row])],
        "" if person == NOBODY else data.log.wanted.people[person],
        moment.isoformat(timespec="seconds"),
        data.queries.ids([words])[0] if words else "",
        names.ids([source])[0] if source else "",
        " ".join(names.ids(targets)),
        " ".join(names.ids(ranked[ranked > 0])),
    )


def _interval(values: DoubleFloats) -> dict[str, float]:
    found = bootstrap(values, draws=1000)
    return {"mean": round(found.mean, 5), "low": round(found.low, 5), "high": round(found.high, 5)}
