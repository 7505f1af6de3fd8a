import io
import json

import pytest
from django.core.management import CommandError, call_command

from recs import learning, registry, training_runs
from recs.ml.errors import Cancelled, NonFiniteLoss
from recs.models import TrainingRun
from recs.retrain import Step
from tests.recs.learning_world import TINY, make_world
from tests.recs.versions import USER_MODEL, candidate

pytestmark = pytest.mark.django_db


def run(*words):
    out = io.StringIO()
    call_command("retrain", *words, stdout=out)
    return out.getvalue()


def code_of(*words):
    with pytest.raises(CommandError) as caught:
        run(*words)
    return caught.value.returncode, str(caught.value)


@pytest.fixture
def steps(monkeypatch):
    """steps(do): the user model is made by this one function."""

    def use(do):
        made = {**learning.STEPS, USER_MODEL: lambda config: [Step("fit", "training", do)]}
        monkeypatch.setattr(learning, "STEPS", made)

    return use


def test_without_events_it_says_so_and_has_an_exit_code_of_its_own():
    code, words = code_of()
    assert code == 3
    assert "nothing to learn from" in words


def test_a_small_world_is_trained_judged_and_live(capsys):
    make_world()
    changes = [
        f"--set={name}={json.dumps(value)}" for name, value in TINY.items() if value is not None
    ]
    told = run(*changes, "--set=seconds=none", "--seed=2")
    version = registry.live(USER_MODEL)
    assert told == f"{version} is live.\n"
    assert version.config["embedding_size"] == 16
    assert version.seed == 2
    bars = capsys.readouterr().err
    assert "fit: " in bars
    first = [point for point in version.runs.get().curve if point["part"] == "first"]
    assert [point["name"] for point in first[:3]] == ["network 1"] * 3
    assert {point["name"] for point in first[3:]} == {"scout"}
    assert "gate" in bars


def test_a_refused_candidate_has_its_reasons_and_an_exit_code_of_its_own(steps):
    def do(work):
        version = registry.refuse(version=candidate("bad"), reasons=["It is bad."])
        training_runs.set_version(run=work.run, version=version)
        return {}

    steps(do)
    code, words = code_of()
    assert code == 6
    assert "It is bad." in words
    assert "model_versions show bad" in words


def test_a_loss_that_is_not_finite_a_cancel_and_another_process_are_told_apart(steps):
    def infinite(work):
        raise NonFiniteLoss("Epoch 1: the loss became nan.")

    def cancelled(work):
        raise Cancelled("The run was cancelled.")

    steps(infinite)
    assert code_of() == (1, "Epoch 1: the loss became nan.")
    steps(cancelled)
    assert code_of()[0] == 5


def test_a_run_is_cancelled_from_another_terminal():
    with pytest.raises(CommandError, match="No run"):
        run("--cancel")
    open_run = training_runs.start(run=training_runs.request_run(kind=USER_MODEL))
    assert "asked to stop" in run("--cancel")
    assert TrainingRun.objects.get(pk=open_run.pk).cancel_requested


@pytest.mark.parametrize("change", ["widgets=3", "members=0", "members=many", "held_share"])
def test_a_change_that_means_nothing_is_refused(change):
    assert code_of(f"--set={change}")[0] == 1
    assert not TrainingRun.objects.exists()
