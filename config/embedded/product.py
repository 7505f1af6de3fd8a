"""The processes of Foray itself: the first-run set-up, the web server, two workers, a scheduler."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from config.embedded.child import ChildSpec
from config.embedded.home import Home
from config.embedded.process import Launch, RunningProcess, end_leftovers, running_processes
from config.embedded.redelivery import redeliver
from config.embedded.services import ServiceUrls
from config.embedded.web import WebAddress

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# In the environment of each child, so that the next start finds those that a killed one left.
MARK = "FORAY_CHILD_OF"
LEFTOVER_STAGES = ((None, 2.0), (signal.SIGKILL, 5.0))

# SIGTERM lets a worker finish its task, SIGQUIT makes it give the task back to the queue.
WORKER_STOP = ((signal.SIGTERM, 6.0), (signal.SIGQUIT, 2.0))
WEB_STAGE, WORKER_STAGE = 2, 3

CELERY = ("-m", "celery", "--quiet", "-A", "workers")
# Whoever starts Foray as root has decided so; nine lines at each start do not change it.
NO_ROOT_WARNING = "ignore:You're running the worker with superuser privileges"


def application_environment(
    caller: Mapping[str, str], *, home: Home, urls: ServiceUrls
) -> dict[str, str]:
    """The caller's environment with everything that Foray's settings have to know."""
    inherited = {name: value for name, value in caller.items() if name != MARK}
    return {
        **inherited,
        **urls.environment(),
        "FORAY_HOME": str(home.root),
        "FORAY_EMBEDDED": "1",
        "SECRET_KEY": caller.get("SECRET_KEY") or home.secret("secret_key"),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
    }


def child_environment(
    caller: Mapping[str, str], *, home: Home, urls: ServiceUrls
) -> dict[str, str]:
    """The same for a supervised child, which also carries our mark."""
    return {**application_environment(caller, home=home, urls=urls), MARK: str(home.root)}


def setup_launch(environment: Mapping[str, str]) -> Launch:
    """Migrations and first data; cheap when there is nothing to do."""
    return _launch(environment, sys.executable, "manage.py", "setup", death_signal=signal.SIGINT)


def product_children(
    environment: Mapping[str, str], *, web: WebAddress, own_broker: bool
) -> list[ChildSpec]:
    """What runs after the set-up, in the order of the starts.

    Args:
        environment: The children's.
        web: Where the web server listens.
        own_broker: Whether nobody else's workers are on the broker, so that a task which was
            handed out before a worker's start can only be lost.
    """
    return [
        _web(environment, web),
        _worker(environment, queue="default", nice=5, own_broker=own_broker),
        _worker(environment, queue="training", nice=10, own_broker=own_broker),
        ChildSpec(
            name="scheduler",
            launch=_launch(
                environment,
                *(sys.executable, *CELERY, "beat", "-l", "info"),
                *("--pidfile=", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"),
                nice=5,
            ),
            stage=WORKER_STAGE,
        ),
    ]


def end_leftover_children(home: Home) -> int:
    """End what a killed supervisor of this home left running; returns how many there were."""
    mark = f"{MARK}={home.root}"

    def find() -> list[RunningProcess]:
        return [process for process in running_processes() if mark in process.environment]

    return end_leftovers(find, stages=LEFTOVER_STAGES)


def _web(environment: Mapping[str, str], web: WebAddress) -> ChildSpec:
    # A request is answered by one thread: libraries that start more only get in each other's way.
    limits = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return ChildSpec(
        name="web",
        launch=_launch(
            {**environment, **limits},
            *(sys.executable, "-m", "gunicorn", "config.wsgi:application"),
            *("--bind", web.bind, "--workers", "1", "--worker-class", "gthread", "--threads", "8"),
            *("--timeout", "60", "--graceful-timeout", "5", "--no-control-socket"),
            *("--config", "python:config.embedded.web_limits"),
            death_signal=signal.SIGQUIT,
        ),
        stage=WEB_STAGE,
    )


def _worker(
    environment: Mapping[str, str], *, queue: str, nice: int, own_broker: bool
) -> ChildSpec:
    def give_tasks_back() -> None:
        redeliver(broker_url=environment["BROKER_URL"], queue=queue)

    return ChildSpec(
        name=f"worker-{queue}",
        launch=_launch(
            # Only the queue that encodes items has use for the encoder from the start.
            {**environment, "WORKER_WARM_UP": str(int(queue == "default"))},
            *(sys.executable, "-W", NO_ROOT_WARNING, *CELERY, "worker", "-Q", queue),
            *("-n", f"{queue}@%h", "-c", "1", "--prefetch-multiplier", "1", "-l", "info"),
            # Each start is a second quicker; nothing here needs workers to know each other.
            *("--without-mingle", "--without-gossip"),
            nice=nice,
            death_signal=signal.SIGQUIT,
        ),
        stop=WORKER_STOP,
        stage=WORKER_STAGE,
        prepare=give_tasks_back if own_broker else None,
    )


def _launch(
    environment: Mapping[str, str],
    *command: str,
    nice: int = 0,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Launch:
    return Launch(
        command=command,
        environment=environment,
        folder=PROJECT_ROOT,
        nice=nice,
        death_signal=death_signal,
    )
