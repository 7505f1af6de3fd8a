"""The whole product as a subprocess: how long it takes to start, and how much memory it takes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST_START_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Running:
    """A started product."""

    url: str
    start_seconds: float
    pid: int


@contextlib.contextmanager
def product(home: Path, *, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """`make run` without make, on a free port; stopped by SIGTERM at the end."""
    port = free_port()
    env = {
        **os.environ,
        **(environment or {}),
        "FORAY_HOME": str(home),
        "FORAY_PORT": str(port),
    }
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", "run"], cwd=ROOT, env=env, stdout=sys.stderr
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        yield Running(url, time.perf_counter() - begin, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for the readiness page; raises where the process ends before."""
    deadline = time.monotonic() + FIRST_START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the product stopped with status {process.returncode}")
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"{url}/api/v1/health/ready", timeout=5) as response,
        ):
            if response.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the product was not ready in time")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web_memory_bytes(supervisor_pid: int) -> int:
    """Memory of gunicorn's master and workers below the supervisor: PSS, shared pages once."""
    return sum(_pss_bytes(pid) for pid in _descendants(supervisor_pid) if _is_web(pid))


def _descendants(pid: int) -> list[int]:
    children = Path("/proc", str(pid), "task", str(pid), "children").read_text().split()
    found = [int(child) for child in children]
    return found + [deeper for child in found for deeper in _descendants(child)]


def _is_web(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"gunicorn" in Path("/proc", str(pid), "cmdline").read_bytes()
    return False


def _pss_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
