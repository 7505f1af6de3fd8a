import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.utils import timezone

from catalog.models import Job
from recs import registry, training_runs
from recs.errors import AlreadyTraining, NotEnoughEvents
from recs.ml.errors import Cancelled, NothingToLearn
from recs.models import ModelVersion, TrainingRun
from recs.retrain import Step, retrain, run_folder
from tests.recs.versions import AS_OF, USER_MODEL, candidate

pytestmark = pytest.mark.django_db

State = TrainingRun.State


class Steps:
    """Two steps that note when they were done; the second may be told to do something else."""

    def __init__(self, second=None):
        self.done, self.configs, self.second = [], [], second

    def __call__(self, config):
        self.configs.append(dict(config))
        return [Step("one", "the first", self._one), Step("two", "the second", self._two)]

    def _one(self, work):
        self.done.append("one")
        work.folder.mkdir(parents=True, exist_ok=True)
        work.progress.set_total(3)
        work.progress.advance(3, "all of it")
        return {"found": 3}

    def _two(self, work):
        self.done.append("two")
        if self.second:
            self.second(work)
        return {"from_one": work.run.results["one"]["found"]}


def raising(error):
    def do(work):
        raise error

    return do


def test_steps_are_done_in_order_and_what_they_leave_is_on_the_run():
    steps = Steps()
    run = retrain(kind=USER_MODEL, steps=steps, config={"epochs": 2}, seed=5)
    assert steps.done == ["one", "two"]
    assert (run.state, run.seed, run.attempts) == (State.DONE, 5, 1)
    assert run.results == {"one": {"found": 3}, "two": {"from_one": 3}}
    assert run.job.state == Job.State.DONE
    assert run.job.result["state"] == "done"
    assert not run_folder(run).exists()
    assert not training_runs.is_at_work(USER_MODEL)


@pytest.mark.parametrize(
    "interruption",
    [KeyboardInterrupt(), SystemExit(), SoftTimeLimitExceeded(), OperationalError("away")],
)
def test_an_interrupted_run_is_gone_on_with_by_its_own_config_and_no_step_is_done_twice(
    interruption,
):
    steps = Steps(raising(interruption))
    with pytest.raises(type(interruption)):
        retrain(kind=USER_MODEL, steps=steps, config={"epochs": 2}, seed=5)
    run = TrainingRun.objects.get()
    assert run.state == State.RUNNING
    assert run_folder(run).exists()
    assert not training_runs.is_at_work(USER_MODEL)
    steps.second = None
    again = retrain(kind=USER_MODEL, steps=steps, config={"epochs": 9}, seed=6)
    assert again.pk == run.pk
    assert (again.state, again.seed, again.attempts) == (State.DONE, 5, 2)
    assert steps.done == ["one", "two", "two"]
    assert steps.configs[-1] == {"epochs": 2}


def test_a_run_that_failed_says_why_and_the_next_one_starts_anew():
    version = candidate("half")

    def fail(work):
        training_runs.set_version(run=work.run, version=version)
        raise ArithmeticError("The loss became infinite.")

    steps = Steps(fail)
    with pytest.raises(ArithmeticError):
        retrain(kind=USER_MODEL, steps=steps)
    run = TrainingRun.objects.get()
    assert (run.state, run.error) == (State.FAILED, "ArithmeticError: The loss became infinite.")
    assert run.job.state == Job.State.FAILED
    version.refresh_from_db()
    assert version.state == ModelVersion.State.REFUSED
    assert "infinite" in version.gate["reasons"][0]
    assert not run_folder(run).exists()
    steps.second = None
    assert retrain(kind=USER_MODEL, steps=steps).pk != run.pk


def test_nothing_to_learn_from_is_an_error_of_its_own():
    with pytest.raises(NotEnoughEvents, match="No history"):
        retrain(kind=USER_MODEL, steps=Steps(raising(NothingToLearn("No history has two events."))))
    assert TrainingRun.objects.get().error == "No history has two events."


def test_a_run_is_cancelled_between_steps_and_within_one():
    def cancel_before(work):
        training_runs.request_cancel(run=work.run)
        work.progress._asked_at = 0.0

    steps = Steps()

    def three(config):
        return [Step("zero", "", lambda work: cancel_before(work) or {}), *steps(config)]

    run = retrain(kind=USER_MODEL, steps=three)
    assert (run.state, steps.done) == (State.CANCELLED, [])
    run = retrain(kind=USER_MODEL, steps=Steps(raising(Cancelled("Asked to stop."))))
    assert run.state == State.CANCELLED
    assert Job.objects.get(pk=run.job_id).result["state"] == "cancelled"


def test_a_version_that_is_live_stays_so_where_its_run_fails_afterwards():
    def promote_then_fail(work):
        version = candidate("good")
        training_runs.set_version(run=work.run, version=version)
        registry.promote(version=version)
        raise ValueError("pruning failed")

    with pytest.raises(ValueError, match="pruning"):
        retrain(kind=USER_MODEL, steps=Steps(promote_then_fail))
    assert registry.live(USER_MODEL).name == "good"


@pytest.mark.django_db(transaction=True)
def test_one_process_at_a_time_trains_a_kind():
    begun, end = threading.Event(), threading.Event()

    def wait(work):
        begun.set()
        assert end.wait(20)

    def run():
        try:
            retrain(kind=USER_MODEL, steps=Steps(wait))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert begun.wait(20)
        assert training_runs.is_at_work(USER_MODEL)
        assert not training_runs.is_at_work("semantic_ids")
        with pytest.raises(AlreadyTraining):
            retrain(kind=USER_MODEL, steps=Steps())
        assert retrain(kind="semantic_ids", steps=Steps()).state == State.DONE
    finally:
        end.set()
        thread.join(20)
    assert TrainingRun.objects.get(kind=USER_MODEL).state == State.DONE
    assert Job.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_step_that_says_nothing_still_moves_the_heartbeat(monkeypatch):
    monkeypatch.setattr("recs.retrain.BEAT_SECONDS", 0.02)
    moved = []

    def silent(work):
        long_ago = timezone.now() - timedelta(hours=1)
        TrainingRun.objects.update(heartbeat_at=long_ago)
        Job.objects.update(heartbeat_at=long_ago)
        deadline = time.monotonic() + 10
        while not moved and time.monotonic() < deadline:
            time.sleep(0.02)
            run = TrainingRun.objects.select_related("job").get()
            if min(run.heartbeat_at, run.job.heartbeat_at) > long_ago + timedelta(minutes=50):
                moved.append(True)

    retrain(kind=USER_MODEL, steps=Steps(silent))
    assert moved


CHILD = """
import django, sys, time
django.setup()
from django.conf import settings
settings.RECS_ARTIFACT_DIR = sys.argv[1]
settings.DATABASES["default"]["NAME"] = sys.argv[2]
from recs.retrain import Step, retrain
def one(work):
    work.folder.mkdir(parents=True)
    (work.folder / "kept").write_text("x")
    return {"found": 3}
def two(work):
    print("two", flush=True)
    time.sleep(60)
retrain(kind="user_model", steps=lambda config: [Step("one", "", one), Step("two", "", two)])
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_process_leaves_a_run_that_another_one_goes_on_with(settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "models"
    name = connection.settings_dict["NAME"]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.RECS_ARTIFACT_DIR), name],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"two\n"
    assert training_runs.is_at_work(USER_MODEL)
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    deadline = time.monotonic() + 10
    while training_runs.is_at_work(USER_MODEL) and time.monotonic() < deadline:
        time.sleep(0.05)
    run = TrainingRun.objects.get()
    assert (run.state, run.stage) == (State.RUNNING, "two")
    kept = []
    steps = Steps(lambda work: kept.append((work.folder / "kept").read_text()))
    again = retrain(kind=USER_MODEL, steps=steps)
    assert (again.pk, again.attempts, again.state) == (run.pk, 2, State.DONE)
    assert steps.done == ["two"]
    assert kept == ["x"]


def test_the_moment_of_the_events_is_kept_over_attempts():
    steps = Steps(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        retrain(kind=USER_MODEL, steps=steps)
    run = TrainingRun.objects.get()
    assert training_runs.set_as_of(run=run, as_of=AS_OF) == AS_OF
    again = retrain(kind=USER_MODEL, steps=Steps())
    assert again.as_of == AS_OF
