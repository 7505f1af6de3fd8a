"""Whether a version of the unified model may answer, surface by surface, by what it would serve."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.progress import NO_PROGRESS, Progress
from catalog.types import Viewer
from recs import registry
from recs.features import SECONDS_A_DAY, viewer_of
from recs.history import read_history
from recs.ml.gate_math import LIVE, Cases, GateConfig, judge
from recs.ml.unified.joint_baselines import Baselines
from recs.ml.unified.judged import Judged, best_rows, ndcg_of, rank_requests, recall_of
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.quality import BOUND, NAMES
from recs.ml.unified.served import ServedUnified
from recs.ml.unified.surfaces import HOME, NOBODY, SEARCH, TASKS, Requests
from recs.models import ModelVersion
from recs.unified import Ranking, UnifiedAsk, live_request, ranking_of
from recs.unified_index import LIKE, index_query
from recs.unified_models import load_unified

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]

CUT = 10
DEEP = 100
TELL_EVERY = 20
# What a surface has to be better than: the best of the untrained, tuned ones there, by its mean.
BEST = "best_untrained"
STRANGERS = "strangers"
# Values of one weight of quality whose effect is measured, the others as they were found.
TRIED = (0.0, 0.05, 0.1, 0.2, BOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a version answered to R requests: (R, 100) rows of the requests' vocabulary.

    `asked`: (R, D) float32 vectors of the requests, without the qualities.
    """

    rankings: Ints
    asked: Floats


def serve(
    version: ModelVersion, prepared: Prepared, judged: Judged, *, progress: Progress = NO_PROGRESS
) -> Served:
    """What the version would have answered then, by the code that answers requests.

    Args:
        version: with its vectors; live or not.
        prepared: whose rows and people the requests are of.
        judged: R later requests.
        progress: told of the requests.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    rankings = np.zeros((len(judged), DEEP), np.int64)
    vectors = []
    for row in range(len(judged)):
        ranking = ranking_of(version, ask_of(prepared, judged, row))
        vectors.append(ranking.asked[: ranking.vectors.shape[1]])
        rankings[row] = _rows(prepared, ranking)
        if (row + 1) % TELL_EVERY == 0 or row + 1 == len(judged):
            progress.advance(row % TELL_EVERY + 1)
    return Served(rankings=rankings, asked=np.stack(vectors))


def ask_of(prepared: Prepared, judged: Judged, row: int) -> UnifiedAsk:
    """One request of a log, as its person would have made it."""
    data, requests = prepared.data, judged.requests
    person = int(requests.persons[row])
    viewer = Viewer() if person == NOBODY else viewer_of(data.log.wanted.people[person])
    at = datetime.fromtimestamp(float(requests.days[row]) * SECONDS_A_DAY, UTC)
    task, source = int(requests.tasks[row]), int(requests.sources[row])
    history = read_history(viewer=viewer, as_of=at)
    key = int(data.vocabulary.item_ids[source - 1]) if source else None
    seen = frozenset(act.item_id for act in history.wanted) | ({key} if key else set())
    return UnifiedAsk(
        surface=TASKS[task],
        viewer=viewer,
        history=history,
        at=at,
        text=prepared.texts.rows[int(requests.words[row])],
        item_id=key,
        excluded=frozenset() if task == SEARCH else seen,
        also=liked_then(prepared, requests.select(np.array([row])), seen) if key else (),
    )


def liked_then(
    prepared: Prepared, request: Requests, seen: Collection[int], count: int = LIKE
) -> list[int]:
    """The first of what people wanted who wanted the item that one request looks at, as of then."""
    scores = Baselines(prepared).item_knn(request.signed_out())
    rows = [row for row in best_rows(scores, DEEP)[0].tolist() if row and scores[0, row] > 0]
    ids = [int(prepared.data.vocabulary.item_ids[row - 1]) for row in rows]
    return [item_id for item_id in ids if item_id not in seen][:count]


def by_strangers(judged: Judged) -> Judged:
    """The same asked by strangers, without home pages: a model needs a history to make one."""
    part = _without_home(judged)
    return replace(part, requests=part.requests.signed_out())


def _without_home(judged: Judged) -> Judged:
    return judged.select(np.flatnonzero(judged.requests.tasks != HOME))


def asked_vectors(version: ModelVersion, prepared: Prepared, judged: Judged) -> Floats:
    """(R, D + F) float32, what these requests ask the version's index with."""
    model = load_unified(version)
    found = []
    for row in range(len(judged)):
        ask = ask_of(prepared, judged, row)
        question = model.question(live_request(model, ask))
        found.append(
            index_query(version, model, question, surface=ask.surface, item_id=ask.item_id)[0]
        )
    return np.stack(found) if found else np.zeros((0, model.dimensions), np.float32)


def judge_version(
    version: ModelVersion,
    served: Mapping[str, Served],
    prepared: Prepared,
    judged: Judged,
    *,
    live: ModelVersion | None = None,
    config: GateConfig | None = None,
) -> dict[str, Any]:
    """Keep on the version's row what was found, and on which surfaces it may answer; the report.

    It passes where it is better than the best untrained system beyond chance on one surface at
    least, and does not lose against the live version: of all surfaces together at most a margin,
    on one of them not surely more than another. Those are the rules of gate_math.judge(), with
    surfaces for slices: each of three held to the narrow margin would refuse equal versions.
    Strangers it answers where it is better for them too.

    Args:
        version: the candidate.
        served: what "candidate", and "live" where one is, answered to the same requests; and
            "strangers", what the candidate answered to by_strangers(judged), where they were asked.
        prepared: what the candidate learned from; the untrained systems are fitted on it.
        judged: later requests and what followed.
        live: the version behind "live".
        config: of each surface's verdict.
    """
    against_live = _against_live(served, judged, config)
    found = _by_surface(
        served["candidate"], prepared, judged, people=judged.requests.persons, config=config
    )
    slices = [_with_live(part, against_live) for part in found.slices]
    lost = list(against_live["reasons"]) if against_live else []
    passed = bool(found.surfaces) and not lost
    report: dict[str, Any] = {
        "passed": passed,
        "reasons": [] if passed else [*lost, *([] if found.surfaces else found.reasons)],
        "notes": found.reasons if passed else [],
        "surfaces": found.surfaces,
        "metric": f"NDCG@{CUT}",
        "slices": slices,
        "baselines": found.baselines,
        "live": live.name if live else None,
        "labels": {BEST: "best untrained", LIVE: "the live version", "candidate": "the candidate"},
    }
    if STRANGERS in served:
        told = _by_surface(
            served[STRANGERS], prepared, by_strangers(judged),
            people=_without_home(judged).requests.persons, config=config,
        )  # fmt: skip
        report[STRANGERS] = [name for name in told.surfaces if name in found.surfaces]
        report["notes"] = [
            *report["notes"], *(f"asked by strangers, {reason}" for reason in told.reasons)
        ]  # fmt: skip
        report["slices"] = [
            *slices,
            *({**part, "name": f"{part['name']}:{STRANGERS}",
               "label": f"{part['label']}, by strangers"} for part in told.slices),
        ]  # fmt: skip
    registry.record_gate(version=version, report=report)
    return report


@dataclass(frozen=True, slots=True)
class _BySurface:
    """The surfaces that a candidate may answer, a slice of each, and why not the others."""

    surfaces: list[str] = field(default_factory=list)
    slices: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    baselines: dict[str, Any] = field(default_factory=dict)


def _by_surface(
    candidate: Served,
    prepared: Prepared,
    judged: Judged,
    *,
    people: Ints,
    config: GateConfig | None,
) -> _BySurface:
    """Each surface beside the best untrained system there; `people` are drawn anew for chance."""
    found = _BySurface()
    for task, name in enumerate(TASKS):
        rows = np.flatnonzero(judged.requests.tasks == task)
        if not len(rows):
            continue
        part = judged.select(rows)
        best, means, values = _best_untrained(prepared, part)
        found.baselines[name] = {"best": best, **means}
        cases = Cases(
            people=people[rows],
            values={BEST: values, "candidate": ndcg_of(candidate.rankings[rows], part, CUT)},
            labels={BEST: best, "candidate": "the candidate"},
        )
        report = judge(cases, baselines=[BEST], config=config).as_json()
        found.slices.append({**report["slices"][0], "name": name, "label": name})
        found.reasons.extend(f"{name}: {reason}" for reason in report["reasons"])
        if report["passed"]:
            found.surfaces.append(name)
    return found


def _against_live(
    served: Mapping[str, Served], judged: Judged, config: GateConfig | None
) -> dict[str, Any]:
    """All surfaces together and each of them beside the live version; {} where none is live."""
    if LIVE not in served:
        return {}
    tasks = judged.requests.tasks
    cases = Cases(
        people=judged.requests.persons,
        values={who: ndcg_of(served[who].rankings, judged, CUT) for who in ("candidate", LIVE)},
        slices={name: tasks == task for task, name in enumerate(TASKS)},
        labels={LIVE: "the live version", "candidate": "the candidate"},
    )
    return judge(cases, baselines=(), config=config).as_json()


def _with_live(part: Mapping[str, Any], against_live: Mapping[str, Any]) -> dict[str, Any]:
    """A surface's report with what the live version had there."""
    beside = [one for one in against_live.get("slices", []) if one["name"] == part["name"]]
    systems, differences = dict(part["systems"]), list(part["differences"])
    for one in beside:
        systems[LIVE] = one["systems"][LIVE]
        differences += one["differences"]
    return {**part, "systems": systems, "differences": differences}


def quality_effects(
    model: ServedUnified, served: Served, judged: Judged, seen: Mapping[int, Ints]
) -> list[dict[str, Any]]:
    """What weights of quality do to the first page: recall of what followed, rating, freshness.

    Args:
        model: the candidate.
        served: what it answered; of the vectors that were asked everything is computed anew.
        judged: the same requests, of the model's own vocabulary.
        seen: for each request the rows that are not shown.
    """
    base = served.asked @ model.facts.items.vectors.T
    base[:, 0] = -np.inf
    for row, hidden in seen.items():
        base[row, hidden] = -np.inf
    own = model.weights
    trials = [("off", np.zeros_like(own)), ("found", own)]
    for place, name in enumerate(NAMES):
        for value in TRIED:
            changed = own.copy()
            changed[place] = value
            trials.append((f"{name} {value:g}", changed))
    return [
        {"name": name, "weights": [round(float(w), 4) for w in weights],
         **_effect(model, base, weights, judged)}
        for name, weights in trials
    ]  # fmt: skip


def _effect(
    model: ServedUnified, base: Floats, weights: Floats, judged: Judged
) -> dict[str, float]:
    quality = model.facts.items.quality
    found = best_rows(base + quality @ weights, DEEP)
    first = quality[found[:, :CUT]].mean(axis=(0, 1))
    return {
        "recall": round(float(recall_of(found, judged, DEEP).mean()), 4),
        "rating": round(float(first[NAMES.index("rating")]), 4),
        "freshness": round(float(first[NAMES.index("freshness")]), 4),
    }


def _best_untrained(prepared: Prepared, part: Judged) -> tuple[str, dict[str, float], DoubleFloats]:
    """Name of the best on this surface, everybody's means, and its values."""
    log = prepared.data.log
    values = {
        name: ndcg_of(rank_requests(score, part.requests, log, CUT), part, CUT)
        for name, score in Baselines(prepared).by_name().items()
    }
    means = {name: round(float(one.mean()), 5) for name, one in values.items()}
    best = max(means, key=means.__getitem__)
    return best, means, values[best]


def _rows(prepared: Prepared, ranking: Ranking) -> Ints:
    rows = prepared.data.vocabulary.rows(map(str, ranking.ids[:DEEP]))
    return np.concatenate([rows, np.zeros(DEEP - len(rows), np.int64)])
