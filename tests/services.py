"""Pytest plugin: the real PostgreSQL and Valkey, started before Django reads its settings.

With DATABASE_URL set (services mode) those are used; else the embedded ones are started in a
temporary folder, without fsync, and stopped at the end.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_stack = contextlib.ExitStack()


def _start() -> None:
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0" * 40)
    os.environ.setdefault("HTTPS", "0")
    os.environ.setdefault("STATIC_MANIFEST", "0")
    os.environ.setdefault("FORAY_EMBEDDED", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if "FORAY_TEST_HOME" in os.environ:
        folder = Path(os.environ["FORAY_TEST_HOME"])
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


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """Start before pytest-django loads the settings."""
    if not early_config.known_args_namespace.help:
        _start()


def pytest_unconfigure(config):
    """Stop what was started."""
    _stack.close()
