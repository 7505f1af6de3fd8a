"""A real Chromium against a live server with fifteen films on it.

FORAY_SHOTS=DIR keeps the pictures that tests take, FORAY_SHOTS_WIDTH pixels wide (1280).
"""

import os
from pathlib import Path

import pytest

from catalog.models import Event
from catalog.profiles import forget_profile
from search.query_store import build_queries
from search.spelling import build_terms
from tests.search.films import load_films

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SHOTS = os.environ.get("FORAY_SHOTS", "")
WIDTH = int(os.environ.get("FORAY_SHOTS_WIDTH", "1280"))
# Playwright's loop runs in this thread, so Django takes every query for one inside a coroutine.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(items):
    """Mark what is here, and skip it with a reason where there is no Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                reason = f"no Chromium at {CHROMIUM}; name one with CHROMIUM=/path"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {
        "executable_path": str(CHROMIUM),
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def site(live_server, transactional_db):
    """The server's address; its catalog is searchable."""
    forget_profile()
    # The partitioned table is not Django's, so it is not emptied between tests.
    Event.objects.all().delete()
    load_films()
    build_terms()
    build_queries()
    yield live_server.url
    forget_profile()


@pytest.fixture
def shot(page, request):
    """Takes a numbered picture of the page as it stands, where pictures are wanted."""
    taken = []

    def take(name):
        taken.append(name)
        if SHOTS:
            told = request.node.name.split("[")[0].removeprefix("test_")[:24]
            page.set_viewport_size({"width": WIDTH, "height": 900})
            path = Path(SHOTS, f"{told}-{len(taken):02}-{name}-{WIDTH}.png")
            page.screenshot(path=path, full_page=True)

    return take


@pytest.fixture
def console(page):
    """What the browser complained of; empty at the end of every test that asks for it."""
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    yield complaints
    assert complaints == []
