"""The steps by which a user model is made: read, fit, place the items, judge, decide, tidy up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recs import codes, gate, registry, vector_index
from recs.code_assignment import KIND as CODES
from recs.code_assignment import semantic_ids
from recs.errors import NoLiveVersion
from recs.learning_data import LearningData, UserModelRunConfig, begin, go_on
from recs.ml.gate_math import LIVE
from recs.models import ModelVersion
from recs.retrain import Step, Work
from recs.served_lists import served_ndcg
from recs.user_model_training import train
from recs.user_models import KIND, forget_models, load_model
from recs.version_steps import decide, live_to_compare, prune_kinds, version_of

Result = Mapping[str, Any]


def steps(config: Mapping[str, Any]) -> Sequence[Step]:
    """What a run of the user model does, in order.

    Raises:
        InvalidInput: for a config that means nothing.
    """
    does = _UserModelRun(UserModelRunConfig.read(config))
    return [
        Step("read", "reading events", does.read),
        Step("codes", "semantic IDs", does.codes),
        Step("fit", "training", does.fit),
        Step("vectors", "placing items", does.vectors),
        Step("gate", "judging the candidate", does.gate),
        Step("decide", "going live, or not", does.decide),
        Step("prune", "deleting old versions", does.prune),
    ]


@dataclass
class _UserModelRun:
    """One attempt at a run; what it read stays in memory from step to step."""

    config: UserModelRunConfig
    data: LearningData | None = None

    def read(self, work: Work) -> Result:
        """Fix the moment, the items, and where the part that is held out begins."""
        self.data = begin(work.run, work.folder, self.config)
        learned, all_events = self.data.train.histories, self.data.later.histories
        return {
            "cut": self.data.cut.isoformat(),
            "events": len(learned.items),
            "people": int((learned.lengths > 0).sum()),
            "items": len(self.data.vocabulary),
            "held_events": len(all_events.items) - len(learned.items),
        }

    def codes(self, work: Work) -> Result:
        """The semantic IDs that are live, or new ones where they are of content not in use."""
        version = registry.live(CODES)
        if version is None or codes.is_outdated(version):
            try:
                version = codes.build_codes(seed=work.run.seed, progress=work.progress)
            except NoLiveVersion:
                return {"version": None}
        is_live = version.state == ModelVersion.State.LIVE
        return {"version": version.pk if is_live else None}

    def fit(self, work: Work) -> Result:
        """Train, and write what came of it as a candidate."""
        version = self._version(work)
        if version.state == ModelVersion.State.TRAINING:
            codes_version = self._codes(work)
            ids = semantic_ids(codes_version) if codes_version else None
            version = train(work, version, self._data(work), self.config, ids)
            load_model(version)
        return {"version": version.name}

    def vectors(self, work: Work) -> Result:
        """The items' vectors and their index, beside those that are live."""
        version = self._version(work)
        histories = self._data(work).train.histories
        work.progress.set_total(len(self._data(work).vocabulary))
        version = vector_index.prepare(version, histories, progress=work.progress)
        return {"index_recall": version.index_recall}

    def gate(self, work: Work) -> Result:
        """Compare the candidate with the baselines and the live version."""
        version, data = self._version(work), self._data(work)
        settings = self.config.gate(work.run.seed)
        evidence = gate.gather(data.train, data.later, settings)
        live, note = live_to_compare(KIND, cut=data.cut, load=load_model)
        compared = {"candidate": version} | ({LIVE: live} if live else {})
        work.progress.set_total(len(compared) * len(evidence.held_out))
        values = {
            name: served_ndcg(one, evidence.held_out, data.vocabulary, progress=work.progress)
            for name, one in compared.items()
        }
        report = gate.run_gate(
            version=version,
            values=values,
            evidence=evidence,
            live=live,
            settings=settings,
            progress=work.progress,
        )
        if note:
            registry.record_gate(version=version, report={**report, "notes": [note]})
        return {
            "passed": report["passed"],
            "reasons": list(report["reasons"]),
            "live": live.pk if live else None,
        }

    def decide(self, work: Work) -> Result:
        """Promote what passed, refuse what did not."""
        return decide(work, self._version(work))

    def prune(self, work: Work) -> Result:
        """Delete what the rule does not keep: models first, then codes that none of them reads."""
        return prune_kinds(KIND, CODES, forget=forget_models)

    def _data(self, work: Work) -> LearningData:
        if self.data is None:
            self.data = go_on(work.run, work.folder)
        return self.data

    def _version(self, work: Work) -> ModelVersion:
        """The run's version; made at the first call."""
        return version_of(
            work,
            lambda: registry.create_version(
                kind=KIND,
                as_of=self._data(work).cut,
                config=self.config.as_json(),
                seed=work.run.seed,
                semantic_version=self._codes(work),
            ),
        )

    def _codes(self, work: Work) -> ModelVersion | None:
        key = work.run.results["codes"]["version"]
        return ModelVersion.objects.filter(pk=key).first() if key else None
