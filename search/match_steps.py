"""The steps by which a match filter is made: labels, learn, judge, decide, tidy up.

recs.learning finds them by settings.RECS_STEPS_ABOVE, because recs imports nothing of search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone

from recs import registry, training_runs
from recs.errors import UnusableVersion
from recs.match_filter import FEATURES, KIND, forget_filters, load_filter
from recs.match_items import every_text
from recs.ml.artifacts import Artifact
from recs.ml.errors import NothingToLearn
from recs.ml.match.texts import Rarity, learn_rarity
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion
from recs.retrain import Step, Work
from recs.version_steps import decide, prune_kinds, version_of
from search.match_fit import Head, MatchRunConfig, learn_head
from search.match_rows import read_graded

Result = Mapping[str, Any]


def steps(config: Mapping[str, Any]) -> Sequence[Step]:
    """What a run of the match filter does, in order.

    Raises:
        InvalidInput: for a config that means nothing.
    """
    does = _MatchRun(MatchRunConfig.read(config))
    return [
        Step("fit", "learning from grades", does.fit),
        Step("gate", "judging the candidate", does.gate),
        Step("decide", "going live, or not", does.decide),
        Step("prune", "deleting old versions", does.prune),
    ]


@dataclass
class _MatchRun:
    """One attempt at a run."""

    config: MatchRunConfig
    heads: dict[str, Head] = field(default_factory=dict)

    def fit(self, work: Work) -> Result:
        """Learn each head that there are labels for, and write what came of it as a candidate."""
        as_of = work.run.as_of or training_runs.set_as_of(run=work.run, as_of=timezone.now())
        rarity = learn_rarity(every_text())
        why_not: dict[str, str] = {}
        rows = 0
        for head in FEATURES:
            try:
                graded = read_graded(head, as_of=as_of, rarity=rarity)
                self.heads[head] = learn_head(head, graded, self.config, seed=work.run.seed)
                rows += len(graded)
            except NothingToLearn as error:
                why_not[head] = str(error)
        if not self.heads:
            raise NothingToLearn(" ".join(f"{h}: {why}" for h, why in why_not.items()))
        version = self._version(work)
        if version.state == ModelVersion.State.TRAINING:
            version = registry.add_artifact(
                version=version,
                artifact=_artifact(version, self.heads, rarity, why_not, work.run.seed),
                sizes=registry.Sizes(events=rows),
            )
        return {"version": version.name, "heads": sorted(self.heads), "not_learned": why_not}

    def gate(self, work: Work) -> Result:
        """By what was measured on the newest labels; and no head that answers may be lost."""
        version = self._version(work)
        told = version.metrics["heads"]
        live = registry.live(KIND)
        reasons = [reason for head in told.values() for reason in head["reasons"]]
        passed = {head for head, one in told.items() if one["passed"]}
        if passed and live is not None:
            lost = sorted(_serving(live) - passed)
            if lost:
                reasons.append(f"{live} answers for {', '.join(lost)}, and this one would not.")
            # A head that does not pass is not served: it is no reason against the other one.
            is_good = not lost
        else:
            is_good = bool(passed)
        report = {
            "passed": is_good,
            "reasons": [] if is_good else reasons,
            "notes": reasons if is_good else [],
            "metric": "AUC",
            "heads": {
                head: {
                    "passed": one["passed"], "reasons": one["reasons"], "auc": one["auc"],
                    "over": one["over"], "point": one["point"],
                }
                for head, one in told.items()
            },
        }  # fmt: skip
        registry.record_gate(version=version, report=report)
        return {
            "passed": is_good, "reasons": report["reasons"], "live": live.pk if live else None
        }  # fmt: skip

    def decide(self, work: Work) -> Result:
        """Promote what passed, refuse what did not."""
        return decide(work, self._version(work))

    def prune(self, work: Work) -> Result:
        """Delete what the rule does not keep."""
        return prune_kinds(KIND, forget=forget_filters)

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


def _serving(live: ModelVersion) -> set[str]:
    """The heads that the live version answers with; none where it cannot be read."""
    try:
        load_filter(live)
    except UnusableVersion:
        return set()
    return {head for head, one in live.gate.get("heads", {}).items() if one.get("passed")}


def _artifact(
    version: ModelVersion,
    heads: Mapping[str, Head],
    rarity: Rarity,
    why_not: Mapping[str, str],
    seed: int,
) -> Artifact:
    tensors: dict[str, Any] = {}
    for name, head in heads.items():
        tensors |= head.scorer.tensors(name)
    reports = {name: head.report for name, head in heads.items()}
    return Artifact(
        config={
            "heads": {name: {"features": list(FEATURES[name])} for name in heads},
            "rarity": rarity.as_json(),
        },
        tensors=tensors,
        vocabulary=Vocabulary(()),
        metrics={"heads": reports, "not_learned": dict(why_not)},
        card=_card(version, reports),
        provenance={"as_of": version.as_of.isoformat(), "seed": seed},
    )


def _card(version: ModelVersion, reports: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        f"# Match filter {version.name}",
        "",
        "Says with what chance an item is a bad match of a query, or for a person's history. It "
        "leaves items out of lists; it is not for decisions about people.",
        "",
    ]
    for head, report in reports.items():
        rows = report["rows"]
        lines += [
            f"## {head}",
            "",
            f"- learned from {rows['taught']['labels']:,} labels before "
            f"{version.as_of:%Y-%m-%d %H:%M}, {rows['taught']['by people']:,} of them by people",
            f"- calibrated and its threshold chosen on {rows['chosen']['labels']:,} later ones, "
            f"reported on {rows['tested']['labels']:,} still later ones, of other queries or "
            "people and other items",
            f"- AUC {report['auc']['mean']}, calibration error {report['calibration_error']}",
            f"- at its threshold: {report['point']}",
            "",
        ]
    return "\n".join(lines)
