"""What the person at the terminal sees, and the log files of the children."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

LOG_LIMIT = 10 * 1024 * 1024
LINE_LIMIT = 64 * 1024
COLOURS = (36, 33, 35, 32, 34, 31)
NAME_WIDTH = 15


@dataclass(slots=True)
class Console:
    """Lines for a person. A terminal that went away silences it; the log files go on."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    quiet: bool = False

    def line(self, text: str = "") -> None:
        """One line."""
        self._write(text + "\n")

    def done(self, what: str, seconds: float) -> None:
        """A step that is finished, and how long it took."""
        self.line(f"  {what:<32} {seconds:6.1f} s")

    def child_line(self, name: str, text: str) -> None:
        """A line that a child wrote, marked with its name."""
        label = f"{name:<{NAME_WIDTH}}"
        if self.stream.isatty():
            # Not hash(): the colour of a name should be the same at each start.
            colour = COLOURS[sum(name.encode()) % len(COLOURS)]
            label = f"\033[{colour}m{label}\033[0m"
        self._write(f"{label} | {text}\n")

    def _write(self, text: str) -> None:
        if self.quiet:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            self.quiet = True


def open_log(path: Path) -> int:
    """A descriptor that appends to a log file; an old file over the limit is set aside first."""
    rotate(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def rotate(path: Path) -> None:
    """Set a log file aside as NAME.log.1 when it is over the limit."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_name(path.name + ".1"))


@dataclass(slots=True)
class LineReader:
    """Cuts what a child writes into lines, tells the console, keeps the log."""

    name: str
    console: Console
    log: Path
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the child's output."""
        self._append(data)
        for text in self._lines(data):
            self.console.child_line(self.name, text)

    def close(self) -> None:
        """The output has ended: show what was written without an end of line."""
        if self._rest:
            self.console.child_line(self.name, self._rest.decode(errors="replace"))
            self._rest = b""

    def _lines(self, data: bytes) -> Iterator[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            yield line.decode(errors="replace").rstrip("\r")

    def _append(self, data: bytes) -> None:
        # A full disk must stop neither the child nor the supervisor.
        with contextlib.suppress(OSError):
            handle = open_log(self.log)
            try:
                os.write(handle, data)
            finally:
                os.close(handle)


def tail(path: Path, lines: int = 5) -> list[str]:
    """The last lines of a log file."""
    try:
        data = path.read_bytes()[-8192:]
    except OSError:
        return []
    return data.decode(errors="replace").splitlines()[-lines:]
