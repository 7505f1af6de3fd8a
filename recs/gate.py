"""The gate: what a candidate is compared with, on whom, and what becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs import registry
from recs.features import InteractionLog
from recs.ml.gate_math import LIVE, Cases, GateConfig, judge
from recs.ml.held_out import HeldOut, HeldOutConfig, held_out
from recs.ml.histories import Histories
from recs.ml.item_knn import fit_item_knn
from recs.ml.item_knn_tuning import TuningOptions, tune_item_knn
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import Scorer
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
DoubleFloats = npt.NDArray[np.float64]

SECONDS_A_DAY = 86_400.0
READ_SIZE = 20_000
BASELINES = ("popularity", "item_knn")
LABELS = {
    "candidate": "the candidate",
    "popularity": "popularity",
    "item_knn": "item-kNN",
    LIVE: "the live version",
    "overall": "overall",
    "cold_items": "cold items",
    "new_people": "new people",
    "tail": "tail",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Everything that changes the verdict."""

    judge: GateConfig = field(default_factory=GateConfig)
    # Each case is asked of a version as a request is, which takes some 20 ms.
    held_out: HeldOutConfig = field(
        default_factory=lambda: HeldOutConfig(most_people=1500, most_targets=2, cases=3000)
    )
    # An item with fewer events before the moment is cold, a person with fewer is new.
    cold_below: int = 5
    new_below: int = 5
    # The tail are the items beyond this share of the catalogue, the most wanted ones first.
    head_share: float = 0.2
    # Categories with cases, the largest ones first; the rest is only in "overall".
    most_categories: int = 20
    # What the search for item-kNN's numbers may take.
    tuning_seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The cases, and what was known before them.

    `train`: histories of the events that the candidate learned from. `categories`: for each row of
    the vocabulary (from 1) the uppermost levels of its category paths. `visible`: (N + 1,) bool,
    the items that may be shown: no other is asked for or ranked.
    """

    vocabulary: Vocabulary
    train: Histories
    held_out: HeldOut
    categories: Sequence[frozenset[str]]
    visible: Bools
    as_of: datetime
    until: datetime


def gather(
    train: InteractionLog, later: InteractionLog, settings: GateSettings | None = None
) -> Evidence:
    """What a candidate that learned from `train` is judged by.

    Args:
        train: the log as of the candidate's moment.
        later: the log as of some later moment, of the same vocabulary.
        settings: see its fields.

    Raises:
        ValueError: where the logs are of different vocabularies.
    """
    settings = settings or GateSettings()
    later.vocabulary.check(train.vocabulary.digest)
    since = train.as_of.timestamp() / SECONDS_A_DAY
    visible = _visible(train.vocabulary)
    return Evidence(
        vocabulary=train.vocabulary,
        train=train.histories,
        held_out=held_out(
            later.histories, since_day=since, config=settings.held_out, allowed=visible
        ),
        categories=_categories(train.vocabulary),
        visible=visible,
        as_of=train.as_of,
        until=later.as_of,
    )


def run_gate(
    *,
    version: ModelVersion,
    values: Mapping[str, DoubleFloats],
    evidence: Evidence,
    live: ModelVersion | None = None,
    settings: GateSettings | None = None,
    progress: Progress = NO_PROGRESS,
) -> dict[str, Any]:
    """Judge a candidate beside the baselines and keep the report on its row; the report.

    Args:
        version: the candidate.
        values: for "candidate", and "live" where a version is live, (C,) float64 NDCG@10 of each
            of the evidence's cases.
        evidence: from gather().
        live: the version behind "live".
        settings: see its fields.
        progress: told of each baseline.
    """
    settings = settings or GateSettings()
    scorers, tuned = _baselines(evidence, settings)
    values = dict(values)
    for name, scorer in scorers.items():
        values[name] = evidence.held_out.ndcg(scorer)
        progress.advance(0, message=f"ranked by {LABELS[name]}")
    slices = slices_of(evidence, settings)
    cases = Cases(
        people=evidence.held_out.people,
        values=values,
        slices=slices,
        labels={
            **LABELS,
            **{name: name.removeprefix("category:") for name in slices if ":" in name},
        },
    )
    report = {
        **judge(cases, baselines=BASELINES, config=settings.judge).as_json(),
        "as_of": evidence.as_of.isoformat(),
        "until": evidence.until.isoformat(),
        "cases": len(evidence.held_out),
        "items": len(evidence.vocabulary),
        "item_knn": tuned,
        "live": live.name if live else None,
        "labels": LABELS,
        "definitions": {
            "cold_items": f"the item had fewer than {settings.cold_below} events before",
            "new_people": f"the person had fewer than {settings.new_below} events before",
            "tail": f"the item is not among the {settings.head_share:.0%} wanted most",
        },
    }
    registry.record_gate(version=version, report=report)
    return report


def slices_of(evidence: Evidence, settings: GateSettings) -> dict[str, Bools]:
    """(C,) bool for each slice: cold items, new people, the tail, and the largest categories."""
    held, size = evidence.held_out, len(evidence.vocabulary)
    counts = evidence.train.counts(size)
    order = np.argsort(-counts[1:], kind="stable") + 1
    is_head = np.zeros(size + 1, np.bool_)
    is_head[order[: int(np.ceil(size * settings.head_share))]] = True
    found: dict[str, Bools] = {
        "cold_items": counts[held.targets] < settings.cold_below,
        "new_people": held.known < settings.new_below,
        "tail": ~is_head[held.targets],
    }
    of_case = [evidence.categories[target - 1] for target in held.targets.tolist()]
    names = sorted({name for categories in of_case for name in categories})
    masks = {name: np.array([name in c for c in of_case], np.bool_) for name in names}
    largest = sorted(names, key=lambda name: (-int(masks[name].sum()), name))
    return found | {f"category:{n}": masks[n] for n in largest[: settings.most_categories]}


def _baselines(
    evidence: Evidence, settings: GateSettings
) -> tuple[dict[str, Scorer], dict[str, Any]]:
    """Popularity and item-kNN, fitted on what the candidate learned from; how kNN was tuned."""
    train, size = evidence.train, len(evidence.vocabulary)
    tuned = tune_item_knn(
        train.without_last(),
        train.last_items(),
        size,
        TuningOptions(seconds=settings.tuning_seconds),
    )
    knn = fit_item_knn(train, size, tuned.knn.config)
    ranked: dict[str, Scorer] = {"popularity": PopularityScorer.of(train, size), "item_knn": knn}
    about = {"validation_ndcg": tuned.ndcg, "trials": tuned.trials, "finished": tuned.finished}
    return {name: _Visible(scorer, evidence.visible) for name, scorer in ranked.items()}, about


@dataclass(frozen=True, slots=True)
class _Visible:
    """A Scorer without the items that may not be shown."""

    scorer: Scorer
    visible: Bools

    @property
    def item_count(self) -> int:
        return self.scorer.item_count

    def score(self, histories: Histories, persons: Ints) -> Floats:
        scores = self.scorer.score(histories, persons)
        scores[:, ~self.visible] = -np.inf
        return scores


def _visible(vocabulary: Vocabulary) -> Bools:
    """(N + 1,) bool; the padding is not."""
    shown = Item.objects.visible().order_by().values_list("pk", flat=True)
    visible = np.zeros(len(vocabulary) + 1, np.bool_)
    visible[vocabulary.rows(str(key) for key in shown.iterator(chunk_size=READ_SIZE))] = True
    visible[0] = False
    return visible


def _categories(vocabulary: Vocabulary) -> list[frozenset[str]]:
    """The uppermost levels of each item's category paths, in the order of the vocabulary."""
    rows = Item.objects.order_by("pk").values_list("pk", "category_paths")
    found = {
        str(key): frozenset(path.split("/", 1)[0] for path in paths)
        for key, paths in rows.iterator(chunk_size=READ_SIZE)
    }
    return [found.get(item_id, frozenset()) for item_id in vocabulary.item_ids]
