"""The clock of a run: who is told, who may stop it, and how much time is left."""

import time

from recs.ml.checkpoints import RunState
from recs.ml.fit_types import FitConfig, FitProgress, RunOptions
from recs.ml.steps import Signals

_TELL_SECONDS = 0.5
_ASK_SECONDS = 1.0


class Watch:
    """Keeps `state.seconds` and speaks to the callbacks of `options`, not too often."""

    def __init__(self, options: RunOptions, config: FitConfig, state: RunState) -> None:
        """Start the clock where an earlier part of the run left it."""
        self._options, self._config, self._state = options, config, state
        self._zero = time.monotonic() - state.seconds
        self._told = self._asked = -float("inf")
        self._saved = time.monotonic()
        self._notes = len(state.notes)

    def signals(self) -> Signals:
        """What the callbacks and the budget want, at this moment."""
        now = self.tick()
        cancel = False
        if self._options.should_stop is not None and now - self._asked >= _ASK_SECONDS:
            self._asked = now
            cancel = self._options.should_stop()
        late = self._options.seconds is not None and now > self._options.seconds
        return Signals(cancel, late)

    def has_time_for_an_epoch(self) -> bool:
        """Whether another epoch like those before fits into the budget."""
        budget, curve = self._options.seconds, self._state.curve
        if budget is None or not curve:
            return True
        return self.tick() * (len(curve) + 1) / len(curve) <= budget

    def checkpoint_is_due(self) -> bool:
        """Whether the last one is older than it should be."""
        return time.monotonic() - self._saved >= self._options.checkpoint_seconds

    def saved(self) -> None:
        """There is a new checkpoint."""
        self._saved = time.monotonic()

    def tell(self, steps: int | None, *, always: bool = False) -> None:
        """Say how far it is, where somebody listens and the last word is a while ago."""
        now, state = self.tick(), self._state
        if self._options.progress is None or not (always or now - self._told >= _TELL_SECONDS):
            return
        self._told = now
        new, self._notes = state.notes[self._notes :], len(state.notes)
        self._options.progress(
            FitProgress(
                epoch=state.epoch,
                epochs=self._config.epochs,
                step=state.step,
                steps=steps,
                loss=self._loss(),
                scores=tuple(p.score for p in state.curve if p.score is not None),
                seconds=now,
                seconds_left=self._seconds_left(steps),
                message=" ".join(new),
            )
        )

    def _loss(self) -> float:
        """Of the epoch so far, or of the last one where it has just begun."""
        if self._state.losses:
            return self._state.loss_sum / self._state.losses
        return self._state.curve[-1].loss if self._state.curve else float("nan")

    def _seconds_left(self, steps: int | None) -> float | None:
        state = self._state
        within = min(1.0, state.step / steps) if steps else 0.0
        done = (state.epoch + within) / self._config.epochs
        if not done:
            return None
        left = state.seconds * (1.0 - done) / done
        budget = self._options.seconds
        return left if budget is None else max(0.0, min(left, budget - state.seconds))

    def tick(self) -> float:
        """Bring `state.seconds` up to date and return it."""
        self._state.seconds = time.monotonic() - self._zero
        return self._state.seconds
