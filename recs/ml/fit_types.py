"""What a run of training is given and what it tells: plain values, nothing of torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """What decides on the weights besides network and data; saved with them."""

    epochs: int = 50
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.98)
    # Histories of a step; the caller makes batches of it.
    batch_size: int = 256
    # Steps in which the learning rate grows from 0.
    warmup_steps: int = 200
    # "constant", or "cosine": falls to 0 by the last epoch, a step down with each epoch.
    schedule: str = "constant"
    # Longest the gradient of all weights together may be; 0 leaves it alone.
    clip_norm: float = 5.0
    # Validations in a row without a better score after which it stops; 0 never stops.
    patience: int = 4
    # Epochs from one validation to the next; the last epoch is validated always.
    validate_every: int = 1
    # "auto" (bf16 where the hardware has it), "fp32" or "bf16".
    precision: str = "auto"
    seed: int = 0
    # (start of a parameter's name, factor of the learning rate); the first that fits counts.
    rate_factors: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if min(self.epochs, self.batch_size, self.validate_every) < 1:
            raise ValueError("epochs, batch_size and validate_every count from 1.")
        if not self.learning_rate > 0 or self.schedule not in SCHEDULES:
            raise ValueError(f"learning_rate is above 0, schedule one of {SCHEDULES}.")
        if min(self.weight_decay, self.warmup_steps, self.clip_norm, self.patience, self.seed) < 0:
            raise ValueError("No number of a FitConfig is below 0.")

    def rate_of_epoch(self, epoch: int) -> float:
        """The learning rate of an epoch, warm-up aside."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))


@dataclass(frozen=True, slots=True, kw_only=True)
class FitProgress:
    """How far a run is. `seconds_left` is at most so much: it may stop early; None at first."""

    epoch: int
    epochs: int
    step: int
    # Of this epoch; None where the batches have no length.
    steps: int | None
    loss: float
    # Validations so far, newest last.
    scores: tuple[float, ...]
    seconds: float
    seconds_left: float | None
    # What happened that one should know, such as memory that ran out; usually empty.
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What does not change the weights: where it runs and who hears of it; only logged."""

    # "cpu", "cuda", "cuda:1"; None picks a GPU where there is one.
    device: str | None = None
    # Where the run can be taken up again after it was killed; None keeps nothing.
    checkpoint_dir: Path | None = None
    # Besides each epoch's end, a checkpoint after so many seconds.
    checkpoint_seconds: float = 600.0
    # What the run is of, such as the digest of the vocabulary and `as_of`: a checkpoint of
    # something else is refused.
    identity: str = ""
    progress: Callable[[FitProgress], None] | None = None
    # Hears in a few words what begins, where a run has parts that are no training.
    stage: Callable[[str], None] | None = None
    # Asked about once a second; True raises Cancelled.
    should_stop: Callable[[], bool] | None = None
    # Stops after so long, validates and keeps the best; the time of earlier parts of a run that
    # was taken up again counts. None does not.
    seconds: float | None = None

    def say(self, stage: str) -> None:
        """That this begins."""
        if self.stage is not None:
            self.stage(stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """One point of the learning curve; `score` is None where it was not validated."""

    epoch: int
    loss: float
    score: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport:
    """What came of a run."""

    curve: tuple[EpochReport, ...]
    # Of the weights that the network now has; None without a validation.
    best_epoch: int | None
    best_score: float | None
    # "epochs", "patience" or "seconds".
    stopped_by: str
    seconds: float
    device: str
    precision: str
    processes: int
    # Whether it went on from a checkpoint.
    resumed: bool
    # What went otherwise than asked for, such as batches halved for lack of memory.
    notes: tuple[str, ...]
