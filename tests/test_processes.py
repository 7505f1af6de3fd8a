"""Tests in several processes: each has services of its own, and named ones are one process's."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests import services
from tests.conftest import ROOT

SOMEWHERE = "postgresql://someone@127.0.0.1:5432/theirs"


def collected(processes):
    """A run that only collects one file, with a database that somebody named."""
    told = {name: value for name, value in os.environ.items() if services.WORKER not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", processes, "--collect-only", "-q", __file__],
        cwd=ROOT, env={**told, "DATABASE_URL": SOMEWHERE}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_several_processes_do_not_share_services_that_somebody_named():
    found = collected("2")
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Run with -n 1, or without DATABASE_URL" in found.stderr


@pytest.mark.parametrize(
    ("database", "most"), [(SOMEWHERE, 1), (services.NOWHERE["DATABASE_URL"], 4)]
)
def test_auto_is_one_process_where_services_are_named(monkeypatch, database, most):
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(9), raising=False)
    assert services.pytest_xdist_auto_num_workers() == most


def test_this_process_has_a_database_and_a_broker_of_its_own():
    for name, nowhere in services.NOWHERE.items():
        assert urlsplit(os.environ[name]).port != urlsplit(nowhere).port
