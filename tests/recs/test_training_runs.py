import pytest
from django.db import IntegrityError, transaction

from recs import training_runs
from recs.errors import RunEnded
from recs.models import TrainingRun
from tests.recs.versions import AS_OF, USER_MODEL, candidate

pytestmark = pytest.mark.django_db

State = TrainingRun.State


@pytest.fixture
def run():
    return training_runs.start(run=training_runs.request_run(kind=USER_MODEL, seed=3))


def test_an_open_run_is_taken_up_and_not_doubled(run):
    again = training_runs.request_run(kind=USER_MODEL, seed=4)
    assert (again.pk, again.seed) == (run.pk, 3)
    assert training_runs.request_run(kind="semantic_ids").pk != run.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRun.objects.create(kind=USER_MODEL)


def test_a_second_start_counts_as_an_attempt_and_keeps_the_moment_of_the_events(run):
    training_runs.set_as_of(run=run, as_of=AS_OF)
    again = training_runs.start(run=training_runs.request_run(kind=USER_MODEL))
    assert (again.attempts, again.started_at) == (2, run.started_at)
    later = AS_OF.replace(year=2026)
    assert training_runs.set_as_of(run=again, as_of=later) == AS_OF


def test_stages_progress_results_and_curve_are_on_the_row(run):
    training_runs.set_stage(run=run, stage="fit", total=10)
    training_runs.set_progress(run=run, done=4, message="epoch 1")
    training_runs.keep_result(run=run, stage="read", result={"events": 5})
    training_runs.keep_result(run=run, stage="fit", result={"seconds": 1.5})
    training_runs.set_curve(run=run, curve=[{"epoch": 1, "loss": 2.0}])
    training_runs.set_version(run=run, version=candidate("one"))
    run.refresh_from_db()
    assert (run.stage, run.done, run.total, run.message) == ("fit", 4, 10, "epoch 1")
    assert run.results == {"read": {"events": 5}, "fit": {"seconds": 1.5}}
    assert run.curve == [{"epoch": 1, "loss": 2.0}]
    assert run.version.name == "one"


def test_a_run_at_work_is_asked_to_stop_and_one_that_waits_is_cancelled_at_once(run):
    assert not training_runs.is_cancel_requested(run)
    training_runs.request_cancel(run=run)
    assert training_runs.is_cancel_requested(run)
    assert run.state == State.RUNNING
    waiting = training_runs.request_run(kind="semantic_ids")
    assert training_runs.request_cancel(run=waiting).state == State.CANCELLED
    with pytest.raises(RunEnded):
        training_runs.start(run=waiting)


def test_a_run_ends_once(run):
    training_runs.finish(run=run, state=State.DONE, message="live")
    assert (run.state, run.message) == (State.DONE, "live")
    with pytest.raises(RunEnded):
        training_runs.finish(run=run, state=State.FAILED)
    with pytest.raises(RunEnded):
        training_runs.request_cancel(run=run)
    with pytest.raises(RunEnded):
        training_runs.start(run=run)
    training_runs.set_progress(run=run, done=99)
    run.refresh_from_db()
    assert (run.state, run.done) == (State.DONE, 0)


def test_a_long_message_is_cut_and_does_not_end_the_run(run):
    training_runs.set_stage(run=run, stage="fit", message="x" * 1000)
    training_runs.finish(run=run, state=State.FAILED, error="y" * 10_000)
    assert run.state == State.FAILED
