"""Pages are printed without a manifest of static files: tests need no collectstatic."""

import pytest

from catalog.profiles import forget_profile


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def fresh_profile():
    forget_profile()
    yield
    forget_profile()
