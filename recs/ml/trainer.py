"""The one training loop: any network, any loss, CPU or GPU, one process or many."""

import itertools
import math
from collections.abc import Callable, Iterable, Sized
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from recs.ml.checkpoints import (
    Checkpoints,
    RunState,
    fingerprint,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    under,
)
from recs.ml.distributed import any_of, check_same, join, share_weights
from recs.ml.errors import Cancelled, NonFiniteLoss, NothingToLearn
from recs.ml.fit_types import EpochReport, FitConfig, FitProgress, FitReport, RunOptions
from recs.ml.steps import Batch, Signals, Stepper
from recs.ml.watch import Watch

__all__ = ["Batch", "FitConfig", "FitProgress", "FitReport", "RunOptions", "fit"]

Net = TypeVar("Net", bound=nn.Module)
BatchKind = TypeVar("BatchKind", bound=Batch)


def fit(
    net: Net,
    *,
    loss: Callable[[Net, BatchKind], Tensor],
    batches: Callable[[int], Iterable[BatchKind]],
    config: FitConfig,
    validate: Callable[[Net], float] | None = None,
    options: RunOptions | None = None,
) -> FitReport:
    """Train a network in place; it ends with its best weights, in eval mode.

    Same network, data and config give the same weights on a CPU, bit for bit, also where the run
    was killed and taken up again from its checkpoint. Several processes give those of one within
    1e-5 in fp32, for sums are added in another order, where the network draws nothing at random.

    Args:
        net: starts with the weights it has; moved to the device.
        loss: mean over the batch's terms, () float. Randomness inside network and loss is torch's
            global generator, which is set anew for each step.
        batches: those of an epoch (from 0), the same ones whenever it is asked, also in other
            processes; each process takes its share of the rows of each.
        config: what decides on the weights; see its fields.
        validate: a score, higher is better (NDCG@10 of a full ranking), of the network in eval
            mode and without gradients. None trains all epochs and keeps the last weights.
        options: where it runs and who hears of it.

    Returns:
        The learning curve and what happened.

    Raises:
        NothingToLearn: where an epoch has no batch with a term.
        NonFiniteLoss: where the loss, its gradient or the score is not finite.
        OutOfMemory: where not even one row of a batch fits into memory.
        Cancelled: where `options.should_stop` said so; the checkpoint stays.
        CheckpointMismatch: where the checkpoint is of another run.
        CannotWrite: where a checkpoint could not be written.
    """
    run = _Run(net, loss, validate, config, options or RunOptions())
    while not run.is_over():
        run.train_epoch(batches(run.state.epoch))
    return run.report()


class _Run:
    """One call of `fit`."""

    def __init__(
        self,
        net: nn.Module,
        loss: Callable[[Any, Any], Tensor],
        validate: Callable[[Any], float] | None,
        config: FitConfig,
        options: RunOptions,
    ) -> None:
        self._net, self._validate, self._config = net, validate, config
        self._team = join(options.device)
        net.to(self._team.device)
        self._checkpoints: Checkpoints | None = None
        if options.checkpoint_dir is not None:
            run = fingerprint(net, config, options.identity)
            self._checkpoints = Checkpoints(options.checkpoint_dir, run)
        found = self._checkpoints.load() if self._checkpoints else None
        self.state, tensors = found or (RunState(), {})
        self._resumed = found is not None
        self._stepper = Stepper(net, loss, config, self._team, self.state)
        if tensors:
            net.load_state_dict(under("net", tensors))
            restore_optimizer(self._stepper.optimizer, under("optimizer", tensors))
        self._best = under("best", tensors)
        if self.state.stopped_by == "seconds":
            # There may be more time now.
            self.state.stopped_by = ""
        check_same(self._team, self.state.total_steps)
        share_weights(self._team, net)
        self._watch = Watch(options, config, self.state)

    def is_over(self) -> bool:
        """Whether there is nothing left to do; `state.stopped_by` then says why."""
        state, config = self.state, self._config
        if state.stopped_by:
            return True
        if state.epoch >= config.epochs:
            state.stopped_by = "epochs"
        elif config.patience and state.validations_without_gain >= config.patience:
            state.stopped_by = "patience"
        elif any_of(self._team, not self._watch.has_time_for_an_epoch()):
            state.stopped_by = "seconds"
        return bool(state.stopped_by)

    def train_epoch(self, batches: Iterable[Batch]) -> None:
        """What is left of the epoch that the run is in, and its validation."""
        state = self.state
        steps = len(batches) if isinstance(batches, Sized) else None
        if not state.step:
            state.epoch_began = self._watch.tick()
        self._net.train()
        for batch in itertools.islice(batches, state.step, None):
            if self._train_step(batch, steps).late:
                state.stopped_by = "seconds"
                break
        if self._stepper.look().cancel:
            raise Cancelled("The run was cancelled.")
        if not state.losses:
            raise NothingToLearn("No batch has anything to predict.")
        self._close_epoch()
        self._watch.tell(steps, always=True)

    def report(self) -> FitReport:
        """What came of it; the network gets its best weights."""
        state = self.state
        if self._best:
            self._net.load_state_dict(self._best)
        self._net.eval()
        self._team.wait()
        return FitReport(
            curve=tuple(state.curve),
            best_epoch=state.best_epoch,
            best_score=state.best_score,
            stopped_by=state.stopped_by,
            seconds=state.seconds,
            device=str(self._team.device),
            precision=str(self._stepper.precision.products).removeprefix("torch."),
            processes=self._team.size,
            resumed=self._resumed,
            notes=tuple(state.notes),
        )

    def _train_step(self, batch: Batch, steps: int | None) -> Signals:
        wanted = self._watch.signals()
        signals = self._stepper.step(batch, wanted) if batch.terms else wanted
        if signals.cancel:
            raise Cancelled("The run was cancelled.")
        self.state.step += 1
        if self._watch.checkpoint_is_due():
            self._stepper.look()
            self._save()
        self._watch.tell(steps)
        return signals

    def _close_epoch(self) -> None:
        """Validate, note the point of the curve, begin the next epoch, write a checkpoint."""
        state = self.state
        is_last = state.epoch + 1 == self._config.epochs or bool(state.stopped_by)
        score = None
        if self._validate and (is_last or (state.epoch + 1) % self._config.validate_every == 0):
            score = self._score(self._validate)
            self._compare(score)
        self._watch.tick()
        state.curve.append(
            EpochReport(
                epoch=state.epoch + 1,
                loss=state.loss_sum / state.losses,
                score=score,
                seconds=state.seconds - state.epoch_began,
            )
        )
        state.epoch, state.step, state.loss_sum, state.losses = state.epoch + 1, 0, 0.0, 0
        self.is_over()
        self._save()

    def _score(self, validate: Callable[[Any], float]) -> float:
        """The main process's, of which all hear."""
        value = torch.zeros((), dtype=torch.float64)
        if self._team.is_main:
            self._net.eval()
            with torch.no_grad():
                value += float(validate(self._net))
        score = float(self._team.from_main(value.to(self._team.device)))
        if not math.isfinite(score):
            raise NonFiniteLoss(f"Epoch {self.state.epoch + 1}: the validation gave {score}.")
        return score

    def _compare(self, score: float) -> None:
        state = self.state
        if state.best_score is not None and score <= state.best_score:
            state.validations_without_gain += 1
            return
        state.best_score, state.best_epoch = score, state.epoch + 1
        state.validations_without_gain = 0
        self._best = {name: t.detach().cpu().clone() for name, t in self._net.state_dict().items()}

    def _save(self) -> None:
        if self._checkpoints is not None and self._team.is_main:
            tensors = {
                **prefixed("net", self._net.state_dict()),
                **prefixed("best", self._best),
                **prefixed("optimizer", optimizer_tensors(self._stepper.optimizer)),
            }
            self._checkpoints.save(self.state, tensors)
        self._watch.saved()
