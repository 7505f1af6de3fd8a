"""The loop: events in, a version out that is live or refused, with nobody there."""

import contextvars
import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection

from catalog.jobs import error_text, track
from recs import registry, training_runs
from recs.errors import CannotPromote, NotEnoughEvents
from recs.ml.errors import Cancelled, NothingToLearn
from recs.models import ModelVersion, TrainingRun
from recs.run_progress import RunProgress

log = logging.getLogger(__name__)

State = TrainingRun.State
BEAT_SECONDS = 30.0
KIND = "recs.retrain"
RUNS = "runs"
# What says nothing of the run: the worker's time is up, the database was away. The run stays open,
# as after a kill -9, and the schedule goes on with it.
INTERRUPTIONS = (SoftTimeLimitExceeded, OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True)
class Work:
    """What a step is given: the run, who hears of it, and a folder that outlives a kill -9."""

    run: TrainingRun
    progress: RunProgress
    folder: Path


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a run.

    `do` may be killed at any point and is then called again; what it returns (JSON values) is kept
    on the run's row, and with it there the step is not done again.
    """

    name: str
    words: str
    do: Callable[[Work], Mapping[str, Any]]


Steps = Callable[[Mapping[str, Any]], Sequence[Step]]


def retrain(
    *,
    kind: str,
    steps: Steps,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    job_id: str | None = None,
    bar: bool = False,
) -> TrainingRun:
    """Train a kind from the events so far; the run, which says what became of it.

    A run that was interrupted is gone on with, by its own config. Each step is done once.

    Args:
        kind: one of ModelVersion.Kind.
        steps: what is done, by the run's config.
        config: what to change of the kind's defaults; for a new run.
        seed: of its randomness; for a new run.
        job_id: the queued job that this is for.
        bar: show it on the terminal.

    Raises:
        AlreadyTraining: where another process is at it.
        NotEnoughEvents: where there is nothing to learn from.
        ProjectError, OSError, ArithmeticError, MemoryError, ValueError: what a step failed with;
            it is on the run's row too.
    """
    steps(config or {})  # refuses a config that means nothing before anything begins
    with training_runs.training(kind):
        run = training_runs.request_run(kind=kind, seed=seed, config=config)
        with track(kind=KIND, params={"kind": kind}, job_id=job_id) as tracked:
            run = training_runs.start(run=run, job=tracked.job)
            progress = RunProgress(run, tracked, bar=bar)
            work = Work(run, progress, run_folder(run))
            try:
                with _beating(run):
                    _do(work, steps(run.config))
            finally:
                progress.close()
    return run


def run_folder(run: TrainingRun) -> Path:
    """Where the run keeps what it needs to go on after it was killed."""
    return registry.artifact_root() / RUNS / f"{run.kind}-{run.pk}"


@contextmanager
def _beating(run: TrainingRun) -> Iterator[None]:
    """Move the run's heartbeat while the block works: some of it is silent for minutes."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(BEAT_SECONDS):
            try:
                training_runs.beat(run)
            except (OperationalError, InterfaceError) as error:
                log.warning("the heartbeat of %s was not written: %s", run, error)
            finally:
                # This thread's own connection, which nobody else would give back.
                connection.close()

    # In a copy of this context, or it would beat in the wrong catalog.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(beat,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _do(work: Work, steps: Sequence[Step]) -> None:
    """Do the steps and end the run; what it kept for going on is not needed any more."""
    run, progress = work.run, work.progress
    try:
        _do_steps(work, steps)
    except Cancelled:
        _refuse(run, "The run was cancelled.")
        training_runs.finish(run=run, state=State.CANCELLED, message="cancelled")
    except NothingToLearn as error:
        told = NotEnoughEvents(str(error))
        _fail(run, told)
        raise told from error
    except INTERRUPTIONS:
        raise
    except Exception as error:
        # A lost process and Ctrl-C are no Exception: such a run is gone on with.
        _fail(run, error)
        raise
    else:
        training_runs.finish(run=run, state=State.DONE, message=_outcome(run))
    progress.keep(run=run.pk, state=run.state, outcome=run.message)
    shutil.rmtree(work.folder, ignore_errors=True)


def _do_steps(work: Work, steps: Sequence[Step]) -> None:
    for step in steps:
        if step.name in work.run.results:
            continue
        if work.progress.should_stop():
            raise Cancelled("The run was cancelled.")
        work.progress.begin(step.name, step.words)
        training_runs.keep_result(run=work.run, stage=step.name, result=step.do(work))


def _fail(run: TrainingRun, error: Exception) -> None:
    """End the run with what went wrong."""
    words = error_text(error)
    _refuse(run, f"The run failed. {words}")
    training_runs.finish(run=run, state=State.FAILED, error=words)
    shutil.rmtree(run_folder(run), ignore_errors=True)


def _refuse(run: TrainingRun, reason: str) -> None:
    """What came of a run that did not end well never goes live by itself."""
    if run.version is None:
        return
    run.version.refresh_from_db()
    with suppress(CannotPromote):
        registry.refuse(version=run.version, reasons=[reason])


def _outcome(run: TrainingRun) -> str:
    version = run.version
    if version is None:
        return "done"
    version.refresh_from_db()
    if version.state == ModelVersion.State.REFUSED:
        return f"{version} was refused. {' '.join(version.gate.get('reasons', []))}"
    return f"{version} is {version.state}."
