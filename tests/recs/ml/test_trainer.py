import dataclasses
import math
import time

import pytest
import torch
from torch import nn

from recs.ml.batches import TensorBatch
from recs.ml.trainer import FitConfig, RunOptions, fit
from tests.recs.ml.tiny import (
    CONFIG,
    TinyNet,
    assert_same,
    tiny_batches,
    tiny_loss,
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
