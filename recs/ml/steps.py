"""One step of training: gradients of a batch, in as many parts as memory asks for."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from recs.ml import devices
from recs.ml.checkpoints import RunState
from recs.ml.distributed import Team, sum_gradients
from recs.ml.errors import NonFiniteLoss, OutOfMemory
from recs.ml.fit_types import FitConfig
from recs.ml.optimizers import make_optimizer, set_rate
from recs.ml.seeding import seed_step

logger = logging.getLogger(__name__)

# On a GPU looking at a number waits for everything before it, so it looks every so many steps.
_LOOK_EVERY = {"cpu": 1, "cuda": 16}


class Batch(Protocol):
    """What training needs of a batch; `batches` has two kinds."""

    @property
    def terms(self) -> int:
        """How many terms its loss is the mean of."""
        ...

    def __len__(self) -> int:
        """Rows."""
        ...

    def rows(self, start: int, stop: int) -> Self:
        """Some of its rows."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        ...


@dataclass(frozen=True, slots=True)
class Signals:
    """What a process of the team wants: to be cancelled, or to end for lack of time."""

    cancel: bool = False
    late: bool = False


class Stepper:
    """Makes steps; `state` is told the losses and into how many parts batches go."""

    def __init__(
        self,
        net: nn.Module,
        loss: Callable[[Any, Any], Tensor],
        config: FitConfig,
        team: Team,
        state: RunState,
    ) -> None:
        """Prepare the optimizer; the network is on the team's device already."""
        self._net, self._loss, self._config = net, loss, config
        self._team, self._state = team, state
        self.optimizer = make_optimizer(net, config)
        self.precision = devices.pick_precision(config.precision, team.device)
        self._weights = [weight for weight in net.parameters() if weight.requires_grad]
        self._look_every = _LOOK_EVERY.get(team.device.type, 1)
        # Of each step not looked at yet: loss, cancel, late, length of the gradient.
        self._unseen: list[Tensor] = []

    def step(self, batch: Batch, wanted: Signals) -> Signals:
        """Change the weights by one batch.

        Args:
            batch: the whole team's, of which this process takes its share.
            wanted: what this process wants.

        Returns:
            What any process of the team wants; on a GPU it may come some steps late.

        Raises:
            NonFiniteLoss: where the loss or its gradient is not finite; the weights are as before
                on a CPU, some steps further on a GPU.
            OutOfMemory: where a single row does not fit.
        """
        state = self._state
        loss = self._gradients(batch)
        extra = torch.stack([loss, loss.new_tensor(wanted.cancel), loss.new_tensor(wanted.late)])
        extra = sum_gradients(self._team, self._weights, extra)
        norm = nn.utils.clip_grad_norm_(self._weights, self._config.clip_norm or math.inf)
        self._unseen.append(torch.cat([extra, norm.to(extra).reshape(1)]))
        signals = Signals()
        if len(self._unseen) >= self._look_every:
            signals = self.look()
        if not signals.cancel:
            set_rate(self.optimizer, self._config, epoch=state.epoch, total_steps=state.total_steps)
            self.optimizer.step()
            state.total_steps += 1
        self.optimizer.zero_grad(set_to_none=True)
        return signals

    def look(self) -> Signals:
        """Read what happened since the last look.

        Raises:
            NonFiniteLoss: where a loss or gradient was not finite.
        """
        if not self._unseen:
            return Signals()
        rows = torch.stack(self._unseen).tolist()
        self._unseen.clear()
        for loss, _, _, norm in rows:
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise NonFiniteLoss(
                    f"Epoch {self._state.epoch + 1}, step {self._state.step + 1}: the loss is "
                    f"{loss}, its gradient {norm} long. A lower learning rate or precision fp32 "
                    "may help."
                )
            self._state.loss_sum += loss
            self._state.losses += 1
        return Signals(any(row[1] for row in rows), any(row[2] for row in rows))

    def _gradients(self, batch: Batch) -> Tensor:
        """Gradients of this process's share of the batch; () float32, its share of the loss."""
        while True:
            try:
                return self._gradients_in_parts(batch)
            except (RuntimeError, MemoryError) as error:
                if not devices.is_out_of_memory(error):
                    raise
            # Outside of the except: the error holds on to the tensors of the frames it passed.
            self._halve(len(batch))

    def _gradients_in_parts(self, batch: Batch) -> Tensor:
        device, state = self._team.device, self._state
        begin, end = self._team.share(len(batch))
        whole = batch.terms
        total = torch.zeros((), device=device)
        for number in range(state.parts):
            start = begin + (end - begin) * number // state.parts
            stop = begin + (end - begin) * (number + 1) // state.parts
            part = batch.rows(start, stop) if stop - start < len(batch) else batch
            if not (stop > start and part.terms):
                continue
            share = part.terms / whole
            seed_step(self._config.seed, state.epoch, state.step, self._team.place, number)
            with devices.using(self.precision, device):
                loss = self._loss(self._net, part.to(device)).float() * share
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _halve(self, rows: int) -> None:
        """Take smaller parts from now on, and say so."""
        self.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self._state.parts >= rows:
            raise OutOfMemory("Not even one row of a batch fits into the device's memory.")
        self._state.parts *= 2
        note = (
            f"Memory ran out in epoch {self._state.epoch + 1}: each batch now goes in "
            f"{self._state.parts} parts. The result is the same, it only takes longer."
        )
        logger.warning(note)
        self._state.notes.append(note)
