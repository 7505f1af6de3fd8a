import os

import pytest
import torch
from torch import nn

from recs.ml import checkpoints, sealed
from recs.ml.checkpoints import (
    Checkpoints,
    RunState,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    under,
)
from recs.ml.errors import CannotWrite, CheckpointMismatch
from recs.ml.fit_types import EpochReport
from recs.ml.trainer import RunOptions
from tests.recs.ml.test_sealed import files_no_longer_than
from tests.recs.ml.tiny import CONFIG, TinyNet, train

SMALL = {"net/x": torch.arange(4.0)}


def state(epoch: int, step: int = 0) -> RunState:
    return RunState(
        epoch=epoch,
        step=step,
        total_steps=10 * epoch + step,
        loss_sum=0.1 + 0.2,
        best_score=1 / 3,
        best_epoch=1,
        curve=[EpochReport(epoch=1, loss=0.5, score=None, seconds=1.5)],
        notes=["Memory ran out."],
        parts=2,
    )


def test_a_run_comes_back_to_the_last_bit(tmp_path):
    kept = Checkpoints(tmp_path, "run")
    kept.save(state(2, 3), {"net/x": torch.tensor([1 / 3, 1e-40]), "net/n": torch.tensor(7)})
    found, tensors = kept.load()
    assert found == state(2, 3)
    assert tensors["net/x"].tolist() == torch.tensor([1 / 3, 1e-40]).tolist()
    assert tensors["net/n"].dtype == torch.int64


def test_only_the_newest_is_kept(tmp_path):
    kept = Checkpoints(tmp_path, "run")
    for where in (state(0, 9), state(0, 10), state(1, 0), state(1, 2)):
        kept.save(where, SMALL)
        assert kept.load()[0] == where
        assert len(list(tmp_path.iterdir())) == 1


def test_nothing_was_kept(tmp_path):
    assert Checkpoints(tmp_path / "nowhere", "run").load() is None


def test_a_full_disk_stops_the_run_and_keeps_the_checkpoint_before(tmp_path):
    kept = Checkpoints(tmp_path, "run")
    kept.save(state(1), SMALL)
    with files_no_longer_than(300_000), pytest.raises(CannotWrite, match="could not be written"):
        kept.save(state(2), {"net/x": torch.zeros(500_000)})
    assert len(list(tmp_path.iterdir())) == 1
    assert kept.load()[0] == state(1)


def test_a_full_disk_ends_fit_by_name_and_it_goes_on_once_there_is_room(tmp_path):
    # Longer than its manifest, shorter than its tensors.
    with files_no_longer_than(2_000), pytest.raises(CannotWrite):
        train(TinyNet(), RunOptions(checkpoint_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert train(TinyNet(), RunOptions(checkpoint_dir=tmp_path)).stopped_by == "epochs"


def test_what_was_half_written_does_not_count(tmp_path):
    kept = Checkpoints(tmp_path, "run")
    kept.save(state(1), SMALL)
    # Killed before the rename.
    half = tmp_path / ".staging-x"
    half.mkdir()
    (half / "state.json").write_text("{")
    assert kept.load()[0] == state(1)
    assert not half.exists()
    # A disk that lost power after it.
    whole = next(tmp_path.iterdir())
    newer = tmp_path / "checkpoint-000009-000000000"
    newer.mkdir()
    for path in whole.iterdir():
        (newer / path.name).write_bytes(path.read_bytes())
    os.truncate(newer / "tensors.safetensors", 5)
    assert kept.load()[0] == state(1)
    kept.save(state(9), SMALL)
    assert kept.load()[0] == state(9)


def test_a_damaged_checkpoint_alone_is_none(tmp_path):
    kept = Checkpoints(tmp_path, "run")
    kept.save(state(1), SMALL)
    (next(tmp_path.iterdir()) / sealed.MANIFEST).write_text("{}")
    assert kept.load() is None


def test_another_runs_is_refused_not_taken_for_none(tmp_path):
    Checkpoints(tmp_path, "run").save(state(1), SMALL)
    with pytest.raises(CheckpointMismatch, match="Remove the folder"):
        Checkpoints(tmp_path, "another").load()


def test_tied_weights_are_written(tmp_path):
    net = TinyNet()
    net.again = net.table
    Checkpoints(tmp_path, "run").save(state(1), prefixed("net", net.state_dict()))
    _, tensors = Checkpoints(tmp_path, "run").load()
    assert torch.equal(tensors["net/again"], net.table)


def test_names_are_told_apart_by_their_start():
    tensors = {
        **prefixed("net", {"a": torch.zeros(1)}),
        **prefixed("network", {"b": torch.ones(1)}),
    }
    assert list(under("net", tensors)) == ["a"]
    assert under("best", tensors) == {}


def test_an_optimizer_goes_on_with_what_it_remembers():
    def step(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        net(torch.ones(2, 3)).pow(2).sum().backward()
        optimizer.step()

    def made() -> tuple[nn.Module, torch.optim.Optimizer]:
        net = nn.Linear(3, 2)
        nn.init.ones_(net.weight)
        nn.init.ones_(net.bias)
        return net, torch.optim.AdamW(net.parameters(), lr=0.1, fused=True)

    net, optimizer = made()
    for _ in range(3):
        step(net, optimizer)
    other, restored = made()
    other.load_state_dict(net.state_dict())
    restore_optimizer(restored, optimizer_tensors(optimizer))
    step(net, optimizer)
    step(other, restored)
    assert torch.equal(net.weight, other.weight)


def test_the_fingerprint_is_of_shapes_config_and_data():
    same = checkpoints.fingerprint(TinyNet(), CONFIG, "x")
    assert same == checkpoints.fingerprint(TinyNet(seed=5), CONFIG, "x")
    assert same != checkpoints.fingerprint(TinyNet(), CONFIG, "y")
    wider = TinyNet()
    wider.table = nn.Parameter(torch.zeros(99, 8))
    assert same != checkpoints.fingerprint(wider, CONFIG, "x")
