"""Handing work to the workers by task name, after the transaction commits."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerError

from catalog.errors import Conflict
from catalog.jobs import create_job
from catalog.models import Job

logger = logging.getLogger(__name__)

# A request that enqueues work waits about a second for the broker and no longer: one attempt,
# where kombu would make three with pauses between them.
IMPATIENT = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "connect_retries_timeout": 1,
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
}
# All but the first share the training queue, so they run one after another, and new items are
# encoded meanwhile.
REFRESH = (
    "recs.encode_items",
    "recs.train_neighbours",
    "search.build_terms",
    "search.build_queries",
)
RESEND_EVERY = timedelta(minutes=10)


def enqueue(task_name: str, **kwargs: Any) -> None:
    """Send a task when the transaction commits.

    A broker that is away is logged and no more: the schedule's sweep finds the work that was not
    announced (items without vectors, jobs that stayed queued).
    """
    transaction.on_commit(lambda: _send(task_name, kwargs))


def enqueue_once(task_name: str) -> None:
    """Send a task that looks at all there is: it gets `asked`, when it was sent.

    Several may have called for it while it waited, and one run that began after that does for all.
    """
    transaction.on_commit(lambda: _send(task_name, {"asked": timezone.now().isoformat()}))


def enqueue_refresh() -> None:
    """Send everything that a bulk change of the catalog calls for, in the order of its needs."""
    for task_name in REFRESH:
        enqueue(task_name)


def enqueue_job(task_name: str, *, kind: str, params: Mapping[str, Any]) -> Job:
    """A queued job, and its task, which gets `job_id`."""
    job = create_job(kind=kind, params=params)
    enqueue(task_name, job_id=str(job.pk))
    return job


def go_on_with_job(*, job_id: str) -> Job:
    """Queue a job again that was paused, or that failed.

    Raises:
        Conflict: it is neither.
    """
    stopped = (Job.State.PAUSED, Job.State.FAILED)
    if not Job.objects.filter(pk=job_id, state__in=stopped).update(
        state=Job.State.QUEUED, wish="", finished_at=None, heartbeat_at=None
    ):
        raise Conflict("Only a job that was paused, or that failed, can be gone on with.")
    job = Job.objects.get(pk=job_id)
    enqueue(job.kind, job_id=str(job.pk))
    return job


def resend_queued_jobs(*, after_seconds: float) -> int:
    """Send the tasks of jobs that stayed queued that long again; how many.

    Their first message was lost with the broker, or waits behind a long one: then the job runs
    twice, which every task bears. A job's kind is the name of its task.
    """
    now = timezone.now()
    jobs = Job.objects.filter(
        Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=now - RESEND_EVERY),
        state=Job.State.QUEUED,
        created_at__lt=now - timedelta(seconds=after_seconds),
    )
    sent = 0
    for job in jobs.order_by("created_at"):
        # Conditional, so that of two sweeps at once only one sends it.
        if jobs.filter(pk=job.pk).update(heartbeat_at=now):
            enqueue(job.kind, job_id=str(job.pk))
            sent += 1
    return sent


def impatient_connection() -> Connection:
    """A connection to the broker that gives up soon."""
    return current_app.connection_for_write(transport_options=IMPATIENT)


def _send(task_name: str, kwargs: Mapping[str, Any]) -> None:
    try:
        with impatient_connection() as broker:
            current_app.send_task(task_name, kwargs=dict(kwargs), connection=broker, retry=False)
    except (BrokerError, OSError) as error:
        logger.warning("broker is away, %s waits for the next sweep: %s", task_name, error)
