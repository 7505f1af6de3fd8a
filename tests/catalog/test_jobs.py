import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import jobs
from catalog.errors import InvalidInput
from catalog.jobs import create_job, fail_lost_jobs, prune_jobs, track
from catalog.models import Job, JobProblem

pytestmark = pytest.mark.django_db


def test_a_job_runs_and_is_done():
    with track(kind="x", params={"a": 1}) as progress:
        assert Job.objects.get().state == Job.State.RUNNING
        progress.set_total(10)
        progress.advance(3, "reading")
        progress.result["rows"] = 3
    job = Job.objects.get()
    assert (job.state, job.done, job.total, job.message) == ("done", 3, 10, "reading")
    assert (job.params, job.result, job.error) == ({"a": 1}, {"rows": 3}, "")
    assert job.started_at < job.heartbeat_at <= job.finished_at


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no\x00 good"), "ValueError: no good"),
        (InvalidInput("Use another file."), "Use another file."),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_an_error_fails_the_job_and_goes_on_up(error, told):
    with pytest.raises(type(error)), track(kind="x") as progress:  # noqa: PT012  the block
        progress.advance(2)
        raise error
    job = Job.objects.get()
    assert (job.state, job.error, job.done) == ("failed", told, 2)
    assert job.finished_at is not None


def test_a_queued_job_is_taken_up_on_its_own_row_and_a_second_delivery_too():
    job = create_job(kind="x", params={"file": "f"})
    for _ in range(2):
        with track(kind="x", job_id=str(job.pk)) as progress:
            assert progress.job.params == {"file": "f"}
            progress.advance(5)
    stored = Job.objects.get()
    assert (stored.pk, stored.state, stored.done) == (job.pk, "done", 5)


def test_a_job_whose_row_is_gone_gets_one_with_its_id():
    job_id = uuid.uuid4()
    with track(kind="x", job_id=job_id):
        assert Job.objects.get().pk == job_id


def test_progress_is_written_once_a_second_and_not_at_each_step(
    monkeypatch, django_assert_num_queries
):
    clock = [0.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    with track(kind="x") as progress:
        with django_assert_num_queries(0):
            for _ in range(1000):
                progress.advance()
        clock[0] = 1.5
        with django_assert_num_queries(1):
            progress.advance()
            progress.advance()
        assert Job.objects.get().done == 1001


def test_a_job_that_stopped_moving_is_failed_and_a_moving_one_is_not():
    now = timezone.now()
    for kind, age in (("lost", 1000), ("alive", 10)):
        job = create_job(kind=kind)
        Job.objects.filter(pk=job.pk).update(
            state="running", heartbeat_at=now - timedelta(seconds=age)
        )
    create_job(kind="queued")
    assert fail_lost_jobs(after_seconds=900) == 1
    lost = Job.objects.get(state="failed")
    assert lost.kind == "lost"
    assert "worker was lost" in lost.error
    assert fail_lost_jobs(after_seconds=900) == 0


def test_old_jobs_are_pruned_with_their_problems():
    now = timezone.now()
    with track(kind="old") as progress:
        JobProblem.objects.create(job=progress.job, line=1, reason="r")
    Job.objects.update(finished_at=now - timedelta(days=60))
    create_job(kind="queued")
    assert prune_jobs(before=now - timedelta(days=30)) == 2
    assert Job.objects.get().kind == "queued"
