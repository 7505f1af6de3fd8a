"""Catalog work that runs later. Each task is one call."""

from celery import shared_task

from catalog import maintenance
from workers import new_catalog


@shared_task(name="catalog.ensure_partitions", time_limit=120, soft_time_limit=110)
def ensure_partitions() -> None:
    """Create the event partitions of the next months."""
    maintenance.ensure_partitions()


@shared_task(name="catalog.prune", time_limit=1800, soft_time_limit=1700)
def prune() -> None:
    """Delete what is older than its retention."""
    maintenance.prune()


@shared_task(name="catalog.fail_lost_jobs", time_limit=60, soft_time_limit=50)
def fail_lost_jobs() -> None:
    """Mark jobs whose worker is gone as failed."""
    maintenance.fail_lost_jobs()


@shared_task(name="catalog.erase_person", time_limit=600, soft_time_limit=590)
def erase_person(job_id: str) -> None:
    """Erase one person's history, as asked for through the API."""
    maintenance.erase_person(job_id=job_id)


@shared_task(name="catalog.make_catalog", time_limit=3600, soft_time_limit=3500)
def make_catalog(job_id: str) -> None:
    """Make a catalog that was registered in the admin."""
    new_catalog.make_queued(job_id=job_id)


@shared_task(name="catalog.fill_judging_queue", time_limit=900, soft_time_limit=850)
def fill_judging_queue(job_id: str | None = None) -> None:
    """Fill the queue of judging, as the schedule has it or for the job that an admin asked for."""
    maintenance.fill_judging_queue(job_id=job_id)
