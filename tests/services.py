"""Pytest plugin: the real PostgreSQL and Valkey, started before Django reads its settings.

With DATABASE_URL set (services mode) those are used; else the embedded ones are started in a
temporary folder, without fsync, and stopped at the end. Each process of a run with several (`-n`)
starts its own: tests empty the cache and stop servers. Services that somebody named are therefore
one process's.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# More than four wait for each other's databases, and each takes some 1.5 GB.
MOST_PROCESSES = 4
# Read by the process of several that runs no test itself; nobody listens there.
NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "BROKER_URL": "redis://127.0.0.1:1/0",
}
# Set by pytest-xdist, before this, in the processes that run tests.
WORKER = "PYTEST_XDIST_WORKER"

_stack = contextlib.ExitStack()


def _start() -> None:
    for name, url in NOWHERE.items():
        if os.environ.get(name) == url:
            del os.environ[name]
    if "FORAY_TEST_HOME" in os.environ:
        folder = Path(os.environ["FORAY_TEST_HOME"]) / os.environ.get(WORKER, "")
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="foray-tests-"))
        folder.chmod(0o711)  # started by root, PostgreSQL runs as a user who must get through
        _stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ["FORAY_HOME"] = str(folder)
    if not os.environ.get("DATABASE_URL"):
        from config.embedded.services import embedded_services

        urls = _stack.enter_context(embedded_services(folder, durable=False))
        os.environ["DATABASE_URL"] = urls.database_url
        os.environ.setdefault("BROKER_URL", urls.broker_url)
        os.environ.setdefault("CACHE_URL", urls.cache_url)


def _only_hand_out(processes: str | int) -> None:
    if not os.environ.get("DATABASE_URL"):
        os.environ.update(NOWHERE)
    elif processes not in ("auto", "logical", 1):
        raise pytest.UsageError(
            "DATABASE_URL names services, and tests empty them: they are one process's. Run with "
            "-n 1, or without DATABASE_URL."
        )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """Start before pytest-django loads the settings."""
    given = early_config.known_args_namespace
    if given.help:
        return
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0" * 40)
    os.environ.setdefault("HTTPS", "0")
    os.environ.setdefault("STATIC_MANIFEST", "0")
    os.environ.setdefault("FORAY_EMBEDDED", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    processes = getattr(given, "numprocesses", None)
    if processes and WORKER not in os.environ:
        _only_hand_out(processes)
    else:
        _start()


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers():
    """A process for each processor that this run may use."""
    if os.environ["DATABASE_URL"] != NOWHERE["DATABASE_URL"]:
        return 1
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return min(MOST_PROCESSES, len(allowed(0)))


def pytest_unconfigure(config):
    """Stop what was started."""
    _stack.close()
