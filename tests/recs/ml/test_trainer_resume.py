import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from recs.ml.errors import (
    CheckpointMismatch,
)
from recs.ml.trainer import RunOptions, fit
from tests.recs.ml.tiny import (
    CONFIG,
    TinyNet,
    assert_same,
    tiny_batches,
    tiny_loss,
    tiny_score,
    train,
    weights,
)

EPOCHS = CONFIG.epochs
STEPS = 8


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are added in one order only with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def uninterrupted(dropout: float) -> tuple[dict, object]:
    net = TinyNet(dropout)
    report = train(net)
    return weights(net), report


@pytest.mark.parametrize(
    ("at", "seconds"),
    [(1, 0), (3, 0), (2 * STEPS + 5, 0), (STEPS, 1e9), (STEPS + 1, 1e9), (EPOCHS * STEPS, 1e9)],
)
def test_killed_at_any_step_it_goes_on_to_the_same_weights(tmp_path, at, seconds):
    """With a checkpoint after each step, and after each epoch alone."""
    wanted, whole = uninterrupted(dropout=0.3)
    calls = []

    def killing(net, batch):
        calls.append(1)
        if len(calls) == at:
            raise Killed
        return tiny_loss(net, batch)

    def run(loss):
        net = TinyNet(dropout=0.3)
        report = fit(
            net,
            loss=loss,
            batches=tiny_batches,
            validate=tiny_score if loss is tiny_loss else lambda net: tiny_score(net),
            config=CONFIG,
            options=RunOptions(checkpoint_dir=tmp_path, checkpoint_seconds=seconds),
        )
        return net, report

    with pytest.raises(Killed):
        run(killing)
    net, report = run(tiny_loss)
    assert_same(weights(net), wanted)
    assert report.resumed == (at > STEPS or (seconds == 0 and at > 1))
    assert [(p.epoch, p.loss, p.score) for p in report.curve] == [
        (p.epoch, p.loss, p.score) for p in whole.curve
    ]


def test_after_kill_nine_it_goes_on_to_the_same_weights(tmp_path):
    wanted, _ = uninterrupted(dropout=0.3)
    command = [sys.executable, "-m", "tests.recs.ml.tiny", str(tmp_path / "w"), "--dropout", "0.3"]
    command += ["--checkpoints", str(tmp_path / "run"), "--slow"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        epoch, step = map(int, line.split())
        if (epoch, step) >= (1, 3):
            break
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert not (tmp_path / "w.0").exists()
    net = TinyNet(dropout=0.3)
    report = train(net, RunOptions(checkpoint_dir=tmp_path / "run"))
    assert report.resumed
    assert_same(weights(net), wanted)


def test_a_finished_run_is_not_run_again(tmp_path):
    net, again = TinyNet(), TinyNet()
    train(net, RunOptions(checkpoint_dir=tmp_path))
    report = fit(
        again,
        loss=None,
        batches=None,
        config=CONFIG,
        options=RunOptions(checkpoint_dir=tmp_path),
    )
    assert (report.resumed, report.stopped_by, len(report.curve)) == (True, "epochs", EPOCHS)
    assert_same(weights(net), weights(again))


def test_a_run_that_ended_for_lack_of_time_goes_on_with_more(tmp_path):
    slow = TinyNet()
    slow.register_forward_hook(lambda net, *_: time.sleep(0.03) if net.training else None)
    short = train(slow, RunOptions(checkpoint_dir=tmp_path, seconds=0.3))
    assert short.stopped_by == "seconds"
    long = train(TinyNet(), RunOptions(checkpoint_dir=tmp_path, seconds=600))
    assert (long.resumed, long.stopped_by) == (True, "epochs")
    assert len(long.curve) == EPOCHS


@pytest.mark.parametrize("change", ["config", "net", "identity"])
def test_the_checkpoint_of_another_run_is_refused(tmp_path, change):
    options = RunOptions(checkpoint_dir=tmp_path, identity="beauty")
    train(TinyNet(), options)
    net = TinyNet()
    if change == "net":
        net.extra = nn.Linear(2, 2)
    if change == "identity":
        options = dataclasses.replace(options, identity="toys")
    with pytest.raises(CheckpointMismatch, match="another run"):
        train(net, options, **({"learning_rate": 0.5} if change == "config" else {}))


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(tmp_path):
    """Tolerance 1e-5: sums over a batch are added in another order."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    module = ["-m", "tests.recs.ml.tiny", str(tmp_path / "w"), "--checkpoints", str(tmp_path / "c")]
    result = subprocess.run(
        [*launch, *module], capture_output=True, text=True, check=False, timeout=240
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("processes: 2") == 2
    net = TinyNet()
    train(net)
    first, second = (load_file(tmp_path / f"w.{place}") for place in (0, 1))
    assert_same(first, second)
    assert_same(first, weights(net), tolerance=1e-5)
    # And one of them left the checkpoint, with which a process alone ends at once.
    alone = TinyNet()
    report = train(alone, RunOptions(checkpoint_dir=tmp_path / "c"))
    assert (report.resumed, report.stopped_by) == (True, "epochs")
    assert_same(weights(alone), first)
