import json
import socket
import time
from datetime import timedelta

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.utils import timezone

from catalog.enqueue import enqueue, enqueue_job, resend_queued_jobs
from catalog.jobs import create_job, track
from catalog.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    """The real broker's queue of the task, empty at first."""
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    client.delete("default")
    yield lambda: [json.loads(message)["headers"] for message in client.lrange("default", 0, -1)]
    client.delete("default")


@pytest.fixture
def broker_at():
    """Points the app at another broker."""
    before = current_app.conf.broker_url

    def use(url):
        current_app.conf.broker_url = current_app.conf.broker_write_url = url

    yield use
    current_app.conf.broker_url = current_app.conf.broker_write_url = before


def test_a_task_is_sent_when_the_transaction_commits(queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        enqueue("tests.nothing", name="x")
        assert queue() == []
    assert [(sent["task"], sent["kwargsrepr"]) for sent in queue()] == [
        ("tests.nothing", "{'name': 'x'}")
    ]


def test_a_job_is_queued_with_its_task(queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue_job("tests.nothing", kind="tests.nothing", params={"a": 1})
    assert (job.state, job.params) == (Job.State.QUEUED, {"a": 1})
    assert str(job.pk) in queue()[0]["kwargsrepr"]


def test_a_broker_that_refuses_is_logged_at_once(
    broker_at, caplog, django_capture_on_commit_callbacks
):
    broker_at("redis://127.0.0.1:1/0")
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        enqueue("tests.nothing")
    assert time.monotonic() - began < 2
    assert "broker is away" in caplog.text


def test_a_broker_that_does_not_answer_costs_less_than_two_seconds(
    broker_at, caplog, django_capture_on_commit_callbacks
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker_at(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        with django_capture_on_commit_callbacks(execute=True):
            enqueue("tests.nothing")
        assert time.monotonic() - began < 2
    assert "broker is away" in caplog.text


def test_jobs_whose_task_was_lost_are_sent_again_once(queue, django_capture_on_commit_callbacks):
    lost = create_job(kind="tests.lost")
    Job.objects.filter(pk=lost.pk).update(created_at=timezone.now() - timedelta(minutes=5))
    create_job(kind="tests.young")
    with track(kind="tests.done"):
        pass
    with django_capture_on_commit_callbacks(execute=True):
        assert resend_queued_jobs(after_seconds=120) == 1
        assert resend_queued_jobs(after_seconds=120) == 0
    assert [sent["task"] for sent in queue()] == ["tests.lost"]
    assert str(lost.pk) in queue()[0]["kwargsrepr"]
