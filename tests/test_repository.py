"""The repository keeps its own rules: sizes, documented files, lint contracts, safe text."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "catalog", "recs", "search", "workers", "benchmarks", "tests")
MAX_LINES = 400


def python_files():
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    ]


def test_no_python_file_is_longer_than_the_limit():
    lengths = {path: len(path.read_text().splitlines()) for path in python_files()}
    assert len(lengths) > 100
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > MAX_LINES} == {}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_a_document_names_exists(document):
    text = (ROOT / document).read_text()
    named = {
        name
        for name in re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:md|toml|py|txt))`", text)
        if not name.startswith(("/", "api/", "http", "var/", ".venv"))
    }
    assert len(named) > 8
    assert sorted(name for name in named if not (ROOT / name.rstrip("/")).exists()) == []


def test_import_contracts_are_kept():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "0 broken" in done.stdout


def test_direct_dependencies_are_pinned_and_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = project["dependencies"] + [
        name for extra in project["optional-dependencies"].values() for name in extra
    ]
    lock = {
        line.split("==")[0].lower().replace("_", "-"): line.split("==")[1].strip()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    }
    for requirement in direct:
        name, _, version = requirement.partition("==")
        bare = name.split("[")[0].lower().replace("_", "-")
        assert version, f"{requirement} is not pinned"
        assert lock.get(bare) == version, f"{requirement} is not what constraints.txt locks"


def test_no_task_may_run_longer_than_the_broker_waits():
    from workers.celery import app

    app.loader.import_default_modules()
    limits = [
        task.time_limit or settings.CELERY_TASK_TIME_LIMIT
        for name, task in app.tasks.items()
        if not name.startswith("celery.")
    ]
    assert len(limits) >= 6
    assert max(limits) < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def test_every_scheduled_task_exists():
    from workers.celery import app
    from workers.schedule import SCHEDULE

    app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)


def test_no_two_jobs_take_the_same_lock():
    keys = [
        (key, path.name)
        for path in python_files()
        for key in re.findall(r"^\w*LOCK_SPACE = ([\d_]+)", path.read_text(), flags=re.M)
    ]
    assert len(keys) > 8
    assert len({key for key, _ in keys}) == len(keys), sorted(keys)


def test_what_a_process_remembers_is_kept_for_each_catalog():
    """A module's own variable that functions set would be every catalog's: see PerCatalog."""
    setting = {
        path.name
        for path in python_files()
        if not path.is_relative_to(ROOT / "tests") and not path.is_relative_to(ROOT / "benchmarks")
        if re.search(r"^ +global \w+$", path.read_text(), flags=re.M)
    }
    # The list of the catalogs is everybody's.
    assert setting == {"directory.py"}
