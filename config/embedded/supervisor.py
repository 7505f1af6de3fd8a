"""The supervisor: one loop that reads, reaps, restarts and, in the end, stops its children."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from types import FrameType

from config.embedded.child import Child, ChildSpec
from config.embedded.errors import EmbeddedError
from config.embedded.home import Home
from config.embedded.output import Console, tail
from config.embedded.process import Launch, has_ended, reap, signal_group, signal_process, spawn

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK = 0.5
COMMAND_STOP_SECONDS = 10.0


class StopRequested(Exception):
    """Somebody asked for the end while a step of the start was under way."""


class Supervisor:
    """Runs children and keeps them running.

    No threads: a child gets its death signal when the thread that started it ends, so that every
    start and restart has to come from the one thread that lives until the end.
    """

    def __init__(self, *, home: Home, console: Console) -> None:
        self.stop_requests = 0
        self._last_signal = 0
        self._home = home
        self._console = console
        self._children: dict[str, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Count stop signals, and wake the loop at those and when a child ends."""
        before = {number: signal.signal(number, self._count) for number in STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        old_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, number: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1
        self._last_signal = number

    def start(self, spec: ChildSpec) -> Child:
        """Start a child and look after it from now on."""
        child = Child(spec, home=self._home, console=self._console)
        self._children[spec.name] = child
        self._start(child)
        return child

    def start_and_wait(self, checks: dict[str, tuple[ChildSpec, Callable[[], bool]]]) -> None:
        """Start children side by side and wait until the check of each one succeeds.

        Args:
            checks: What each one is called on the console, its spec and its check.

        Raises:
            EmbeddedError: One of them ended instead of becoming ready.
            StopRequested: A stop signal came first.
        """
        waiting = {}
        for title, (spec, check) in checks.items():
            child = self.start(spec)
            child.restarts = False  # until it is ready, an end is an error to tell
            waiting[title] = (child, check)
        while waiting:
            self.tick(0.03)
            if self.stop_requests:
                raise StopRequested
            for title, (child, check) in list(waiting.items()):
                if child.pid is None:
                    raise EmbeddedError(
                        f"{title} ended while it was starting; the last lines of {child.log}:",
                        *(f"  {line}" for line in tail(child.log)),
                    )
                if check():
                    child.restarts = True
                    self._console.done(title, time.monotonic() - child.started_at)
                    del waiting[title]

    def run_command(self, launch: Launch) -> int:
        """Run a command on our own terminal while the children are looked after.

        In a group of its own it gets SIGINT at the first stop signal, and SIGKILL some seconds
        later. In ours it got the terminal's Ctrl-C by itself; other signals are passed on.

        Returns:
            Its status, negative where a signal ended it.
        """
        process = spawn(launch, input_from=subprocess.DEVNULL if launch.own_group else None)
        seen = self.stop_requests
        deadline = float("inf")
        while not has_ended(process):
            self.tick(TICK)
            if self.stop_requests > seen:
                seen = self.stop_requests
                if launch.own_group:
                    signal_process(process.pid, signal.SIGINT)
                    deadline = min(deadline, time.monotonic() + COMMAND_STOP_SECONDS)
                elif self._last_signal != signal.SIGINT:
                    signal_process(process.pid, signal.SIGTERM)
            if time.monotonic() > deadline:
                signal_group(process.pid, signal.SIGKILL)
        return reap(process) if launch.own_group else process.wait()

    def wait_until(self, check: Callable[[], bool], *, seconds: float) -> bool:
        """Look after the children until the check succeeds, the time is over or a stop is asked."""
        deadline = time.monotonic() + seconds
        while not self.stop_requests and time.monotonic() < deadline:
            if check():
                return True
            self.tick(0.1)
        return False

    def run_until_stopped(self) -> None:
        """Look after the children until a stop signal comes."""
        while not self.stop_requests:
            self.tick(TICK)

    def tick(self, seconds: float) -> None:
        """One round: pass output on, bury the dead, start again what is due."""
        for key, _ in self._selector.select(self._until_next(seconds)):
            if key.data is None:
                self._drain_wakeups()
            else:
                self._read(key.data)
        for child in self._children.values():
            if child.ended():
                self._bury(child)
            if child.restart_at is not None and time.monotonic() >= child.restart_at:
                self._restart(child)

    def stop_all(self) -> None:
        """Stop every child, the highest stage first; one more stop signal kills what is left."""
        asked = self.stop_requests
        for stage in sorted({child.spec.stage for child in self._children.values()}, reverse=True):
            # Within a stage in the reverse order of the starts.
            children = [c for c in self._children.values() if c.spec.stage == stage][::-1]
            for child in children:
                child.begin_stop()
            while any(child.pid is not None for child in children):
                self.tick(0.1)
                for child in children:
                    child.continue_stop()
                if self.stop_requests > asked:
                    asked = self.stop_requests
                    self._kill_all()

    def close(self) -> None:
        """Give the loop's descriptors back."""
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _kill_all(self) -> None:
        for child in self._children.values():
            child.kill()

    def _until_next(self, seconds: float) -> float:
        due = [c.restart_at for c in self._children.values() if c.restart_at is not None]
        return max(0.0, min([seconds, *(at - time.monotonic() for at in due)]))

    def _drain_wakeups(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 512):
                pass

    def _start(self, child: Child) -> None:
        child.start()
        if child.pipe is not None:
            self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def _read(self, child: Child) -> None:
        if child.pipe is not None and not child.read():
            self._selector.unregister(child.pipe)

    def _bury(self, child: Child) -> None:
        pipe = child.pipe
        if pipe is not None and pipe in self._selector.get_map():
            self._selector.unregister(pipe)
        status = child.bury()
        if child.restarts:
            delay = child.plan_restart()
            self._console.line(
                f"{child.spec.name} ended ({describe(status)}); it starts again in {delay:.0f} s"
            )

    def _restart(self, child: Child) -> None:
        try:
            self._start(child)
        except (OSError, subprocess.SubprocessError, EmbeddedError) as error:
            delay = child.put_off_restart()
            self._console.line(
                f"{child.spec.name} could not start ({error}); next try in {delay:.0f} s"
            )


def describe(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"
