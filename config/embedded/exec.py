"""`exec -- CMD`: one command with the embedded services at hand."""

import contextlib
import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from config.embedded.errors import HomeInUse
from config.embedded.home import Home
from config.embedded.output import Console
from config.embedded.process import Launch
from config.embedded.product import application_environment
from config.embedded.run import home_of
from config.embedded.services import Services, ServiceUrls, plan_services
from config.embedded.supervisor import StopRequested, Supervisor

WAIT_FOR_START = 60.0
Environment = Mapping[str, str]


def execute(command: Sequence[str], environment: Environment) -> int:
    """Run a command with the services' addresses in its environment; returns its status.

    The services of a Foray that runs on this home are used where there is one. Else they are
    started for the command, and stopped after it.
    """
    home = home_of(environment)
    home.prepare()
    deadline = time.monotonic() + WAIT_FOR_START
    while True:
        try:
            with home.lock("exec"):
                services = plan_services(home, environment)
                return _run_command(command, environment, services=services)
        except HomeInUse as in_use:
            with _as_guest(home) as welcome:
                urls = _published(home, pid=in_use.pid) if welcome else None
                if urls is not None:
                    services = Services(home, None, None, urls)
                    return _run_command(command, environment, services=services)
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)  # it is starting, or just stopping


def _run_command(command: Sequence[str], environment: Environment, *, services: Services) -> int:
    home = services.home
    supervisor = Supervisor(home=home, console=Console(stream=sys.stderr, quiet=True))
    starts_any = services.postgres is not None or services.valkey is not None
    with supervisor.signals():
        try:
            services.start(supervisor)
            if starts_any:
                services.publish()
            launch = Launch(
                command=command,
                environment=application_environment(environment, home=home, urls=services.urls),
                folder=None,
                death_signal=signal.SIGTERM,
                own_group=False,
            )
            status = supervisor.run_command(launch)
            if starts_any:
                supervisor.wait_until(lambda: _guests_are_gone(home), seconds=float("inf"))
        except StopRequested:
            status = -signal.SIGINT
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            status = 127
        finally:
            supervisor.stop_all()
            supervisor.close()
    return status if status >= 0 else 128 - status


def _published(home: Home, *, pid: int) -> ServiceUrls | None:
    """The addresses that the holder of the home's lock left; None while it has none yet."""
    try:
        found = json.loads(home.services_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if found.get("supervisor_pid") != pid:
        return None
    return ServiceUrls(found["database_url"], found["broker_url"], found["cache_url"])


@contextlib.contextmanager
def _as_guest(home: Home) -> Iterator[bool]:
    """Keep the command that owns the services from stopping them; False where it already does."""
    with home.guests_file.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _guests_are_gone(home: Home) -> bool:
    with home.guests_file.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
