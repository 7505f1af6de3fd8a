"""Jobs: what long work does to its row. A job's row outlives the worker that runs it."""

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from catalog.errors import Conflict, ProjectError
from catalog.models import Job
from catalog.progress import NO_PROGRESS, BarProgress, Progress

HEARTBEAT_SECONDS = 1.0
MESSAGE_CHARACTERS = Job._meta.get_field("message").max_length or 300
ERROR_CHARACTERS = 4000
# Kinds whose jobs look between their steps whether they are to go on.
STOPPABLE = "llm."
_STATE_OF = {"pause": Job.State.PAUSED, "cancel": Job.State.CANCELLED}


class JobStopped(Exception):
    """Somebody asked the job to stop: raised between two steps, ends the block of track()."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def create_job(*, kind: str, params: Mapping[str, Any] | None = None) -> Job:
    """A queued job."""
    return Job.objects.create(kind=kind, params=dict(params or {}))


class JobProgress(Progress):
    """Writes progress to the job's row, at most once a second, and passes it on."""

    def __init__(self, job: Job, *, listener: Progress = NO_PROGRESS) -> None:
        self.job = job
        # What came out (JSON values); stored with the next step of progress and at the end.
        self.result: dict[str, Any] = job.result
        self._listener = listener
        self._written_at = time.monotonic()

    def set_total(self, total: int) -> None:
        """Store how much there is to do."""
        self.job.total = total
        self._listener.set_total(total)
        self._write()

    def advance(self, n: int = 1, message: str = "") -> None:
        """Count what is done, and move the heartbeat."""
        self.job.done += n
        if message:
            self.job.message = message[:MESSAGE_CHARACTERS]
        self._listener.advance(n, message)
        if time.monotonic() - self._written_at >= HEARTBEAT_SECONDS:
            self._write()

    def obey(self) -> None:
        """Stop here where somebody asked for it.

        Raises:
            JobStopped: track() ends the job as paused or cancelled; the caller just returns.
        """
        wish = Job.objects.filter(pk=self.job.pk).values_list("wish", flat=True).first()
        if wish:
            raise JobStopped(_STATE_OF[wish])

    def _write(self) -> None:
        self._written_at = time.monotonic()
        self.job.heartbeat_at = timezone.now()
        self.job.save(update_fields=["done", "total", "message", "result", "heartbeat_at"])


@contextmanager
def track(
    *,
    kind: str,
    params: Mapping[str, Any] | None = None,
    job_id: str | uuid.UUID | None = None,
    bar: bool = False,
) -> Iterator[JobProgress]:
    """Run the block as a job: running, then done, or failed with its error, which goes on up.

    Args:
        kind: what is done, such as "recs.encode_items".
        params: what it is done with; kept as they are where the job exists already.
        job_id: the queued job that this run is for; a new one is made where it is None or gone.
        bar: show a bar on the terminal too.
    """
    job = _start(kind=kind, params=params, job_id=job_id)
    listener: Progress = BarProgress(kind) if bar else NO_PROGRESS
    try:
        yield JobProgress(job, listener=listener)
    except JobStopped as stopped:
        _finish(job, state=stopped.state)
    except BaseException as error:
        _finish(job, state=Job.State.FAILED, error=error_text(error))
        raise
    else:
        _finish(job, state=Job.State.DONE)
    finally:
        if isinstance(listener, BarProgress):
            listener.close()


def ask_job(*, job_id: str | uuid.UUID, wish: str) -> Job:
    """Ask a job to pause or to end; one that waits does so at once.

    Raises:
        Conflict: it is over, or not of a kind that looks.
    """
    job = Job.objects.get(pk=job_id)
    if not job.kind.startswith(STOPPABLE):
        raise Conflict("Jobs of this kind cannot be stopped.")
    waiting = Job.objects.filter(pk=job.pk, state__in=(Job.State.QUEUED, Job.State.PAUSED))
    ended = {"state": _STATE_OF[wish], "wish": "", "finished_at": timezone.now()}
    running = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)
    if not waiting.update(**ended) and not running.update(wish=wish):
        raise Conflict(f"The job is over: {job.get_state_display()}.")
    job.refresh_from_db()
    return job


def error_text(error: BaseException) -> str:
    """What went wrong in words for people: no trace."""
    if isinstance(error, ProjectError):
        return error.detail
    text = str(error).replace("\x00", "")
    return (f"{type(error).__name__}: {text}" if text else type(error).__name__)[:ERROR_CHARACTERS]


def fail_lost_jobs(*, after_seconds: float) -> int:
    """Fail the running jobs whose heartbeat stopped that long ago; how many there were."""
    now = timezone.now()
    lost = Job.objects.filter(
        state=Job.State.RUNNING, heartbeat_at__lt=now - timedelta(seconds=after_seconds)
    )
    return lost.update(
        state=Job.State.FAILED,
        error="Its worker was lost. The schedule runs it again; or start it again by hand.",
        finished_at=now,
    )


def prune_jobs(*, before: datetime) -> int:
    """Delete the jobs that ended before then; how many rows went, problems included."""
    deleted, _ = Job.objects.filter(finished_at__lt=before).delete()
    return deleted


def _start(*, kind: str, params: Mapping[str, Any] | None, job_id: str | uuid.UUID | None) -> Job:
    now = timezone.now()
    fresh = {
        "state": Job.State.RUNNING,
        "done": 0,
        "total": 0,
        "message": "",
        "error": "",
        "result": {},
        "started_at": now,
        "heartbeat_at": now,
        "finished_at": None,
        "wish": "",
    }
    # A task that is delivered a second time runs on the same row.
    if job_id is not None and Job.objects.filter(pk=job_id).update(**fresh):
        return Job.objects.get(pk=job_id)
    return Job.objects.create(
        pk=job_id or uuid.uuid4(), kind=kind, params=dict(params or {}), **fresh
    )


def _finish(job: Job, *, state: str, error: str = "") -> None:
    job.state = state
    job.error = error
    job.finished_at = job.heartbeat_at = timezone.now()
    job.save(
        update_fields=[
            "state", "error", "done", "total", "message", "result", "heartbeat_at", "finished_at"
        ]
    )  # fmt: skip
