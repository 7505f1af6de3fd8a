"""The steps by which a ranker of query recommendations is made: learn, judge, decide, tidy up.

recs.learning finds them by settings.RECS_STEPS_ABOVE, because recs imports nothing of search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from recs import registry, training_runs
from recs.errors import UnusableVersion
from recs.ml.artifacts import Artifact
from recs.ml.query_ranking.ranker import QueryRanker
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion
from recs.retrain import Step, Work
from recs.version_steps import decide, prune_kinds, version_of
from search.query_ranker_fit import (
    QueryRankerRunConfig,
    Windows,
    artifact_config,
    counts_of,
    fit,
    measures,
    run_gate,
    split,
)
from search.query_ranking import KIND, forget_rankers, load_ranker
from search.shown_queries import read_showings

Result = Mapping[str, Any]


def steps(config: Mapping[str, Any]) -> Sequence[Step]:
    """What a run of the ranker does, in order.

    Raises:
        InvalidInput: for a config that means nothing.
    """
    does = _QueryRankerRun(QueryRankerRunConfig.read(config))
    return [
        Step("fit", "learning from what was picked", does.fit),
        Step("gate", "judging the candidate", does.gate),
        Step("decide", "going live, or not", does.decide),
        Step("prune", "deleting old versions", does.prune),
    ]


@dataclass
class _QueryRankerRun:
    """One attempt at a run."""

    config: QueryRankerRunConfig
    windows: Windows | None = None

    def fit(self, work: Work) -> Result:
        """Learn from the older lists, and write what came of it as a candidate."""
        windows = self._read(work)
        learned = windows.learned
        version = self._version(work)
        if version.state == ModelVersion.State.TRAINING:
            fitted = fit(windows, self.config, seed=work.run.seed)
            counts = counts_of(windows)
            told = {
                **measures(fitted.ranker, windows.later),
                "held_mrr": round(fitted.held_mrr, 5),
                "hidden": fitted.hidden,
                "decay": fitted.decay,
                "counts": counts,
            }
            artifact = Artifact(
                config=artifact_config(fitted, counts, learned.label),
                tensors=fitted.ranker.tensors(),
                vocabulary=Vocabulary(()),
                metrics=told,
                card=_card(version, windows),
                provenance={"as_of": version.as_of.isoformat(), "seed": work.run.seed},
            )
            sizes = registry.Sizes(
                events=len(learned.rows.labels), people=len(set(learned.people.tolist()))
            )
            version = registry.add_artifact(version=version, artifact=artifact, sizes=sizes)
        return {"version": version.name, "label": learned.label}

    def gate(self, work: Work) -> Result:
        """Compare it on the later lists with popularity, the stated score and the live version."""
        version, windows = self._version(work), self._read(work)
        live = registry.live(KIND)
        report = run_gate(
            load_ranker(version).ranker,
            windows.later,
            self.config,
            live=_comparable(live),
            seed=work.run.seed,
        )
        registry.record_gate(version=version, report=report)
        return {
            "passed": report["passed"],
            "reasons": list(report["reasons"]),
            "live": live.pk if live else None,
        }

    def decide(self, work: Work) -> Result:
        """Promote what passed, refuse what did not."""
        return decide(work, self._version(work))

    def prune(self, work: Work) -> Result:
        """Delete what the rule does not keep."""
        return prune_kinds(KIND, forget=forget_rankers)

    def _read(self, work: Work) -> Windows:
        if self.windows is None:
            as_of = work.run.as_of or training_runs.set_as_of(run=work.run, as_of=timezone.now())
            showings = read_showings(as_of=as_of, least_wanted=self.config.least_positives)
            self.windows = split(showings, self.config)
        return self.windows

    def _version(self, work: Work) -> ModelVersion:
        """The run's version; made at the first call."""
        as_of = work.run.as_of
        assert as_of is not None
        return version_of(
            work,
            lambda: registry.create_version(
                kind=KIND, as_of=as_of, config=asdict(self.config), seed=work.run.seed
            ),
        )


def _comparable(live: ModelVersion | None) -> QueryRanker | None:
    """The live version, where there is one that can be read."""
    if live is None:
        return None
    try:
        return load_ranker(live).ranker
    except UnusableVersion:
        return None


def _card(version: ModelVersion, windows: Windows) -> str:
    learned, later = windows.learned, windows.later
    return "\n".join(
        [
            f"# Ranker of query recommendations {version.name}",
            "",
            "Orders queries worth trying next by the chance that one is picked and leads to "
            "something wanted. Not for decisions about people.",
            "",
            f"- learned from {len(learned.rows.labels):,} showings of recommended queries before "
            f"{version.as_of:%Y-%m-%d %H:%M}, the newest part left out",
            f"- a good end is: {learned.label}; {int(learned.rows.labels.sum()):,} had one",
            f"- judged on {len(later.rows.labels):,} later showings, by reciprocal rank, against "
            "popularity and the stated score: the gate's report is on its row",
            "",
        ]
    )
