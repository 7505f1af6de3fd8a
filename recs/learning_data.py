"""What a run of the user model learns from and is judged by, the same at each attempt."""

import functools
import json
import math
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.utils import timezone

from catalog.errors import InvalidInput
from recs import training_runs
from recs.content import live_versions
from recs.features import InteractionLog, interaction_log, item_vocabulary
from recs.gate import GateSettings
from recs.item_contents import NamedContent, read_content
from recs.ml import sealed
from recs.ml.blended import BlendedSettings
from recs.ml.errors import ArtifactError, NothingToLearn
from recs.ml.histories import Histories
from recs.ml.sequence_data import SequenceData, hold_back
from recs.ml.vocabulary import Vocabulary
from recs.models import ContentVersion, TrainingRun
from recs.run_config import RunConfig

SECONDS_A_DAY = 86_400.0
# With fewer people than that, more than one event of each is validated on.
QUESTIONS = 4_000
VOCABULARY = "vocabulary"
IDS = "item_ids.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserModelRunConfig(RunConfig):
    """What one can ask of a run of the user model; all else is the defaults of its parts."""

    # What training may take; what is best by then counts. The task's time limit is above it.
    seconds: float | None = 4500.0
    # Networks whose scores are averaged, steps of training of each, and most epochs.
    members: int = 2
    steps: int = 900
    epochs: int = 15
    embedding_size: int = 128
    # False leaves the networks alone: no neighbours, no content, no second look.
    blend: bool = True
    # What tuning item-kNN may take, once for the blend and once for the gate.
    tuning_seconds: float = 120.0
    # The newest events are not learned from, for the gate: this share, and not more than so many.
    held_share: float = 0.1
    held_events: int = 20_000

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            InvalidInput: names the field.
        """
        for name in ("members", "steps", "epochs", "embedding_size", "held_events"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"'{name}' counts from 1.", field=name)
        if not 0 < self.held_share < 1:
            raise InvalidInput("'held_share' lies between 0 and 1.", field="held_share")

    def blended(self) -> BlendedSettings:
        """Settings of what is fitted."""
        defaults = BlendedSettings()
        model = defaults.user_model
        body = replace(model.net.body, embedding_size=self.embedding_size)
        least = min(model.epochs[0], self.epochs)
        return replace(
            defaults,
            members=self.members,
            blend=self.blend,
            tuning_seconds=self.tuning_seconds,
            user_model=replace(
                model,
                net=replace(model.net, body=body),
                steps=self.steps,
                epochs=(least, self.epochs),
            ),
        )

    def gate(self, seed: int) -> GateSettings:
        """Settings of the gate."""
        settings = GateSettings(tuning_seconds=self.tuning_seconds)
        return replace(settings, held_out=replace(settings.held_out, seed=seed))

    def as_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


@dataclass(frozen=True)
class LearningData:
    """Logs and content of one run. Read when first asked for, and kept while it works."""

    vocabulary: Vocabulary
    as_of: datetime
    cut: datetime

    @functools.cached_property
    def train(self) -> InteractionLog:
        """What is learned from: the events before the cut."""
        return interaction_log(as_of=self.cut, vocabulary=self.vocabulary)

    @functools.cached_property
    def later(self) -> InteractionLog:
        """All events up to the run's moment."""
        return interaction_log(as_of=self.as_of, vocabulary=self.vocabulary)

    @functools.cached_property
    def contents(self) -> dict[str, ContentVersion]:
        """The versions of content vectors that are in use."""
        return live_versions()

    @functools.cached_property
    def content(self) -> NamedContent:
        """What is known of the items without anybody's behaviour."""
        keys = [int(item_id) for item_id in self.vocabulary.item_ids]
        return read_content(keys, versions=self.contents)

    def sequences(self) -> SequenceData:
        """To fit and to validate: the newest events of each person are what validation asks for."""
        learned, targets, further = hold_back(self.train.histories, QUESTIONS)
        return SequenceData(
            histories=learned, targets=targets, content=self.content.content, further=further
        )


def begin(run: TrainingRun, folder: Path, config: UserModelRunConfig) -> LearningData:
    """Fix what the run learns from: the moment, the items, and where the held-out part begins.

    Raises:
        NothingToLearn: where nobody has two events before the held-out part.
    """
    as_of = training_runs.set_as_of(run=run, as_of=timezone.now())
    vocabulary = _kept_vocabulary(folder)
    log = interaction_log(as_of=as_of, vocabulary=vocabulary)
    cut = _cut(log.histories, config)
    data = LearningData(vocabulary=vocabulary, as_of=as_of, cut=cut)
    if not len(vocabulary) or not (data.train.histories.lengths > 1).any():
        raise NothingToLearn(
            f"Nobody has two events on items of the catalog before {cut:%Y-%m-%d %H:%M}: there is "
            "nothing to learn from yet."
        )
    return data


def go_on(run: TrainingRun, folder: Path) -> LearningData:
    """The same again, from what begin() left.

    Raises:
        ArtifactError: where its folder is gone; the run cannot be gone on with.
    """
    assert run.as_of is not None
    cut = datetime.fromisoformat(run.results["read"]["cut"])
    return LearningData(vocabulary=_read_vocabulary(folder), as_of=run.as_of, cut=cut)


def _cut(histories: Histories, config: UserModelRunConfig) -> datetime:
    """The moment of the first event of the newest part."""
    days = np.sort(histories.days)
    if not len(days):
        return datetime.fromtimestamp(0, UTC)
    held = min(math.ceil(len(days) * config.held_share), config.held_events)
    return datetime.fromtimestamp(float(days[-held]) * SECONDS_A_DAY, UTC)


def _kept_vocabulary(folder: Path) -> Vocabulary:
    """The catalog as it is now, or as it was at the run's first attempt."""
    place = folder / VOCABULARY
    if place.exists():
        try:
            return _read_vocabulary(folder)
        except ArtifactError:
            shutil.rmtree(place)
    vocabulary = item_vocabulary()

    def write(staging: Path) -> None:
        (staging / IDS).write_text(json.dumps(vocabulary.item_ids), encoding="utf-8")

    sealed.seal(place, write, about={"digest": vocabulary.digest})
    return vocabulary


def _read_vocabulary(folder: Path) -> Vocabulary:
    sealed.verify(folder / VOCABULARY)
    text = (folder / VOCABULARY / IDS).read_text(encoding="utf-8")
    return Vocabulary(tuple(json.loads(text)))
