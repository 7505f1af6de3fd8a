"""The steps by which a version of the unified model is made; `learning` says when."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from catalog.errors import InvalidInput
from recs import registry, unified_cut, unified_gate, vector_index
from recs.content import live_versions
from recs.features import SECONDS_A_DAY
from recs.learning_data import UserModelRunConfig, begin
from recs.match_cut import KEPT_AS
from recs.ml.artifacts import Artifact
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitProgress, RunOptions
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.joint_baselines import tune
from recs.ml.unified.joint_benchmark import requests_between, second_window
from recs.ml.unified.joint_systems import Learned, SystemConfig, fit_system
from recs.ml.unified.judged import Judged, sample
from recs.ml.unified.person_model import PersonModelConfig, with_person_model
from recs.ml.unified.prepared import Prepared, PreparedConfig, prepare, with_settings
from recs.ml.unified.ranker import RankerConfig
from recs.ml.unified.served_files import saved
from recs.ml.unified.serving_parts import served_of
from recs.ml.unified.surfaces import SEARCH, newest_then
from recs.models import ContentVersion, ModelVersion
from recs.retrain import Step, Work
from recs.run_config import RunConfig
from recs.unified_data import UnifiedData, read_data, read_shown
from recs.unified_models import KIND, forget_unified, load_unified
from recs.version_steps import decide, live_to_compare, prune_kinds, version_of

Result = Mapping[str, Any]
RECALL_K = 100
RECALL_REQUESTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedRunConfig(RunConfig):
    """What one can ask of a run of the unified model; all else is the defaults of its parts."""

    epochs: int = 10
    members: int = 3
    embedding_size: int = 128
    # Share of the events before the gate's part, the newest, that the ranker learns from.
    second_share: float = 0.15
    # Requests of each surface that the ranker learns from, and that the gate asks.
    taught: int = 4000
    asked: int = 300
    # The newest events are not learned from, for the gate: this share, and not more than so many.
    held_share: float = 0.1
    # Steps of the user model that the ranker reads.
    person_steps: int = 900
    held_events: int = 20_000

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            InvalidInput: names the field.
        """
        for name in (
            "epochs", "members", "embedding_size", "taught", "asked", "held_events", "person_steps",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise InvalidInput(f"'{name}' counts from 1.", field=name)
        for name in ("second_share", "held_share"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidInput(f"'{name}' lies between 0 and 1.", field=name)

    def system(self, seed: int) -> SystemConfig:
        """Settings of what is fitted."""
        unified, ranker = UnifiedConfig(), RankerConfig()
        return SystemConfig(
            unified=replace(
                unified,
                tower=replace(unified.tower, embedding_size=self.embedding_size),
                fit=replace(unified.fit, epochs=self.epochs, seed=seed),
            ),
            ranker=replace(ranker, members=self.members, fit=replace(ranker.fit, seed=seed)),
        )

    def person(self) -> PersonModelConfig:
        """Of the user model that the ranker reads."""
        return PersonModelConfig(steps=self.person_steps)

    def cut(self) -> UserModelRunConfig:
        """The same rule for the part that is held out."""
        return UserModelRunConfig(held_share=self.held_share, held_events=self.held_events)


def steps(config: Mapping[str, Any]) -> Sequence[Step]:
    """What a run of the unified model does, in order.

    Raises:
        InvalidInput: for a config that means nothing.
    """
    does = _UnifiedRun(UnifiedRunConfig.read(config))
    return [
        Step("read", "reading events", does.read),
        Step("fit", "training", does.fit),
        Step("vectors", "placing items", does.vectors),
        Step("gate", "judging the candidate", does.gate),
        Step("decide", "going live, or not", does.decide),
        Step("prune", "deleting old versions", does.prune),
    ]


@dataclass
class _UnifiedRun:
    """One attempt at a run; what it read stays in memory from step to step."""

    config: UnifiedRunConfig
    known: UnifiedData | None = None
    late: Prepared | None = None
    tuned: PreparedConfig = field(default_factory=PreparedConfig)

    def read(self, work: Work) -> Result:
        """Fix the moment, the items, and where the part that is held out begins."""
        data = begin(work.run, work.folder, self.config.cut())
        return {
            "cut": data.cut.isoformat(),
            "events": len(data.train.histories.items),
            "people": int((data.train.histories.lengths > 0).sum()),
            "items": len(data.vocabulary),
            "held_events": len(data.later.histories.items) - len(data.train.histories.items),
        }

    def fit(self, work: Work) -> Result:
        """Train on two windows, and write what came of it as a candidate."""
        version = self._version(work)
        known = self._known(work)
        if version.state == ModelVersion.State.TRAINING:
            learned = self._learn(work)
            contents = {ContentVersion.TEXT: _text_version().pk}
            model = served_of(learned, contents)
            config, tensors = saved(model)
            read = work.run.results["read"]
            artifact = Artifact(
                config=config,
                tensors=tensors,
                vocabulary=known.data.vocabulary,
                metrics={**learned.told, "searches_asked": known.asked,
                         "searches_made": known.made},
                card=_card(version, read, known),
                provenance={"as_of": read["cut"], "seed": work.run.seed},
            )  # fmt: skip
            sizes = registry.Sizes(
                events=read["events"], people=read["people"], items=read["items"],
                dimensions=model.dimensions,
            )  # fmt: skip
            version = registry.add_artifact(version=version, artifact=artifact, sizes=sizes)
            load_unified(version)
        return {"version": version.name}

    def vectors(self, work: Work) -> Result:
        """The items' vectors and the one index, and how much of the exact best 100 it finds."""
        version, judged = self._version(work), self._judged(work)
        work.progress.set_total(len(self._known(work).data.vocabulary))
        asked = judged.select(np.arange(len(judged))[:: max(1, len(judged) // RECALL_REQUESTS)])
        vector_index.prepare_for(version, self._asked(work, asked), progress=work.progress)
        recall = vector_index.recall(version, self._asked(work, asked), k=RECALL_K)
        registry.add_metrics(version=version, metrics={"index_recall@100": recall})
        return {"index_recall": version.index_recall, "index_recall@100": recall}

    def gate(self, work: Work) -> Result:
        """Compare the candidate with the untrained systems and the live version."""
        version, judged, prepared = self._version(work), self._judged(work), self._late(work)
        live, note = self._comparable(work)
        compared = {"candidate": version} | ({"live": live} if live else {})
        strangers = unified_gate.by_strangers(judged)
        work.progress.set_total(len(compared) * len(judged) + len(strangers))
        served = {
            name: unified_gate.serve(one, prepared, judged, progress=work.progress)
            for name, one in compared.items()
        }
        served[unified_gate.STRANGERS] = unified_gate.serve(
            version, prepared, strangers, progress=work.progress
        )
        report = unified_gate.judge_version(version, served, prepared, judged, live=live)
        effects = unified_gate.quality_effects(
            load_unified(version), served["candidate"], judged, _seen(prepared, judged)
        )
        cut = unified_cut.learn_cut(version, prepared, judged, progress=work.progress)
        registry.add_metrics(version=version, metrics={"quality": effects, KEPT_AS: cut})
        if note:
            registry.record_gate(version=version, report={**report, "notes": [note]})
        return {
            "passed": report["passed"],
            "reasons": list(report["reasons"]),
            "surfaces": list(report["surfaces"]),
            "live": live.pk if live else None,
        }

    def decide(self, work: Work) -> Result:
        """Promote what passed, refuse what did not."""
        return decide(work, self._version(work))

    def prune(self, work: Work) -> Result:
        """Delete what the rule does not keep."""
        return prune_kinds(KIND, forget=forget_unified)

    def _learn(self, work: Work) -> Learned:
        options = RunOptions(
            progress=_Told(work), stage=lambda words: work.progress.advance(0, words),
            should_stop=work.progress.should_stop,
        )  # fmt: skip
        known, seed = self._known(work), work.run.seed
        data, texts, end = known.data, known.texts, self._end(work)
        start = second_window(data, end, self.config.second_share)
        second = requests_between(data, start, end)
        if not len(second):
            raise NothingToLearn("Nothing followed what was learned from.")
        early = prepare(data, texts, start, PreparedConfig(seed=seed))
        self.tuned = tune(early, sample(second, 600, seed=seed))
        early = with_settings(early, self.tuned)
        late = prepare(data, texts, end, self.tuned)
        early, self.late = (
            with_person_model(one, self.config.person(), seed=seed, options=options)
            for one in (early, late)
        )
        taught = sample(second, self.config.taught, seed=seed)
        shown = read_shown(known, since=_moment(start), as_of=_moment(end))
        return fit_system((early, self.late), taught, self.config.system(seed), options, shown)

    def _late(self, work: Work) -> Prepared:
        """What was known at the cut; made anew where the process is another one."""
        if self.late is None:
            known = self._known(work)
            self.late = prepare(
                known.data, known.texts, self._end(work), PreparedConfig(seed=work.run.seed)
            )
        return self.late

    def _judged(self, work: Work) -> Judged:
        """Requests of the held-out part."""
        known = self._known(work)
        later = requests_between(known.data, self._end(work), np.inf)
        return sample(later, self.config.asked, seed=work.run.seed)

    def _asked(self, work: Work, judged: Judged) -> Any:
        """(R, D + F) float32, what these requests ask the index with."""
        version, prepared = self._version(work), self._late(work)
        return unified_gate.asked_vectors(version, prepared, judged)

    def _known(self, work: Work) -> UnifiedData:
        if self.known is None:
            assert work.run.as_of is not None
            data = begin(work.run, work.folder, self.config.cut())
            self.known = read_data(
                as_of=work.run.as_of, vocabulary=data.vocabulary, version=_text_version(),
                seed=work.run.seed, progress=work.progress,
            )  # fmt: skip
        return self.known

    def _end(self, work: Work) -> float:
        return _cut(work).timestamp() / SECONDS_A_DAY

    def _version(self, work: Work) -> ModelVersion:
        """The run's version; made at the first call."""
        return version_of(
            work,
            lambda: registry.create_version(
                kind=KIND,
                as_of=_cut(work),
                config=asdict(self.config),
                seed=work.run.seed,
            ),
        )

    def _comparable(self, work: Work) -> tuple[ModelVersion | None, str]:
        """The live version where it can be compared, else why not."""
        return live_to_compare(KIND, cut=_cut(work), load=load_unified)


@dataclass
class _Told:
    """Hears of the training and moves the run's bar."""

    work: Work

    def __call__(self, told: FitProgress) -> None:
        steps = told.steps or 1
        score = f", recall {told.scores[-1]:.4f}" if told.scores else ""
        self.work.progress.reach(
            told.epoch * steps + told.step,
            told.epochs * steps,
            f"epoch {min(told.epoch + 1, told.epochs)}/{told.epochs}, loss {told.loss:.2f}{score}",
        )


def _cut(work: Work) -> datetime:
    """Where the held-out part begins."""
    return datetime.fromisoformat(work.run.results["read"]["cut"])


def _moment(day: float) -> datetime:
    """Days since 1970 as a moment."""
    return datetime.fromtimestamp(day * SECONDS_A_DAY, UTC)


def _text_version() -> ContentVersion:
    version = live_versions().get(ContentVersion.TEXT)
    if version is None:
        raise NothingToLearn("There are no text vectors yet: run `manage.py encode_items`.")
    return version


def _seen(prepared: Prepared, judged: Judged) -> dict[int, Any]:
    """For each request the rows that its answer leaves out."""
    requests = judged.requests
    known = newest_then(
        prepared.data.log.wanted, requests.persons, requests.days, np.iinfo(np.int32).max
    )
    return {
        row: np.append(known.items_of(row), requests.sources[row])
        for row in range(len(judged))
        if requests.tasks[row] != SEARCH
    }


def _card(version: ModelVersion, read: Mapping[str, Any], known: UnifiedData) -> str:
    return "\n".join(
        [
            f"# Unified model {version.name}",
            "",
            "Finds and ranks items for searches, for the home page and below an item. Not for "
            "decisions about people.",
            "",
            f"- learned from the events before {read['cut']}: {read['events']:,} of "
            f"{read['people']:,} people on {read['items']:,} items",
            f"- searches: {known.asked:,} that were asked and led to an item, {known.made:,} made "
            "of titles and facts of wanted items",
            "- compared with the best of popularity, BM25, text vectors, their rank fusion, and "
            "item-kNN on each surface: the gate's report is on its row",
            "",
        ]
    )
