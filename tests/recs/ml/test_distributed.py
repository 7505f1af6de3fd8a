import subprocess
import sys

import pytest
import torch
from torch import nn

from recs.ml.distributed import Team, any_of, check_same, join, share_weights, sum_gradients
from recs.ml.errors import CheckpointMismatch

CPU = torch.device("cpu")


class TwoAlike(Team):
    """A team whose other process gives these numbers; see test_trainer_resume."""

    size = 2

    def __init__(self, *others: torch.Tensor | float) -> None:
        super().__init__(CPU)
        self.others = list(others)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.others.pop(0)

    def from_main(self, values: torch.Tensor) -> torch.Tensor:
        return torch.full_like(values, 5)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("rows", [0, 1, 6, 256])
def test_shares_are_all_rows_once(size, rows):
    team = Team(CPU)
    team.size = size
    shares = []
    for place in range(size):
        team.place = place
        shares.append(team.share(rows))
    assert [start for start, _ in shares] == [0, *(stop for _, stop in shares[:-1])]
    assert shares[-1][1] == rows
    lengths = [stop - start for start, stop in shares]
    assert max(lengths) - min(lengths) <= 1


def test_a_process_alone_keeps_what_it_has():
    team = join("cpu")
    assert (team.size, team.is_main, team.device) == (1, True, CPU)
    net = nn.Linear(2, 1)
    net.weight.grad = torch.ones(1, 2)
    extra = torch.tensor([3.0])
    assert sum_gradients(team, list(net.parameters()), extra) is extra
    assert net.weight.grad.tolist() == [[1, 1]]
    assert net.bias.grad is None
    before = net.weight.clone()
    share_weights(team, net)
    check_same(team, 7)
    team.wait()
    assert torch.equal(net.weight, before)
    assert any_of(team, True)
    assert not any_of(team, False)


def test_gradients_are_summed_and_none_stays_none():
    """Three weights: here only, there only, nowhere."""
    weights = [nn.Parameter(torch.zeros(shape)) for shape in ((2, 2), (3,), (1,))]
    weights[0].grad = torch.full((2, 2), 1.0)
    # The other process: gradients, which of them it has, and its extra numbers.
    other = torch.cat([torch.zeros(4), torch.full((3,), 20.0), torch.zeros(1)])
    other = torch.cat([other, torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.5, 1.0])])
    extra = sum_gradients(TwoAlike(other), weights, torch.tensor([0.25, 0.0]))
    assert weights[0].grad.tolist() == [[1, 1], [1, 1]]
    assert weights[1].grad.tolist() == [20, 20, 20]
    assert weights[2].grad is None
    assert extra.tolist() == [0.75, 1.0]


def test_all_start_with_the_main_processes_weights():
    net = nn.BatchNorm1d(2)
    share_weights(TwoAlike(0.0), net)
    assert all((tensor == 5).all() for tensor in net.state_dict().values())


def test_processes_at_other_steps_do_not_start():
    check_same(TwoAlike(7.0, 0.0), 7)
    with pytest.raises(CheckpointMismatch, match="shared disk"):
        check_same(TwoAlike(8.0, 0.0), 7)
    # Of three processes one may see sums that seem right; any that does not stops all.
    with pytest.raises(CheckpointMismatch):
        check_same(TwoAlike(7.0, 1.0), 7)


def test_a_process_alone_does_not_wait_for_accelerate_to_be_imported():
    code = "import sys, recs.ml.trainer as t; t.join('cpu'); sys.exit('accelerate' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
