"""What is trained in the background, by kind, and how a run of it is begun or gone on with."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from catalog.errors import InvalidInput
from catalog.jobs import track
from catalog.models import Event, Job
from recs import codes, training_runs, unified_steps, user_model_steps
from recs.errors import AlreadyTraining, NotEnoughEvents
from recs.models import ModelVersion, TrainingRun
from recs.pruning import prune
from recs.retrain import KIND, Step, Steps, Work, retrain

log = logging.getLogger(__name__)


def learn(
    *,
    kind: str,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    job_id: str | None = None,
    bar: bool = False,
) -> TrainingRun:
    """Train a kind, or go on with its interrupted run; see retrain.retrain().

    Raises:
        InvalidInput: for a kind or a config that is not known.
    """
    if kind not in STEPS:
        raise InvalidInput(f"What can be trained is: {', '.join(STEPS)}.", field="kind")
    try:
        return retrain(
            kind=kind, steps=STEPS[kind], config=config, seed=seed, job_id=job_id, bar=bar
        )
    except AlreadyTraining:
        if job_id is not None:
            # Somebody asked for this job: it says why nothing was done.
            with track(kind=KIND, job_id=job_id):
                raise
        raise


def learn_on_schedule(kind: str) -> TrainingRun | None:
    """Train a kind if that makes sense now; None where it does not, which is no failure."""
    if not Event.objects.positive().exists():
        log.info("no events yet: nothing to learn from")
        return None
    try:
        return learn(kind=kind)
    except (AlreadyTraining, NotEnoughEvents) as error:
        log.info("%s", error.detail)
        return None


def learn_for_job(job_id: str) -> TrainingRun:
    """Train what a queued job asks for: its params hold `kind`, and `config` and `seed` if any."""
    job = Job.objects.filter(pk=job_id).first()
    params = job.params if job else {}
    return learn(
        kind=params.get("kind", ModelVersion.Kind.USER_MODEL.value),
        config=params.get("config"),
        seed=params.get("seed", 0),
        job_id=job_id,
    )


def go_on_with_interrupted() -> list[TrainingRun]:
    """Go on with the runs that nobody works on: their process was killed, or its time was up."""
    ended = []
    for run in TrainingRun.objects.open().order_by("created_at"):
        if training_runs.is_at_work(run.kind):
            continue
        try:
            ended.append(learn(kind=run.kind))
        except AlreadyTraining:
            log.info("%s is at work again", run)
    return ended


def _code_steps(config: Mapping[str, Any]) -> Sequence[Step]:
    """Semantic IDs are fitted in one go; they judge themselves (codes.why_not)."""
    if config:
        raise InvalidInput(f"Semantic IDs take no '{next(iter(config))}' here.")
    return [Step("fit", "semantic IDs", _fit_codes), Step("prune", "old versions", _prune_codes)]


def _fit_codes(work: Work) -> Mapping[str, Any]:
    version = codes.build_codes(seed=work.run.seed, progress=work.progress)
    training_runs.set_version(run=work.run, version=version)
    return {"version": version.name, "state": version.state}


def _prune_codes(work: Work) -> Mapping[str, Any]:
    return {"deleted": [version.name for version in prune(kind=work.run.kind)]}


def _steps_above(path: str) -> Steps:
    """Steps of an app that recs does not import; the import waits until they are asked for."""

    def steps(config: Mapping[str, Any]) -> Sequence[Step]:
        made: Sequence[Step] = import_string(path)(config)
        return made

    return steps


STEPS: dict[str, Steps] = {
    ModelVersion.Kind.USER_MODEL.value: user_model_steps.steps,
    ModelVersion.Kind.SEMANTIC_IDS.value: _code_steps,
    ModelVersion.Kind.UNIFIED.value: unified_steps.steps,
    **{kind: _steps_above(path) for kind, path in settings.RECS_STEPS_ABOVE.items()},
}
