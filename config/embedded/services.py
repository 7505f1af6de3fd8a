"""PostgreSQL and Valkey together: which of them a start needs, and where they are."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from config.embedded.child import ChildSpec
from config.embedded.home import Home, write_json
from config.embedded.output import Console
from config.embedded.ports import free_port, remembered_ports
from config.embedded.postgres import Postgres
from config.embedded.supervisor import Supervisor
from config.embedded.valkey import BROKER_DATABASE, CACHE_DATABASE, Valkey

REDIS_SCHEMES = ("redis", "rediss", "valkey", "valkeys")


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """Where the services are; `cache_url` is empty where the broker cannot serve as a cache."""

    database_url: str
    broker_url: str
    cache_url: str

    def environment(self) -> dict[str, str]:
        """The same as variables; none for what is empty."""
        named = {
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_url,
            "CACHE_URL": self.cache_url,
        }
        return {name: url for name, url in named.items() if url}


@dataclass(frozen=True, slots=True)
class Services:
    """The embedded services of one start; None where the environment names another server."""

    home: Home
    postgres: Postgres | None
    valkey: Valkey | None
    urls: ServiceUrls

    def start(self, supervisor: Supervisor) -> None:
        """Start them side by side and wait until both answer."""
        checks: dict[str, tuple[ChildSpec, Callable[[], bool]]] = {}
        ports = {}
        if self.postgres is not None:
            checks["PostgreSQL"] = (self.postgres.spec(), self.postgres.is_ready)
            ports["postgres"] = self.postgres.port
        if self.valkey is not None:
            checks["Valkey"] = (self.valkey.spec(), self.valkey.is_ready)
            ports["valkey"] = self.valkey.port
        supervisor.start_and_wait(checks)
        if ports:
            write_json(self.home.ports_file, ports)

    def publish(self, *, web_url: str = "") -> None:
        """Leave the addresses for commands that are started beside the services."""
        write_json(
            self.home.services_file,
            {
                "database_url": self.urls.database_url,
                "broker_url": self.urls.broker_url,
                "cache_url": self.urls.cache_url,
                "secret_key_file": str(self.home.root / "secret_key"),
                "supervisor_pid": os.getpid(),
                "web_url": web_url,
            },
        )


def plan_services(home: Home, environment: Mapping[str, str], *, durable: bool = True) -> Services:
    """Which embedded services to start: those that the environment names no server for."""
    database_url = environment.get("DATABASE_URL", "")
    broker_url = environment.get("BROKER_URL", "")
    ports = remembered_ports(home.ports_file)
    postgres = valkey = None
    if not database_url:
        port = free_port(preferred=ports.get("postgres"))
        postgres = Postgres(home=home, port=port, durable=durable)
        database_url = postgres.url
    cache_url = environment.get("CACHE_URL", "") or cache_beside(broker_url)
    if not broker_url:
        port = free_port(preferred=ports.get("valkey"))
        valkey = Valkey(home=home, port=port, durable=durable)
        broker_url = valkey.url(BROKER_DATABASE)
        cache_url = environment.get("CACHE_URL", "") or valkey.url(CACHE_DATABASE)
    return Services(home, postgres, valkey, ServiceUrls(database_url, broker_url, cache_url))


def cache_beside(broker_url: str) -> str:
    """The cache's database on the broker's server; empty where that is no Redis."""
    parts = urlsplit(broker_url)
    if parts.scheme not in REDIS_SCHEMES:
        return ""
    return urlunsplit(parts._replace(path=f"/{CACHE_DATABASE}"))


@contextlib.contextmanager
def embedded_services(home: Path, durable: bool = True) -> Iterator[ServiceUrls]:
    """Run PostgreSQL and Valkey in a home folder for the duration of a `with` block.

    For tests and benchmarks. Always starts them, whatever the environment says. Enter it from a
    thread that lives as long as the block (the main one): both end with that thread.

    Args:
        home: Their folder; made where it does not exist.
        durable: False trades safety against power cuts for speed.

    Raises:
        HomeInUse: Something else runs on this home.
        EmbeddedError: A service did not start.
    """
    place = Home(Path(home).expanduser().resolve())
    place.prepare()
    with place.lock("exec"):
        supervisor = Supervisor(home=place, console=Console(quiet=True))
        try:
            services = plan_services(place, {}, durable=durable)
            services.start(supervisor)
            yield services.urls
        finally:
            with _no_interrupt():
                supervisor.stop_all()
            supervisor.close()


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Let no impatient Ctrl-C cut off a shutdown that takes a moment."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: no signal is handled here
        yield
        return
    try:
        yield
    finally:
        if before is not None:  # None: not set by Python, or Python itself is ending
            signal.signal(signal.SIGINT, before)
