"""How far a run of training is: on its row, on the job's row, and on the terminal."""

import sys
import time
from typing import Any

from catalog.jobs import JobProgress
from catalog.progress import NO_PROGRESS, BarProgress, Progress
from recs import training_runs
from recs.models import TrainingRun

WRITE_SECONDS = 1.0
ASK_SECONDS = 1.0


class RunProgress(Progress):
    """Progress of one stage after another; rows are written at most once a second."""

    def __init__(self, run: TrainingRun, job: JobProgress, *, bar: bool = False) -> None:
        """Of this run, which is done for this job; `bar` shows it on the terminal too."""
        self.run = run
        self._job = job
        self._has_bar = bar
        self._bar: Progress = NO_PROGRESS
        self._done = self._total = 0
        self._message = ""
        self._written_at = self._asked_at = float("-inf")
        self._is_cancelled = False

    def begin(self, stage: str, message: str = "") -> None:
        """A stage begins: its work is counted anew."""
        self.close()
        self._done = self._total = 0
        self._message = message
        training_runs.set_stage(run=self.run, stage=stage, message=message)
        self._job.job.done = 0
        self._job.set_total(0)
        self._job.advance(0, f"{stage}: {message}" if message else stage)
        if self._has_bar:
            self._bar = BarProgress(stage, unit="steps")
            self._bar.advance(0, message)

    def set_total(self, total: int) -> None:
        """How much there is to do in this stage."""
        self._total = total
        self._job.set_total(total)
        self._bar.set_total(total)
        self._write(always=True)

    def advance(self, n: int = 1, message: str = "") -> None:
        """Another `n` are done."""
        self._done += n
        self._message = message or self._message
        self._bar.advance(n, message)
        self._job.advance(n, message)
        self._write()

    def reach(self, done: int, total: int, message: str = "") -> None:
        """So much of so much is done; both may have changed, also downwards."""
        if total != self._total:
            self.set_total(total)
        if done < self._done:
            self._job.job.done = self._done = 0
        self.advance(done - self._done, message)

    def should_stop(self) -> bool:
        """Whether somebody asked for it; looks at most once a second."""
        now = time.monotonic()
        if not self._is_cancelled and now - self._asked_at >= ASK_SECONDS:
            self._asked_at = now
            self._is_cancelled = training_runs.is_cancel_requested(self.run)
        return self._is_cancelled

    def keep(self, **result: Any) -> None:
        """Add to what the job shows as its result."""
        self._job.result.update(result)

    def say(self, line: str) -> None:
        """A line on the terminal, where somebody looks at it."""
        if self._has_bar:
            print(line, file=sys.stderr)  # noqa: T201  beside the bars, which are there too

    def close(self) -> None:
        """Write how far it was; the bar stays as it stands."""
        self._write(always=True)
        if isinstance(self._bar, BarProgress):
            self._bar.close()
        self._bar = NO_PROGRESS

    def _write(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if not always and now - self._written_at < WRITE_SECONDS:
            return
        self._written_at = now
        training_runs.set_progress(
            run=self.run, done=self._done, total=self._total, message=self._message
        )
