"""Upkeep of the catalog's tables: what the schedule calls, each safe to repeat."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from catalog import answers, events, jobs, partitions, people
from catalog.models import Job
from catalog.types import Viewer

# A running job moves its heartbeat each second or so; a worker's hard limit is an hour.
LOST_AFTER_SECONDS = 15 * 60


def ensure_partitions() -> list[str]:
    """Create the event partitions of the next months; the names of the new ones."""
    return partitions.ensure_partitions_ahead()


def prune() -> None:
    """Delete answers and event keys that are older than their retention."""
    with jobs.track(kind="catalog.prune") as progress:
        now = timezone.now()
        progress.result["answers"] = answers.prune_answers(
            before=now - timedelta(days=settings.CATALOG_ANSWER_DAYS)
        )
        progress.result["event_keys"] = events.prune_event_keys(
            before=now - timedelta(days=settings.CATALOG_EVENT_KEY_DAYS)
        )


def fail_lost_jobs() -> int:
    """Mark running jobs that stopped moving as failed; how many."""
    return jobs.fail_lost_jobs(after_seconds=LOST_AFTER_SECONDS)


def erase_person(*, job_id: str) -> None:
    """Erase the history that the job's params name (person_id or anonymous_id)."""
    params = Job.objects.get(pk=job_id).params
    with jobs.track(kind="catalog.erase_person", job_id=job_id) as progress:
        viewer = Viewer(
            person_id=params.get("person_id"), anonymous_id=params.get("anonymous_id") or None
        )
        progress.result["events"] = people.erase_history(viewer=viewer)
