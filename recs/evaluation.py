"""A version on one global split in time, through the functions that answer requests."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from catalog.errors import InvalidInput
from catalog.progress import NO_PROGRESS, Progress
from recs.features import InteractionLog, TimeSplit, time_split, viewer_of
from recs.gate import GateSettings, gather, slices_of
from recs.history import read_history
from recs.ml.gate_math import Cases
from recs.ml.held_out import HeldOut
from recs.ml.histories import Histories
from recs.ml.item_knn import fit_item_knn
from recs.ml.item_knn_tuning import TuningOptions, tune_item_knn
from recs.ml.metrics import ndcg_at, recall_at
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import Scorer, target_ranks
from recs.models import ModelVersion
from recs.recommenders.base import Ask
from recs.recommenders.user_model import picker_of
from recs.user_models import load_model

Ints = npt.NDArray[np.int64]

CUT = 10
SERVED = "served"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """Whom and how much is asked; of more people so many are drawn."""

    most_people: int = 1000
    # Later items of one person that are asked for, the first ones.
    most_targets: int = 20
    seed: int = 0
    tuning_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """C later items of people, and the rank (from 0) that each system gave them.

    `cases`: whose each is, the slices it belongs to, and its NDCG@10 by system; what
    `gate_math.judge` judges. `ranks`: by system (C,) int64; what stands behind the first ten of the
    served list counts as rank 10.
    """

    version: str
    at: datetime
    until: datetime
    cases: Cases
    ranks: dict[str, Ints]

    def means(self, within: npt.NDArray[np.bool_] | None = None) -> dict[str, tuple[float, float]]:
        """By system the means over people of NDCG@10 and recall@10, of a slice or of all."""
        cases = self.cases
        marks = np.ones(len(cases.people), np.bool_) if within is None else within
        if not marks.any():
            return dict.fromkeys(self.ranks, (0.0, 0.0))
        return {
            name: (
                float(cases.by_person(cases.values[name], marks).mean()),
                float(cases.by_person(recall_at(ranks, CUT), marks).mean()),
            )
            for name, ranks in self.ranks.items()
        }


def evaluate(
    version: ModelVersion,
    *,
    at: datetime,
    horizon: timedelta,
    config: EvaluationConfig | None = None,
    progress: Progress = NO_PROGRESS,
) -> Evaluation:
    """What a version would have answered at a moment, against what people then went on to.

    Each person's list is made by the source that answers the home page: history as of the moment,
    the vector index, neighbours, the second look, what was seen left out. Popularity and item-kNN
    tuned on the events before the moment rank the whole catalogue beside it. Later repeats of what
    a person knew, and people who had done nothing yet, are no cases.

    Args:
        version: live or not, with its vectors (`vector_index.prepare`).
        at: the moment; everything the version learned from was before it.
        horizon: how long after it counts.
        config: see its fields.
        progress: told of each person.

    Raises:
        InvalidInput: where the version has seen events after the moment.
        UnusableVersion: where the version cannot be loaded.
    """
    if version.as_of > at:
        raise InvalidInput(f"{version} has seen events up to {version.as_of}.", field="at")
    config = config or EvaluationConfig()
    split = time_split(at=at, horizon=horizon, vocabulary=load_model(version).vocabulary)
    held = _cases(split, config)
    ranks = {SERVED: _served_ranks(version, held, at, progress)}
    for name, scorer in _baselines(split, config).items():
        ranks[name] = target_ranks(scorer, held.histories, held.targets)
    return Evaluation(
        version=version.name,
        at=at,
        until=split.until,
        cases=Cases(
            people=held.people,
            values={name: ndcg_at(found, CUT) for name, found in ranks.items()},
            slices=_slices(split, held),
        ),
        ranks=ranks,
    )


def _cases(split: TimeSplit, config: EvaluationConfig) -> HeldOut:
    """The first later items of people that are new to them."""
    past, future = split.train.histories, split.future
    people = np.flatnonzero((past.lengths > 0) & (future.lengths > 0))
    if len(people) > config.most_people:
        rng = np.random.default_rng(config.seed)
        people = np.sort(rng.choice(people, config.most_people, replace=False))
    owners, targets = [], []
    for person in people.tolist():
        known = set(past.items_of(person).tolist())
        later = dict.fromkeys(future.items_of(person).tolist())
        new = [row for row in later if row not in known][: config.most_targets]
        owners += [person] * len(new)
        targets += new
    cases = np.array(owners, np.int64)
    return HeldOut(
        histories=past.select(cases),
        targets=np.array(targets, np.int64),
        people=cases,
        known=past.lengths[cases],
    )


def _served_ranks(version: ModelVersion, held: HeldOut, at: datetime, progress: Progress) -> Ints:
    """(C,) int64, places of the targets in their people's lists; CUT where they are not in them."""
    model = load_model(version)
    vocabulary = model.vocabulary
    ranks = np.full(len(held), CUT, np.int64)
    found: dict[int, dict[int, int]] = {}
    progress.set_total(len(np.unique(held.people)))
    for case, (person, target) in enumerate(
        zip(held.people.tolist(), held.targets.tolist(), strict=True)
    ):
        if person not in found:
            history = read_history(viewer=viewer_of(held.histories.people[case]), as_of=at)
            picker = picker_of(version, model, history)
            ask = Ask(k=CUT, taste=history.taste, excluded=history.seen | history.unwanted)
            ids = picker.ranked(ask)[0][:CUT] if picker else []
            rows = vocabulary.rows(map(str, ids)).tolist()
            found[person] = {row: place for place, row in enumerate(rows) if row}
            progress.advance(message="asking for lists")
        ranks[case] = found[person].get(target, CUT)
    return ranks


def _baselines(split: TimeSplit, config: EvaluationConfig) -> dict[str, Scorer]:
    train, size = split.train.histories, len(split.train.vocabulary)
    options = TuningOptions(seconds=config.tuning_seconds)
    tuned = tune_item_knn(train.without_last(), train.last_items(), size, options)
    return {
        "popularity": PopularityScorer.of(train, size),
        "item_knn": fit_item_knn(train, size, tuned.knn.config),
    }


def _slices(split: TimeSplit, held: HeldOut) -> dict[str, npt.NDArray[np.bool_]]:
    """The gate's slices: cold items, new people, the tail, categories."""
    nothing = Histories.of_lists([])
    later = InteractionLog(histories=nothing, vocabulary=split.train.vocabulary, as_of=split.until)
    evidence = gather(split.train, later)
    return slices_of(replace(evidence, held_out=held), GateSettings())
