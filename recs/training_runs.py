"""Runs of training: every write to their rows. Readers are the admin, the command and the API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from catalog.jobs import ERROR_CHARACTERS, MESSAGE_CHARACTERS
from catalog.locks import is_held, only_one
from catalog.models import Job
from recs.errors import AlreadyTraining, RunEnded
from recs.models import ModelVersion, TrainingRun

State = TrainingRun.State

# The advisory locks of training, one for each kind.
LOCK_SPACE = 7_140_321


@contextmanager
def training(kind: str) -> Iterator[None]:
    """Hold the kind's lock, so that one process at a time trains it. It dies with its session.

    Raises:
        AlreadyTraining: where another process has it.
    """
    with only_one(LOCK_SPACE, kind) as is_ours:
        if not is_ours:
            raise AlreadyTraining(f"Another process is training the kind '{kind}'.")
        yield


def is_at_work(kind: str) -> bool:
    """Whether a process is training the kind now; a running run without one was interrupted."""
    return is_held(LOCK_SPACE, kind)


def request_run(
    *, kind: str, seed: int = 0, config: Mapping[str, Any] | None = None
) -> TrainingRun:
    """The open run of a kind: the one that waits or was interrupted, or else a new one.

    Of two calls at the same moment both get the same run. `seed` and `config` are for a new run;
    an interrupted one goes on with its own.
    """
    while True:
        found: TrainingRun | None = TrainingRun.objects.open().of_kind(kind).first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return TrainingRun.objects.create(kind=kind, seed=seed, config=dict(config or {}))
        except IntegrityError:
            # Another process made one between the two statements, and it may be over already.
            continue


def start(*, run: TrainingRun, job: Job | None = None) -> TrainingRun:
    """Begin the run, or begin it again after it was interrupted.

    Only for who holds the kind's lock.

    Raises:
        RunEnded: where it is over.
    """
    now = timezone.now()
    changed = (
        TrainingRun.objects.open()
        .filter(pk=run.pk)
        .update(
            state=State.RUNNING,
            attempts=F("attempts") + 1,
            started_at=run.started_at or now,
            heartbeat_at=now,
            error="",
            job=job or run.job,
        )
    )
    run.refresh_from_db()
    if not changed:
        raise RunEnded(f"{run} is over: start another one.")
    return run


def set_as_of(*, run: TrainingRun, as_of: datetime) -> datetime:
    """Fix the moment up to which the run reads events; the one of the first attempt counts."""
    TrainingRun.objects.filter(pk=run.pk, as_of__isnull=True).update(as_of=as_of)
    run.refresh_from_db(fields=["as_of"])
    assert run.as_of is not None
    return run.as_of


def set_version(*, run: TrainingRun, version: ModelVersion) -> None:
    """Say which version comes of the run."""
    TrainingRun.objects.filter(pk=run.pk).update(version=version)
    run.version = version


def set_stage(*, run: TrainingRun, stage: str, total: int = 0, message: str = "") -> None:
    """Say what the run does now; its progress starts at nothing."""
    _write(run, stage=stage, done=0, total=total, message=message[:MESSAGE_CHARACTERS])


def set_progress(
    *, run: TrainingRun, done: int, total: int | None = None, message: str | None = None
) -> None:
    """Say how far the stage is, and move the heartbeat."""
    values: dict[str, Any] = {"done": done}
    if total is not None:
        values["total"] = total
    if message is not None:
        values["message"] = message[:MESSAGE_CHARACTERS]
    _write(run, **values)


def keep_result(*, run: TrainingRun, stage: str, result: Mapping[str, Any]) -> None:
    """Keep what a finished stage leaves for the next ones; JSON values."""
    _write(run, results={**run.results, stage: dict(result)})


def set_curve(*, run: TrainingRun, curve: list[dict[str, Any]]) -> None:
    """Replace the learning curve by the one that has another point."""
    _write(run, curve=curve)


def request_cancel(*, run: TrainingRun) -> TrainingRun:
    """Ask the run to stop. One that nobody has begun is cancelled at once.

    Raises:
        RunEnded: where it is over.
    """
    waiting = TrainingRun.objects.filter(pk=run.pk, state=State.QUEUED).update(
        state=State.CANCELLED, cancel_requested=True, finished_at=timezone.now()
    )
    at_work = TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING)
    changed = waiting or at_work.update(cancel_requested=True)
    run.refresh_from_db()
    if not changed:
        raise RunEnded(f"{run} is over: there is nothing to cancel.")
    return run


def beat(run: TrainingRun) -> None:
    """Say that the run's process is alive, though it has no progress to tell."""
    now = timezone.now()
    TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING).update(heartbeat_at=now)
    if run.job_id is not None:
        Job.objects.filter(pk=run.job_id, state=Job.State.RUNNING).update(heartbeat_at=now)


def is_cancel_requested(run: TrainingRun) -> bool:
    """Whether somebody asked the run to stop; read anew at each call."""
    return TrainingRun.objects.filter(pk=run.pk, cancel_requested=True).exists()


def finish(*, run: TrainingRun, state: str, message: str = "", error: str = "") -> TrainingRun:
    """End the run as done, failed or cancelled.

    Raises:
        RunEnded: where it ended before.
    """
    now = timezone.now()
    values: dict[str, Any] = {"state": state, "finished_at": now, "heartbeat_at": now}
    values["error"] = error[:ERROR_CHARACTERS]
    if message:
        values["message"] = message[:MESSAGE_CHARACTERS]
    changed = TrainingRun.objects.open().filter(pk=run.pk).update(**values)
    run.refresh_from_db()
    if not changed:
        raise RunEnded(f"{run} had ended already.")
    return run


def _write(run: TrainingRun, **values: Any) -> None:
    """Columns of a running run, and its heartbeat."""
    values["heartbeat_at"] = timezone.now()
    if TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING).update(**values):
        for name, value in values.items():
            setattr(run, name, value)
