"""Training a user model on the events of a run, with a curve to look at, and its artifact."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recs import registry, training_runs
from recs.learning_data import LearningData, UserModelRunConfig
from recs.ml.artifacts import Artifact
from recs.ml.blended import Blended, fit_blended, refit_blended
from recs.ml.blended_parts import parts_of
from recs.ml.errors import CheckpointMismatch
from recs.ml.fit_types import FitProgress, RunOptions
from recs.ml.metrics import mean_metrics
from recs.ml.scorers import target_ranks
from recs.ml.semantic_ids import SemanticIds
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.models import ModelVersion
from recs.retrain import Work
from recs.user_models import saved_version

CHECKPOINTS = "checkpoints"


def train(
    work: Work,
    version: ModelVersion,
    data: LearningData,
    config: UserModelRunConfig,
    ids: SemanticIds | None,
) -> ModelVersion:
    """Fit, with the newest events of each person for validation, then again with them.

    Killed and called again it goes on from its checkpoint. What comes of it is a candidate.

    Args:
        work: of the run.
        version: in training; becomes a candidate.
        data: what is learned from.
        config: of the run.
        ids: semantic IDs of the installation; None fits some for this version alone.
    """
    first = data.sequences()
    everything = replace(
        first, histories=data.train.histories, targets=np.zeros_like(first.targets), further=None
    )
    settings = config.blended()
    identity = _identity(first, settings)
    chosen = _resumable(
        lambda options: fit_blended(first, settings, options, ids),
        _options(work, config, "first", identity),
    )
    metrics = _metrics(chosen, first, work.run.seed)
    fitted = _resumable(
        lambda options: refit_blended(chosen, everything, settings, options),
        _options(work, config, "again", identity),
    )
    parts = parts_of(fitted, everything, data.content.attributes)
    saved, tensors = saved_version(
        parts, contents=data.contents, semantic_version=version.semantic_version
    )
    artifact = Artifact(
        config=saved,
        tensors=tensors,
        vocabulary=data.vocabulary,
        metrics=metrics,
        card=_card(version, data, metrics),
        provenance={
            "as_of": data.cut.isoformat(),
            "seed": work.run.seed,
            "events": len(data.train.histories.items),
            "device": fitted.members[0].report.device,
        },
    )
    read = work.run.results["read"]
    sizes = registry.Sizes(
        events=read["events"],
        people=read["people"],
        items=read["items"],
        dimensions=config.embedding_size * config.members,
    )
    return registry.add_artifact(version=version, artifact=artifact, sizes=sizes)


def _options(work: Work, config: UserModelRunConfig, part: str, identity: str) -> TrainOptions:
    """Each of the two parts gets half of the time and checkpoints of its own."""
    folder = work.folder / CHECKPOINTS / part
    curve = _Curve(work, part, _networks(config, part))
    return TrainOptions(
        seed=work.run.seed,
        seconds=None if config.seconds is None else config.seconds / 2,
        run=RunOptions(
            checkpoint_dir=folder,
            checkpoint_seconds=60.0,
            identity=identity,
            progress=curve,
            stage=curve.begin,
            should_stop=work.progress.should_stop,
        ),
    )


def _networks(config: UserModelRunConfig, part: str) -> tuple[str, ...]:
    """What is trained one after another; the scout is for the weights of new items alone."""
    members = tuple(f"network {n + 1}" for n in range(config.members))
    return (*members, "scout") if config.blend and part == "first" else members


@dataclass
class _Curve:
    """Hears of the training and keeps its curve on the run's row, an epoch at a time.

    `member`: place of the network that is trained now.
    """

    work: Work
    part: str
    networks: tuple[str, ...]
    member: int = 0
    seen: set[tuple[int, int]] = field(default_factory=set)

    def begin(self, stage: str) -> None:
        """The next network is trained, or something else begins."""
        for place, name in enumerate(self.networks):
            if stage.endswith(name):
                self.member = place
        self.work.progress.advance(0, stage)

    def __call__(self, told: FitProgress) -> None:
        """How far the network is that is trained now."""
        member = self.member
        steps = told.steps or 1
        self.work.progress.reach(
            (member * told.epochs + told.epoch) * steps + told.step,
            len(self.networks) * told.epochs * steps,
            _words(told, self.part, self.networks[member]),
        )
        if told.message:
            self.work.progress.say(told.message)
        if told.step == 0 and told.epoch and (member, told.epoch) not in self.seen:
            self.seen.add((member, told.epoch))
            self._add(member, told)

    def _add(self, member: int, told: FitProgress) -> None:
        point = {
            "part": self.part,
            "member": member,
            "name": self.networks[member],
            "epoch": told.epoch,
            "loss": round(told.loss, 5),
            "ndcg": round(told.scores[-1], 5) if told.scores else None,
            "seconds": round(told.seconds, 1),
        }
        where = ("part", "member", "epoch")
        run = self.work.run
        # An epoch that is done again after a kill replaces what was kept of it.
        kept = [p for p in run.curve if [p[name] for name in where] != [point[n] for n in where]]
        training_runs.set_curve(run=run, curve=[*kept, point])


def _words(told: FitProgress, part: str, network: str) -> str:
    """The time left first: a terminal shows no more than 60 characters."""
    left = told.seconds_left
    minutes = (
        "" if left is None else f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left"
    )
    parts = [
        minutes,
        f"{network} again" if part == "again" else network,
        f"epoch {min(told.epoch + 1, told.epochs)}/{told.epochs}",
        f"loss {told.loss:.2f}",
        f"NDCG {told.scores[-1]:.4f}" if told.scores else "",
    ]
    return ", ".join(part for part in parts if part)


def _resumable(train: Callable[[TrainOptions], Blended], options: TrainOptions) -> Blended:
    """Train from the checkpoint, or from the start where it is of other events.

    Events that came late, of a time before the run's moment, change what a run learns from.
    """
    try:
        return train(options)
    except CheckpointMismatch:
        assert options.run.checkpoint_dir is not None
        shutil.rmtree(options.run.checkpoint_dir)
        return train(options)


def _identity(data: SequenceData, settings: object) -> str:
    found = hashlib.sha256(repr(settings).encode())
    histories = data.histories
    for array in (
        histories.offsets,
        histories.items,
        histories.kinds,
        histories.days,
        data.targets,
        data.further.targets if data.further else data.targets,
    ):
        found.update(array.tobytes())
    return found.hexdigest()


def _metrics(blended: Blended, data: SequenceData, seed: int) -> dict[str, Any]:
    """What validation gave, on at most 5,000 people, and the weights of the evidence."""
    sample = data.sample(TrainOptions().most_validation_people, seed)
    found = target_ranks(blended, sample.histories, sample.targets)
    return {
        "validation": mean_metrics(found),
        "validation_people": len(sample.targets),
        "weights": {name: round(value, 5) for name, value in blended.weights().items()},
        "members": [
            {
                "epochs": len(member.report.curve),
                "stopped_by": member.report.stopped_by,
                "seconds": round(member.report.seconds, 1),
                "device": member.report.device,
                "precision": member.report.precision,
                "notes": list(member.report.notes),
            }
            for member in blended.members
        ],
    }


def _card(version: ModelVersion, data: LearningData, metrics: Mapping[str, Any]) -> str:
    histories = data.train.histories
    validation = ", ".join(f"{name} {value:.4f}" for name, value in metrics["validation"].items())
    return "\n".join(
        [
            f"# User model {version.name}",
            "",
            "Says what a person may want next, from what they wanted so far. Not for decisions "
            "about people.",
            "",
            f"- learned from the events before {data.cut:%Y-%m-%d %H:%M} UTC: "
            f"{len(histories.items):,} of {len(histories):,} people on {len(data.vocabulary):,} "
            "items",
            f"- validation (the newest events of each person, full ranking): {validation}",
            "- popularity, item-kNN and the live version are what it had to be better than, or as "
            "good as: the gate's report is on its row",
            f"- config: `{json.dumps(version.config, sort_keys=True)}`",
            "",
        ]
    )
