"""What the runs of every kind of version have in common: one version, its fate, what is deleted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from recs import registry, training_runs
from recs.errors import UnusableVersion
from recs.models import ModelVersion
from recs.pruning import prune
from recs.retrain import Work

Result = Mapping[str, Any]


def version_of(work: Work, make: Callable[[], ModelVersion]) -> ModelVersion:
    """The run's version as it is now; made and noted at the first call."""
    if work.run.version is not None:
        work.run.version.refresh_from_db()
        return work.run.version
    version = make()
    training_runs.set_version(run=work.run, version=version)
    return version


def decide(work: Work, version: ModelVersion) -> Result:
    """Promote what passed the step `gate`, refuse what did not; once."""
    judged = work.run.results["gate"]
    if version.state == ModelVersion.State.CANDIDATE:
        if judged["passed"]:
            compared = ModelVersion.objects.filter(pk=judged["live"]).first()
            registry.promote(version=version, instead_of=compared)
        else:
            registry.refuse(version=version, reasons=judged["reasons"])
    return {"state": version.state}


def prune_kinds(*kinds: str, forget: Callable[[], None]) -> Result:
    """Delete what the rule does not keep, kind by kind, and forget what is in memory."""
    gone = [version.name for kind in kinds for version in prune(kind=kind)]
    forget()
    return {"deleted": gone}


def live_to_compare(
    kind: str, *, cut: datetime, load: Callable[[ModelVersion], object]
) -> tuple[ModelVersion | None, str]:
    """The live version where it can be compared with a candidate, else why not.

    Args:
        kind: of versions.
        cut: where the part begins that both are judged on; what knew of it is not compared.
        load: reads a version, or raises UnusableVersion.
    """
    live = registry.live(kind)
    if live is None:
        return None, ""
    if live.as_of > cut:
        return None, f"{live} learned from events of the held-out part and was not compared."
    try:
        load(live)
    except UnusableVersion as error:
        return None, f"The live version was not compared. {error.detail}"
    return live, ""
