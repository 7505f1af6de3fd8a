"""Upkeep of the catalog's tables: what the schedule calls, each safe to repeat."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from catalog import answers, enqueue, events, jobs, partitions, people
from catalog.judging.sampling import fill_queue

# A running job moves its heartbeat each second or so, and with each batch while it encodes.
LOST_AFTER_SECONDS = 5 * 60
QUEUED_TOO_LONG_SECONDS = 2 * 60
JOB_DAYS = 30


def ensure_partitions() -> list[str]:
    """Create the event partitions of the next months; the names of the new ones."""
    return partitions.ensure_partitions_ahead()


def prune() -> None:
    """Delete answers, event keys and jobs that are older than their retention."""
    with jobs.track(kind="catalog.prune") as progress:
        now = timezone.now()
        progress.result["jobs"] = jobs.prune_jobs(before=now - timedelta(days=JOB_DAYS))
        progress.result["answers"] = answers.prune_answers(
            before=now - timedelta(days=settings.CATALOG_ANSWER_DAYS)
        )
        progress.result["event_keys"] = events.prune_event_keys(
            before=now - timedelta(days=settings.CATALOG_EVENT_KEY_DAYS)
        )


def fail_lost_jobs() -> int:
    """Mark running jobs that stopped moving as failed; how many.

    Jobs whose task never arrived, because the broker was away, are sent again.
    """
    enqueue.resend_queued_jobs(after_seconds=QUEUED_TOO_LONG_SECONDS)
    return jobs.fail_lost_jobs(after_seconds=LOST_AFTER_SECONDS)


def erase_person(*, job_id: str) -> None:
    """Erase the history of whom the job's params name, and their row."""
    people.erase_person(job_id=job_id)


def fill_judging_queue(*, job_id: str | None = None) -> None:
    """Put what went stale and what teaches most into the queue of judging, as one job.

    A job's params may name the `draw`; the night's is named after its day, and made once.
    """
    with jobs.track(kind="catalog.fill_judging_queue", job_id=job_id) as progress:
        progress.result.update(fill_queue(name=str(progress.job.params.get("draw", ""))))
