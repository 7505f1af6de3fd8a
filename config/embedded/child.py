"""One supervised process: how it is started and stopped, and its present life."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.embedded.home import Home
from config.embedded.output import Console, LineReader, open_log
from config.embedded.process import Launch, has_ended, reap, signal_group, signal_process, spawn

FIRST_DELAY, LAST_DELAY = 1.0, 30.0
HEALTHY_AFTER = 60.0
READ_SIZE = 65536
LAST_READS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A child as data.

    Attributes:
        name: What the console and the log file call it.
        launch: How it is started.
        stop: Signals and the seconds each one has before the next; SIGKILL comes after the last.
        stage: Children of the highest stage are stopped first, those of one stage together.
        to_console: Whether its output is shown; it goes to its log file in any case.
        prepare: Called before each start, to clear what a killed one left.
    """

    name: str
    launch: Launch
    stop: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 8.0),)
    stage: int = 0
    to_console: bool = True
    prepare: Callable[[], object] | None = None


class Child:
    """The present process of a spec, started again by the supervisor when it dies."""

    def __init__(self, spec: ChildSpec, *, home: Home, console: Console) -> None:
        self.spec = spec
        self.log = home.log_folder / f"{spec.name}.log"
        self.restarts = True
        self.restart_at: float | None = None
        self.started_at = 0.0
        self._console = console
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: LineReader | None = None
        self._failures = 0
        self._stop_stages: list[tuple[signal.Signals, float]] = []
        self._stop_deadline: float | None = None

    @property
    def pid(self) -> int | None:
        """The process ID; None while it is not running."""
        return self._process.pid if self._process else None

    @property
    def pipe(self) -> int | None:
        """The descriptor of its output; None where that goes straight to the log."""
        stdout = self._process.stdout if self._process else None
        return stdout.fileno() if stdout else None

    def start(self) -> None:
        """Start the process."""
        if self.spec.prepare is not None:
            self.spec.prepare()
        self.restart_at = None
        self.started_at = time.monotonic()
        if self.spec.to_console:
            self._process = spawn(self.spec.launch, output=subprocess.PIPE)
            self._reader = LineReader(self.spec.name, self._console, self.log)
            os.set_blocking(self._require_pipe(), False)
            return
        handle = open_log(self.log)
        try:
            self._process = spawn(self.spec.launch, output=handle)
        finally:
            os.close(handle)

    def read(self) -> bool:
        """Pass on what it has written; returns whether more may come."""
        if self._reader is None or self.pipe is None:
            return False
        try:
            data = os.read(self.pipe, READ_SIZE)
        except BlockingIOError:
            return True
        self._reader.feed(data)
        return bool(data)

    def ended(self) -> bool:
        """Whether the process has ended since its start."""
        return self._process is not None and has_ended(self._process)

    def bury(self) -> int:
        """Reap the ended process with all that is left of its group; returns its status."""
        process = self._process
        if process is None:
            raise RuntimeError(f"{self.spec.name} is not running")
        status = reap(process)
        # Bounded: a grandchild that left the group may hold the pipe and write for ever.
        for _ in range(LAST_READS):
            if not (self._has_more() and self.read()):
                break
        if self._reader is not None:
            self._reader.close()
        if process.stdout is not None:
            process.stdout.close()
        self._process, self._reader = None, None
        return status

    def plan_restart(self) -> float:
        """Set the time of the next start, later after each quick death; returns the delay."""
        now = time.monotonic()
        if now - self.started_at >= HEALTHY_AFTER:
            self._failures = 0
        delay = min(LAST_DELAY, FIRST_DELAY * 2.0**self._failures)
        self._failures += 1
        self.restart_at = now + delay
        return delay

    def put_off_restart(self) -> float:
        """The start itself failed: plan the next one."""
        self.started_at = time.monotonic()
        return self.plan_restart()

    def begin_stop(self) -> None:
        """Send the first stop signal; `continue_stop` sends the others in time."""
        self.restarts, self.restart_at = False, None
        self._stop_stages = list(self.spec.stop)
        self._stop_deadline = 0.0
        self.continue_stop()

    def continue_stop(self) -> None:
        """Send the next stop signal when the last one had its time."""
        if self._process is None or self._stop_deadline is None:
            return
        if time.monotonic() < self._stop_deadline:
            return
        if not self._stop_stages:
            self.kill()
            return
        number, seconds = self._stop_stages.pop(0)
        signal_process(self._process.pid, number)
        self._stop_deadline = time.monotonic() + seconds

    def kill(self) -> None:
        """End it and its group at once."""
        self.restarts, self.restart_at = False, None
        if self._process is not None:
            signal_group(self._process.pid, signal.SIGKILL)

    def _has_more(self) -> bool:
        return self.pipe is not None and bool(select.select([self.pipe], [], [], 0)[0])

    def _require_pipe(self) -> int:
        pipe = self.pipe
        if pipe is None:
            raise RuntimeError(f"{self.spec.name} has no output pipe")
        return pipe
