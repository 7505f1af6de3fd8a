"""Several processes or machines as one: `accelerate launch` starts them, accelerate joins them."""

import atexit
import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recs.ml.devices import pick_device
from recs.ml.errors import CheckpointMismatch


class Team:
    """The processes of one run; this one is alone."""

    size = 1
    place = 0

    def __init__(self, device: torch.device) -> None:
        """Of one process on a device."""
        self.device = device

    @property
    def is_main(self) -> bool:
        """Whether this process writes, validates and reports for all."""
        return self.place == 0

    def share(self, rows: int) -> tuple[int, int]:
        """Which rows of a batch are this process's: from, to."""
        return rows * self.place // self.size, rows * (self.place + 1) // self.size

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, of a tensor of one shape in all."""
        return values

    def from_main(self, values: Tensor) -> Tensor:
        """What the main process has; the others give a tensor of the same shape."""
        return values

    def wait(self) -> None:
        """Until all have come here."""


class _Accelerated(Team):
    """One of several processes that a launcher started."""

    def __init__(self, wish: str | None) -> None:
        # Here, for importing it takes a second and a process alone has no use for it.
        from accelerate import PartialState

        self._state = PartialState(cpu=wish == "cpu")
        super().__init__(torch.device(self._state.device))
        self.size, self.place = self._state.num_processes, self._state.process_index
        # Threads that still speak to the other processes would abort this one at its end.
        atexit.unregister(_leave)
        atexit.register(_leave)

    def sum(self, values: Tensor) -> Tensor:
        from accelerate.utils import reduce

        total: Tensor = reduce(values, reduction="sum")
        return total

    def from_main(self, values: Tensor) -> Tensor:
        from accelerate.utils import broadcast

        same: Tensor = broadcast(values, from_process=0)
        return same

    def wait(self) -> None:
        self._state.wait_for_everyone()


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def join(device: str | None) -> Team:
    """The team of this process: that of its launcher, or itself alone on a device."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return _Accelerated(device)
    return Team(pick_device(device))


def any_of(team: Team, wish: bool) -> bool:
    """Whether it is so in any process."""
    return bool(team.sum(torch.tensor(float(wish), device=team.device)))


def check_same(team: Team, number: int) -> None:
    """Refuse to start where the processes do not stand at the same step.

    Raises:
        CheckpointMismatch: where a machine does not see the checkpoint of the others.
    """
    total = float(team.sum(torch.tensor(float(number), dtype=torch.float64, device=team.device)))
    if any_of(team, total != number * team.size):
        raise CheckpointMismatch(
            "The processes found different checkpoints: all need the same folder on a shared disk."
        )


def share_weights(team: Team, net: nn.Module) -> None:
    """Give all processes the main one's weights and buffers."""
    if team.size == 1:
        return
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.copy_(team.from_main(tensor.contiguous()))


def sum_gradients(team: Team, parameters: Sequence[nn.Parameter], extra: Tensor) -> Tensor:
    """Replace each gradient by its sum over all processes.

    Args:
        team: see there.
        parameters: the same ones, in one order, in all processes.
        extra: (X,) float32, numbers to be summed on the same trip.

    Returns:
        (X,) the sums of `extra`. A parameter that has a gradient nowhere keeps none.
    """
    if team.size == 1:
        return extra
    held = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32)
    grads = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
    flat = team.sum(torch.cat([*grads, held.to(extra.device), extra]))
    sizes = [*(parameter.numel() for parameter in parameters), len(held), len(extra)]
    *sums, held, extra = torch.split(flat, sizes)
    for parameter, total, is_held in zip(parameters, sums, held.tolist(), strict=True):
        parameter.grad = total.view_as(parameter).clone() if is_held else None
    return extra
