import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.db import connection

from catalog.errors import InvalidInput
from catalog.events import record_events
from catalog.jobs import create_job
from catalog.types import ItemInput
from recs import (
    learning_data,
    registry,
    run_progress,
    training_runs,
    user_model_steps,
    vector_index,
)
from recs.errors import NotEnoughEvents
from recs.learning import go_on_with_interrupted, learn, learn_for_job, learn_on_schedule
from recs.ml import watch
from recs.models import ItemVector, ModelVersion, TrainingRun
from recs.retrain import run_folder
from recs.user_models import forget_models
from tests.recs.conftest import NOON, like, make_items
from tests.recs.learning_world import TINY, make_world
from tests.recs.versions import USER_MODEL

pytestmark = pytest.mark.django_db

State = TrainingRun.State


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_models()
    yield
    forget_models()


@pytest.fixture
def ids(db):
    return make_world()


def test_events_become_a_version_that_is_judged_and_live(ids):
    run = learn(kind=USER_MODEL, config=TINY, seed=2)
    version = registry.live(USER_MODEL)
    assert version is not None, run.message
    assert (run.version, run.state) == (version, State.DONE)
    assert set(run.results) == {"read", "codes", "fit", "vectors", "gate", "decide", "prune"}
    assert version.gate["passed"]
    assert version.gate["slices"][0]["people"] >= 40
    assert ItemVector.objects.filter(version=version).count() == len(ids)
    assert vector_index.has_index(version)
    # What was held out is not in it: the newest tenth of the events.
    assert (version.events, run.results["read"]["held_events"]) == (432, 48)
    assert version.as_of == datetime.fromisoformat(run.results["read"]["cut"])
    # Each network's epochs, the second fit's too; the scout's are fewer.
    epochs = [(point["name"], point["part"], point["epoch"]) for point in run.curve]
    members = [epoch for epoch in epochs if epoch[0] != "scout"]
    assert members == [("network 1", part, n) for part in ("first", "again") for n in (1, 2, 3)]
    assert ("scout", "first", 1) in epochs
    assert not run_folder(run).exists()
    assert registry.load(version).vocabulary.item_ids


def test_a_bad_candidate_is_refused_and_what_is_live_stays(ids):
    learn(kind=USER_MODEL, config=TINY)
    live = registry.live(USER_MODEL)
    run = learn(kind=USER_MODEL, config=TINY | {"blend": False, "steps": 1, "epochs": 1})
    bad = run.version
    assert bad.state == ModelVersion.State.REFUSED
    assert registry.live(USER_MODEL) == live
    assert bad.gate["live"] == live.name
    assert any("against the live version" in reason for reason in bad.gate["reasons"])
    assert any("item-kNN" in reason for reason in bad.gate["reasons"])
    assert run.state == State.DONE
    assert "was refused" in run.message


def test_too_few_people_to_judge_by_go_live_with_nothing(db):
    make_world(people=9)
    run = learn(kind=USER_MODEL, config=TINY)
    assert run.version.gate["reasons"][0].startswith("Too few people")
    assert registry.live(USER_MODEL) is None


@pytest.mark.parametrize("people", [0, 1])
def test_with_nobody_or_one_person_there_is_nothing_to_learn_from_or_to_judge_by(db, people):
    make_world(people=people)
    if people:
        assert learn(kind=USER_MODEL, config=TINY).version.state == ModelVersion.State.REFUSED
    else:
        with pytest.raises(NotEnoughEvents, match="nothing to learn"):
            learn(kind=USER_MODEL, config=TINY)
        run = TrainingRun.objects.get()
        assert (run.state, run.version) == (State.FAILED, None)
    assert registry.live(USER_MODEL) is None


def test_events_that_come_after_the_run_began_change_nothing_of_it(ids, monkeypatch):
    data, again = [], []
    begin = learning_data.begin

    def spy(run, folder, config):
        data.append(begin(run, folder, config))
        record_events(
            events=[
                like("late", "Drama-1", time=run.as_of + timedelta(seconds=n)) for n in range(3)
            ]
        )
        again.append(
            learning_data.LearningData(
                vocabulary=data[0].vocabulary, as_of=run.as_of, cut=data[0].cut
            )
        )
        raise KeyboardInterrupt

    monkeypatch.setattr(user_model_steps, "begin", spy)
    with pytest.raises(KeyboardInterrupt):
        learn(kind=USER_MODEL, config=TINY)
    for part in ("train", "later"):
        one, other = getattr(data[0], part).histories, getattr(again[0], part).histories
        assert one.people == other.people
        assert (one.items == other.items).all()


def test_a_run_can_be_cancelled_in_the_middle_of_training(ids, monkeypatch):
    monkeypatch.setattr(watch, "_ASK_SECONDS", 0.0)
    monkeypatch.setattr(run_progress, "ASK_SECONDS", 0.0)
    asked = []

    def should_stop(progress):
        if progress.run.stage == "fit" and not asked:
            asked.append(training_runs.request_cancel(run=progress.run))
        return training_runs.is_cancel_requested(progress.run)

    monkeypatch.setattr(run_progress.RunProgress, "should_stop", should_stop)
    run = learn(kind=USER_MODEL, config=TINY)
    assert (run.state, run.stage) == (State.CANCELLED, "fit")
    assert run.version.state == ModelVersion.State.REFUSED
    assert run.version.gate["reasons"] == ["The run was cancelled."]
    assert registry.live(USER_MODEL) is None


def test_a_config_that_means_nothing_is_refused_before_anything_begins(db):
    for config in ({"members": 0}, {"widgets": 3}, {"held_share": 1.0}):
        with pytest.raises(InvalidInput):
            learn(kind=USER_MODEL, config=config)
    with pytest.raises(InvalidInput):
        learn(kind="horoscope")
    assert not TrainingRun.objects.exists()


def test_a_queued_job_says_what_is_trained_and_ends_with_what_came_of_it(ids):
    job = create_job(kind="recs.retrain", params={"kind": USER_MODEL, "config": TINY, "seed": 4})
    run = learn_for_job(str(job.pk))
    job.refresh_from_db()
    assert (run.seed, run.job) == (4, job)
    assert (job.state, job.result["state"]) == (job.State.DONE, "done")


def test_on_schedule_nothing_to_learn_from_is_no_failure(db):
    assert learn_on_schedule(USER_MODEL) is None
    make_items([ItemInput(external_id="i", title="Item")])
    record_events(events=[like("one", "i", time=NOON)])
    assert learn_on_schedule(USER_MODEL) is None


def test_semantic_ids_are_trained_by_the_same_loop(ids):
    run = learn(kind="semantic_ids")
    assert run.version == registry.live("semantic_ids")
    with pytest.raises(InvalidInput):
        learn(kind="semantic_ids", config={"epochs": 3})


CHILD = """
import django, json, sys, time
django.setup()
from django.conf import settings
settings.RECS_ARTIFACT_DIR = sys.argv[1]
settings.DATABASES["default"]["NAME"] = sys.argv[2]
from recs.ml import checkpoints
real = checkpoints.Checkpoints.save
def save(self, state, tensors):
    real(self, state, tensors)
    print("saved", state.epoch, flush=True)
    time.sleep(60 if state.epoch == 2 else 0)
checkpoints.Checkpoints.save = save
from recs.learning import learn
learn(kind="user_model", config=json.loads(sys.argv[3]), seed=2)
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_of_training_the_next_attempt_makes_the_same_version(settings):
    make_world()
    # So that the search for item-kNN's numbers does not end by the clock.
    config = TINY | {"tuning_seconds": 60.0}
    whole = learn(kind=USER_MODEL, config=config, seed=2)
    name = connection.settings_dict["NAME"]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.RECS_ARTIFACT_DIR), name, json.dumps(config)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"saved 1\n"
    assert child.stdout.readline() == b"saved 2\n"
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    run = TrainingRun.objects.get(state=State.RUNNING)
    assert run.stage == "fit"
    ended = go_on_with_interrupted()
    assert [one.pk for one in ended] == [run.pk]
    again = ended[0]
    assert (again.state, again.attempts) == (State.DONE, 2)
    one, other = registry.load(whole.version), registry.load(again.version)
    assert one.tensors.keys() == other.tensors.keys()
    assert all((one.tensors[key] == other.tensors[key]).all() for key in one.tensors)
    assert again.version.gate["passed"]
