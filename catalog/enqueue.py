"""Handing work to the workers by task name, after the transaction commits."""

import logging
from collections.abc import Mapping
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

from catalog.jobs import create_job
from catalog.models import Job

logger = logging.getLogger(__name__)

# A request that enqueues work waits this long for the broker and no longer.
BROKER_SECONDS = 1


def enqueue(task_name: str, **kwargs: Any) -> None:
    """Send a task when the transaction commits.

    A broker that is away is logged and no more: the schedule's sweep finds the work that was not
    announced (items without vectors, jobs that stayed queued).
    """
    transaction.on_commit(lambda: _send(task_name, kwargs))


def enqueue_job(task_name: str, *, kind: str, params: Mapping[str, Any]) -> Job:
    """A queued job, and its task, which gets `job_id`."""
    job = create_job(kind=kind, params=params)
    enqueue(task_name, job_id=str(job.pk))
    return job


def _send(task_name: str, kwargs: Mapping[str, Any]) -> None:
    try:
        current_app.send_task(task_name, kwargs=dict(kwargs), retry=False)
    except BrokerError as error:
        logger.warning("broker is away, %s waits for the next sweep: %s", task_name, error)
