import dataclasses
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from recs.ml import steps
from recs.ml.batches import TensorBatch
from recs.ml.errors import (
    Cancelled,
    CheckpointMismatch,
    NonFiniteLoss,
    NothingToLearn,
    OutOfMemory,
)
from recs.ml.trainer import FitConfig, RunOptions, fit
from tests.recs.ml.tiny import CONFIG, TinyNet, tiny_batches, tiny_loss, tiny_score, train

EPOCHS = CONFIG.epochs
STEPS = 8


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are added in one order only with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def assert_same(one, other, tolerance=0.0):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.allclose(one[name], other[name], rtol=0, atol=tolerance), name


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


# What it learns, and the same again


def test_it_learns_a_walk():
    net = TinyNet()
    report = train(net, epochs=25)
    assert report.curve[-1].loss < 0.3 * report.curve[0].loss
    assert report.stopped_by == "epochs"
    assert [point.epoch for point in report.curve] == list(range(1, 26))
    assert (report.device, report.processes, report.resumed) == ("cpu", 1, False)
    assert not net.training


def test_same_seed_same_weights_and_another_seed_others():
    nets = [TinyNet(dropout=0.3) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        torch.rand(5)  # whatever was drawn before has no part in it
        train(net, seed=seed)
    assert_same(weights(nets[0]), weights(nets[1]))
    assert not torch.equal(nets[0].table, nets[2].table)


def test_one_step_is_adams():
    """Against the rule written out: each weight moves by the rate in the gradient's direction."""
    net, plain = TinyNet(), TinyNet()
    batch = next(iter(tiny_batches(0)))
    config = FitConfig(epochs=1, learning_rate=0.01, warmup_steps=0, precision="fp32")
    fit(net, loss=tiny_loss, batches=lambda epoch: [batch], config=config)
    tiny_loss(plain, batch).backward()
    for found, start in zip(net.parameters(), plain.parameters(), strict=True):
        gradient = start.grad
        # Its moments are the gradient and its square after one step.
        wanted = start.detach() - 0.01 * gradient / (gradient.abs() + 1e-8)
        assert torch.allclose(found, wanted, atol=2e-5)


def test_a_long_gradient_is_cut():
    batch = TensorBatch((torch.ones(4, 1),))

    def steep(net, batch):
        return 1000 * net(batch.tensors[0]).mean()

    def trained(clip: float) -> float:
        net = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(net.weight)
        config = FitConfig(epochs=2, clip_norm=clip, betas=(0.0, 0.999), warmup_steps=0)
        real = torch.optim.AdamW.step
        lengths = []

        def watched(self, *rest, **more):
            lengths.append(float(net.weight.grad.norm()))
            return real(self, *rest, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.optim.AdamW, "step", watched)
            fit(net, loss=steep, batches=lambda epoch: [batch], config=config)
        return lengths[0]

    assert trained(0.0) == pytest.approx(1000)
    assert trained(5.0) == pytest.approx(5, rel=1e-4)


def test_rates_warm_up_fall_and_differ_by_name():
    rates = []

    def spying(net, batch):
        return tiny_loss(net, batch)

    real = torch.optim.AdamW.step

    def watched(self, *rest, **more):
        rates.append([group["lr"] for group in self.param_groups])
        return real(self, *rest, **more)

    config = dataclasses.replace(
        CONFIG, schedule="cosine", warmup_steps=4, rate_factors=(("table", 0.5),)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        fit(TinyNet(), loss=spying, batches=tiny_batches, config=config)
    table, layer = (list(row) for row in list(zip(*rates, strict=True))[:2])
    assert layer[:5] == pytest.approx([0.005, 0.01, 0.015, 0.02, 0.02])
    assert table == pytest.approx([rate / 2 for rate in layer])
    wanted = [0.02 * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS)) for epoch in range(EPOCHS)]
    assert layer[4::STEPS] == pytest.approx(wanted)


def test_decay_pulls_tables_and_leaves_biases():
    def trained(decay: float) -> TinyNet:
        net = TinyNet()
        net.layer.bias.data.fill_(1.0)
        config = dataclasses.replace(CONFIG, weight_decay=decay, epochs=1)
        fit(
            net,
            loss=lambda net, batch: 0 * tiny_loss(net, batch),
            batches=tiny_batches,
            config=config,
        )
        return net

    kept, pulled = trained(0.0), trained(0.5)
    assert pulled.table.norm() < 0.99 * kept.table.norm()
    assert torch.equal(pulled.layer.bias, kept.layer.bias)


# Validation


def fit_with_scores(scores: list[float], **config) -> tuple[nn.Module, object, list]:
    """What `fit` does where the validations give these scores."""
    net, seen = TinyNet(), []

    def validate(net: TinyNet) -> float:
        assert not net.training
        assert not torch.is_grad_enabled()
        seen.append(weights(net))
        return scores[len(seen) - 1]

    report = fit(
        net,
        loss=tiny_loss,
        batches=tiny_batches,
        validate=validate,
        config=dataclasses.replace(CONFIG, epochs=len(scores), **config),
    )
    return net, report, seen


def test_it_stops_without_gain_and_keeps_the_best():
    net, report, seen = fit_with_scores([0.1, 0.3, 0.3, 0.2, 0.9, 0.9], patience=2)
    assert report.stopped_by == "patience"
    # The score of the third was no better than that of the second.
    assert (report.best_epoch, report.best_score, len(seen)) == (2, 0.3, 4)
    assert_same(weights(net), seen[1])


def test_patience_zero_goes_on_to_the_end():
    net, report, seen = fit_with_scores([0.5, 0.1, 0.2, 0.1], patience=0)
    assert (report.stopped_by, report.best_epoch, len(seen)) == ("epochs", 1, 4)
    assert_same(weights(net), seen[0])


def test_the_last_epoch_is_validated_whatever_the_interval():
    _, report, _ = fit_with_scores([0.1, 0.2, 0.3, 0.4, 0.5], validate_every=2)
    assert [point.score for point in report.curve] == [None, 0.1, None, 0.2, 0.3]


def test_without_validation_the_last_weights_stay():
    net = TinyNet()
    report = fit(net, loss=tiny_loss, batches=tiny_batches, config=CONFIG)
    assert (report.best_epoch, report.best_score) == (None, None)
    other = TinyNet()
    train(other)  # its score rises to the end
    assert_same(weights(net), weights(other))


# What may go wrong


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_it_by_name(bad):
    net = TinyNet()
    calls = []

    def loss(net, batch):
        calls.append(weights(net))
        value = tiny_loss(net, batch)
        return value * bad if len(calls) == STEPS + 3 else value

    with pytest.raises(NonFiniteLoss, match="Epoch 2, step 3"):
        fit(net, loss=loss, batches=tiny_batches, config=CONFIG)
    # The weights are those before the step.
    assert_same(weights(net), calls[-1])


def test_a_gradient_that_is_not_finite_stops_it_too():
    def loss(net, batch):
        # 0 with the gradient of a root at 0.
        return tiny_loss(net, batch) + (net.table[0] * 0).sum().sqrt()

    with pytest.raises(NonFiniteLoss, match="gradient nan"):
        fit(TinyNet(), loss=loss, batches=tiny_batches, config=CONFIG)


def test_a_score_that_is_not_finite_stops_it_too():
    with pytest.raises(NonFiniteLoss, match="validation gave nan"):
        fit_with_scores([math.nan])


@pytest.mark.parametrize("device_looks", [1, 3, 16])
def test_rare_looks_find_it_as_well(monkeypatch, device_looks):
    """As on a GPU, where not every step waits for its number."""
    monkeypatch.setitem(steps._LOOK_EVERY, "cpu", device_looks)
    calls = []

    def loss(net, batch):
        calls.append(1)
        return tiny_loss(net, batch) * (math.nan if len(calls) == 5 else 1)

    with pytest.raises(NonFiniteLoss):
        fit(TinyNet(), loss=loss, batches=tiny_batches, config=CONFIG)
    assert len(calls) <= 5 + device_looks


def test_looking_rarely_changes_nothing(monkeypatch):
    one, other = TinyNet(), TinyNet()
    report = train(one)
    monkeypatch.setitem(steps._LOOK_EVERY, "cpu", 5)
    assert train(other).curve[-1].loss == report.curve[-1].loss
    assert_same(weights(one), weights(other))


def test_no_batches_and_none_with_a_target_are_nothing_to_learn():
    empty = [dataclasses.replace(b, targets=b.targets * 0) for b in tiny_batches(0)]
    for batches in ([], empty):
        with pytest.raises(NothingToLearn):
            fit(TinyNet(), loss=tiny_loss, batches=lambda epoch, b=batches: b, config=CONFIG)


def test_a_batch_without_a_target_is_passed_over():
    one, other = TinyNet(), TinyNet()

    def with_empty(epoch):
        for batch in tiny_batches(epoch):
            yield dataclasses.replace(batch, targets=batch.targets * 0)
            yield batch

    fit(one, loss=tiny_loss, batches=with_empty, config=CONFIG)
    fit(other, loss=tiny_loss, batches=tiny_batches, config=CONFIG)
    assert torch.isfinite(one.table).all()
    assert_same(weights(one), weights(other))


def test_it_can_be_cancelled(monkeypatch):
    monkeypatch.setattr("recs.ml.watch._ASK_SECONDS", 0.0)
    asked = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        train(TinyNet(), RunOptions(should_stop=should_stop))
    assert len(asked) == 4


def test_a_budget_ends_it_with_the_best_so_far():
    net = TinyNet()
    net.register_forward_hook(lambda *_: time.sleep(0.01))
    began = time.monotonic()
    report = train(net, RunOptions(seconds=0.7), epochs=1000)
    assert time.monotonic() - began < 3
    assert report.stopped_by == "seconds"
    assert report.best_epoch is not None


def test_a_budget_too_short_for_one_epoch_still_gives_a_validated_network():
    net = TinyNet()
    net.register_forward_hook(lambda *_: time.sleep(0.05))
    report = train(net, RunOptions(seconds=0.1))
    assert (report.stopped_by, len(report.curve)) == ("seconds", 1)
    assert report.best_score is not None


# Memory that runs out


def hungry(rows: int, error=None):
    """The loss on a device on which no more than so many rows fit."""

    def loss(net, batch):
        if len(batch) > rows:
            raise error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return tiny_loss(net, batch)

    return loss


CPU_ERROR = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate ...")


@pytest.mark.parametrize(("rows", "parts"), [(7, 2), (2, 4), (1, 8)])
@pytest.mark.parametrize("error", [None, CPU_ERROR])
def test_where_memory_runs_out_smaller_parts_give_the_same(rows, parts, error, caplog):
    plain, cut = TinyNet(), TinyNet()
    fit(plain, loss=tiny_loss, batches=tiny_batches, config=CONFIG)
    told = []
    report = fit(
        cut,
        loss=hungry(rows, error),
        batches=tiny_batches,
        config=CONFIG,
        options=RunOptions(progress=lambda progress: told.append(progress.message)),
    )
    assert_same(weights(plain), weights(cut), tolerance=1e-5)
    assert f"in {parts} parts" in report.notes[-1]
    assert len(report.notes) == int(math.log2(parts))
    assert "Memory ran out" in caplog.text
    assert any("Memory ran out" in message for message in told)


def test_half_of_a_step_that_failed_leaves_no_gradient():
    """The second part fails after the first one's gradient is there."""
    plain, cut = TinyNet(), TinyNet()
    fit(plain, loss=tiny_loss, batches=tiny_batches, config=CONFIG)
    calls = []

    def loss(net, batch):
        calls.append(len(batch))
        if len(calls) in (1, 3):
            raise torch.OutOfMemoryError
        return tiny_loss(net, batch)

    fit(cut, loss=loss, batches=tiny_batches, config=CONFIG)
    whole, *halves = calls[:3]
    assert sum(halves) == sum(calls[3:7]) == whole
    assert_same(weights(plain), weights(cut), tolerance=1e-5)


def test_not_even_one_row_has_a_name():
    with pytest.raises(OutOfMemory, match="Not even one row"):
        fit(TinyNet(), loss=hungry(0), batches=tiny_batches, config=CONFIG)


def test_other_errors_are_not_taken_for_lack_of_memory():
    def loss(net, batch):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        fit(TinyNet(), loss=loss, batches=tiny_batches, config=CONFIG)


# Killed and taken up again


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


# What it tells


def test_progress_says_how_far_it_is_and_how_long_it_takes(monkeypatch):
    monkeypatch.setattr("recs.ml.watch._TELL_SECONDS", 0.0)
    told = []
    net = TinyNet()
    net.register_forward_hook(lambda net, *_: time.sleep(0.01) if net.training else None)
    report = train(net, RunOptions(progress=told.append))
    steps_told = [(p.epoch, p.step) for p in told]
    assert steps_told == sorted(steps_told)
    assert (told[0].epoch, told[0].step, told[0].steps, told[0].epochs) == (0, 1, STEPS, EPOCHS)
    assert (told[-1].epoch, told[-1].seconds_left) == (EPOCHS, 0)
    assert told[-1].scores == tuple(point.score for point in report.curve)
    assert told[-1].loss == report.curve[-1].loss
    # Half way it thinks of about as much again.
    (middle,) = (p for p in told if (p.epoch, p.step) == (EPOCHS // 2, 0))
    assert middle.seconds_left == pytest.approx(report.seconds - middle.seconds, rel=0.7)


def test_the_time_left_is_never_past_the_budget():
    told = []
    train(TinyNet(), RunOptions(progress=told.append, seconds=3), epochs=5)
    assert all(p.seconds_left is None or p.seconds_left <= 3 for p in told)


BAD = [
    {"epochs": 0},
    {"batch_size": 0},
    {"validate_every": 0},
    {"learning_rate": 0.0},
    {"learning_rate": math.nan},
    {"schedule": "none"},
    {"weight_decay": -1.0},
    {"warmup_steps": -1},
    {"seed": -1},
]


@pytest.mark.parametrize("wrong", BAD, ids=str)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=r"count from 1|above 0|below 0"):
        FitConfig(**wrong)


# Several processes


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(tmp_path):
    """Tolerance 1e-5: sums over a batch are added in another order."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    module = ["-m", "tests.recs.ml.tiny", str(tmp_path / "w"), "--checkpoints", str(tmp_path / "c")]
    result = subprocess.run(
        [*launch, *module], capture_output=True, text=True, check=False, timeout=120
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
