"""Processes: start them so that none outlives us, find what an earlier start left, end it."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1
NOBODY = 65534
PROC = Path("/proc")

# Loaded here because nothing may be loaded between fork and exec.
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)


@dataclass(frozen=True, slots=True)
class Account:
    """Who a process runs as: by another user ID, or inside a user namespace of its own."""

    uid: int | None = None
    prefix: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """Keyword arguments of subprocess for this account."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": []}


OURSELVES = Account()
NOBODY_BY_ID = Account(uid=NOBODY)
NOBODY_BY_NAMESPACE = Account(
    prefix=("unshare", "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a process is started."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path | None  # None: ours
    account: Account = OURSELVES
    death_signal: signal.Signals = signal.SIGKILL
    nice: int = 0
    own_group: bool = True


def spawn(
    launch: Launch,
    *,
    output: IO[bytes] | int | None = None,
    input_from: IO[bytes] | int | None = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process that gets its death signal when ours ends, however ours ends.

    Call it from a thread that lives as long as the process should: the kernel sends the signal when
    the thread that forked ends.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _PRCTL is not None:
            _PRCTL(PR_SET_PDEATHSIG, int(launch.death_signal), 0, 0, 0)
        if os.getppid() != parent:  # we ended between fork and prctl
            os._exit(1)
        if launch.nice:
            os.nice(launch.nice)

    return subprocess.Popen(
        [*launch.account.prefix, *launch.command],
        env=dict(launch.environment),
        cwd=launch.folder,
        stdin=input_from,
        stdout=output,
        stderr=output if output is None else subprocess.STDOUT,
        preexec_fn=before_exec,
        # A group, not a session: a session is also a scheduling group on many kernels, and
        # "nice" would then say nothing about a child and its neighbours.
        process_group=0 if launch.own_group else None,
        **launch.account.options(),
    )


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; it is not reaped yet, so its group's ID still is its own."""
    if process.returncode is not None:
        return True
    try:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None
    except ChildProcessError:
        return True


def reap(process: subprocess.Popen[bytes]) -> int:
    """Kill what an ended child left of its group, and return the child's status."""
    if process.returncode is None:
        signal_group(process.pid, signal.SIGKILL)
    return process.wait()


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group that may have ended."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """One entry of /proc; what we may not read is empty."""

    pid: int

    @property
    def command(self) -> tuple[str, ...]:
        """The command line as the process shows it."""
        return tuple(_read(self.pid, "cmdline").rstrip(b"\0").decode(errors="replace").split("\0"))

    @property
    def environment(self) -> tuple[str, ...]:
        """NAME=value as it was when the process started."""
        return tuple(_read(self.pid, "environ").decode(errors="replace").split("\0"))

    @property
    def folder(self) -> str:
        """The working directory."""
        try:
            return str((PROC / str(self.pid) / "cwd").readlink())
        except OSError:
            return ""

    @property
    def is_running(self) -> bool:
        """Whether it exists and is no zombie."""
        state = _read(self.pid, "stat").rpartition(b")")[2].split()
        return bool(state) and state[0] not in (b"Z", b"X")


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def running_processes() -> Iterator[RunningProcess]:
    """Every process but ourselves; none on a system without /proc."""
    if not PROC.is_dir():
        return
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield RunningProcess(int(entry.name))


def end_leftovers(
    find: Callable[[], Iterable[RunningProcess]],
    *,
    stages: Sequence[tuple[signal.Signals | None, float]],
) -> int:
    """End the processes that `find` finds, stage by stage (signal, seconds to wait).

    `find` is asked again each time, so that no signal goes to a process that took a freed ID.

    Returns:
        How many there were at first.
    """
    count = len(list(find()))
    if not count:
        return 0
    for number, seconds in stages:
        for process in find():
            if number is not None:
                signal_process(process.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not any(process.is_running for process in find()):
                return count
            time.sleep(0.05)
    return count
