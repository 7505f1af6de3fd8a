import dataclasses
import math
import time

import pytest
import torch

from recs.ml import steps
from recs.ml.errors import (
    Cancelled,
    NonFiniteLoss,
    NothingToLearn,
    OutOfMemory,
)
from recs.ml.trainer import RunOptions, fit
from tests.recs.ml.tiny import (
    CONFIG,
    TinyNet,
    assert_same,
    tiny_batches,
    tiny_loss,
    train,
    weights,
)

STEPS = 8


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are added in one order only with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
        fit(
            TinyNet(),
            loss=tiny_loss,
            batches=tiny_batches,
            validate=lambda net: math.nan,
            config=CONFIG,
        )


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
