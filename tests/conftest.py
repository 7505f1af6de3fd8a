"""Fixtures for all tests: a clean cache, a project root, and data shared by many."""

from pathlib import Path

import pytest
from django.core.cache import cache

from recs.versions import forget_live_version

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def clean_cache():
    """No test sees what another one cached."""
    cache.clear()
    forget_live_version()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real data beside the checkout; tests that need it skip where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not found at {SHARED_DATA.relative_to(ROOT.parent)}")
    return SHARED_DATA
