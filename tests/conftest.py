"""Fixtures for all tests: a clean cache, a project root, and data shared by many."""

import os
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from hypothesis import settings as hypothesis_settings

from catalog import directory, partitions
from recs import registry, surfaces, versions
from recs.registry import forget_live
from recs.user_models import forget_models
from recs.versions import forget_live_version

# CI tries the same cases each time, so that a red run is about the change; a developer's runs go
# on looking for new ones, and what they find becomes an @example.
hypothesis_settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis_settings.load_profile("ci")

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items):
    """Files with slow tests first: at the end, one process would run them and the others wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def clean_cache():
    """No test sees what another one cached."""
    cache.clear()
    # An installation with one catalog, known without asking a database that a test may not touch.
    directory.assume(())
    forget_live_version()
    forget_live()
    forget_models()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def own_artifacts(settings, tmp_path):
    """Versions that a test trains are written to a folder of its own."""
    settings.RECS_ARTIFACT_DIR = tmp_path / "models"


@pytest.fixture(autouse=True)
def no_events_left(request):
    """Empty the event table after a test that commits: Django flushes only tables it manages."""
    yield
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and marker.kwargs.get("transaction")
    if (
        commits
        or "transactional_db" in request.fixturenames
        or "live_server" in request.fixturenames
    ):
        with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE catalog_event")


@pytest.fixture
def remembering(monkeypatch):
    """A function after which statements can be counted: they depend on no clock, no earlier test.

    What is live is asked for anew after a second, which passes in the midst of a count on a slow
    machine; and a month's partition is known to a process that has committed an event of it.
    """
    for module, name in ((registry, "LIVE_SECONDS"), (versions, "LIVE_SECONDS"),
                         (surfaces, "READ_SECONDS"), (directory, "READ_SECONDS")):  # fmt: skip
        monkeypatch.setattr(module, name, 3600.0)

    def remember():
        now = timezone.now()
        partitions.ensure_partitions([now])
        known = {*partitions._known.value, partitions.month_of(now)}
        monkeypatch.setattr(partitions._known, "value", known)

    return remember


@pytest.fixture
def django_assert_max_num_queries(remembering, django_assert_max_num_queries):
    """pytest-django's, of a process that remembers what it does after a while."""

    def counted(*given, **more):
        remembering()
        return django_assert_max_num_queries(*given, **more)

    return counted


@pytest.fixture
def django_assert_num_queries(remembering, django_assert_num_queries):
    """Likewise."""

    def counted(*given, **more):
        remembering()
        return django_assert_num_queries(*given, **more)

    return counted


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real data beside the checkout; tests that need it skip where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not found at {SHARED_DATA.relative_to(ROOT.parent)}")
    return SHARED_DATA
