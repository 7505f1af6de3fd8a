"""The home folder: where everything is, its lock, its secrets, and what the services run on."""

import contextlib
import fcntl
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError, HomeInUse


@dataclass(frozen=True, slots=True)
class Home:
    """One folder for the data, logs and secrets of one Foray."""

    root: Path

    @property
    def run_folder(self) -> Path:
        """What is true while Foray runs: lock, addresses, ports."""
        return self.root / "run"

    @property
    def log_folder(self) -> Path:
        """One log for each process."""
        return self.root / "log"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.root / "postgres"

    @property
    def valkey_data(self) -> Path:
        """Valkey's append-only file."""
        return self.root / "valkey"

    @property
    def services_file(self) -> Path:
        """The addresses of the running services, for commands started beside them."""
        return self.run_folder / "services.json"

    @property
    def ports_file(self) -> Path:
        """The ports of the last start."""
        return self.run_folder / "ports.json"

    @property
    def lock_file(self) -> Path:
        """Locked while somebody runs the services; says who."""
        return self.run_folder / "lock"

    @property
    def guests_file(self) -> Path:
        """Share-locked by commands that use services which another command started."""
        return self.run_folder / "guests"

    def prepare(self) -> None:
        """Make the folders; raise a plain explanation where that is impossible."""
        if self.root.exists() and not self.root.is_dir():
            raise EmbeddedError(
                f"The home folder {self.root} is a file.",
                "Remove it, or choose another folder: FORAY_HOME=/path/to/folder make run",
            )
        # As root, PostgreSQL runs as another user and has to pass through to its own folder.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.root.mkdir(mode=mode, parents=True, exist_ok=True)
            for folder in (self.run_folder, self.log_folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.run_folder):
                pass
        except OSError as error:
            raise EmbeddedError(
                f"The home folder {self.root} cannot be written: {error.strerror}.",
                "Give this user the right to, or choose another folder: "
                "FORAY_HOME=/path/to/folder make run",
            ) from None

    def secret(self, name: str) -> str:
        """The secret of this name, made at the first call and kept in a file of mode 0600."""
        path = self.root / name
        if not path.is_file():
            write_private(path, secrets.token_urlsafe(48) + "\n")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        return path.read_text(encoding="utf-8").strip()

    @contextlib.contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Hold this home alone.

        Args:
            purpose: "run" or "exec", for whoever comes second.

        Raises:
            HomeInUse: Another process holds it; says which one and what to do.
        """
        with self.lock_file.open("a+", encoding="utf-8") as file:
            self.lock_file.chmod(0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._in_use() from None
            file.truncate(0)
            file.write(f"{os.getpid()} {purpose}\n")
            file.flush()
            self.services_file.unlink(missing_ok=True)
            try:
                yield
            finally:
                self.services_file.unlink(missing_ok=True)
                file.truncate(0)

    def _in_use(self) -> HomeInUse:
        words = self.lock_file.read_text(encoding="utf-8").split()
        pid = int(words[0]) if words and words[0].isdigit() else 0
        stop = f"Stop it with Ctrl-C in its window or `kill {pid}`" if pid else "Stop it"
        return HomeInUse(
            f"Foray already runs on {self.root}" + (f" (process {pid})." if pid else "."),
            f"{stop}, or run a second one elsewhere:",
            "  FORAY_HOME=/another/folder FORAY_PORT=8001 make run",
            pid=pid,
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def write_json(path: Path, value: object) -> None:
    """Write JSON that only its owner can read; whole or not at all."""
    write_private(path, json.dumps(value, indent=2) + "\n")
