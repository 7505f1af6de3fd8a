import re

import pytest
from celery import current_app
from django.db import OperationalError, connection
from django.test import Client

from catalog.api import problems
from catalog.errors import ProjectError


def test_live_needs_no_database(django_db_blocker):
    with django_db_blocker.block():
        response = Client().get("/api/v1/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_names_every_service():
    response = Client().get("/api/v1/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "cache": "ok", "broker": "ok"},
    }


@pytest.mark.django_db
def test_a_broker_that_is_away_degrades_and_no_more():
    before = current_app.conf.broker_url
    current_app.conf.broker_url = current_app.conf.broker_write_url = "redis://127.0.0.1:1/0"
    try:
        response = Client().get("/api/v1/health/ready")
    finally:
        current_app.conf.broker_url = current_app.conf.broker_write_url = before
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert "background work waits" in response.json()["checks"]["broker"]


@pytest.mark.django_db
def test_a_database_that_is_away_is_not_ready():
    def lost(execute, sql, params, many, context):
        raise OperationalError("server closed the connection at 10.0.0.1 for user foray")

    with connection.execute_wrapper(lost):
        response = Client().get("/api/v1/health/ready")
        items = Client().get("/api/v1/items")
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    assert "10.0.0.1" not in response.content.decode()
    assert items.status_code == 503
    assert items["Retry-After"] == "5"
    assert items.json()["code"] == "unavailable"


@pytest.mark.parametrize(("path", "says"), [("/api/v1/items", "unavailable"), ("/", "Back in")])
def test_a_database_that_is_lost_before_the_view_is_away_as_well(monkeypatch, path, says):
    def lost(host):
        raise OperationalError("couldn't get a connection to 10.0.0.1")

    monkeypatch.setattr("catalog.directory.of_host", lost)
    response = Client(raise_request_exception=False).get(path)
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert says in response.content.decode()
    assert "10.0.0.1" not in response.content.decode()


@pytest.mark.django_db
def test_migrations_that_are_missing_are_told():
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'catalog' AND name = "
            "(SELECT max(name) FROM django_migrations WHERE app = 'catalog')"
        )
    response = Client().get("/api/v1/health/ready")
    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["checks"]["migrations"]


def _with_subclasses(error):
    return {error}.union(*(_with_subclasses(below) for below in error.__subclasses__()))


def test_every_code_has_its_section_and_no_section_is_left_over():
    page = Client().get("/api/v1/docs/errors").content.decode()
    told = set(re.findall(r'<h2 id="([a-z_]+)">', page))
    # Importers and language models run from commands and tasks only: no answer of the API.
    own = {
        error.code
        for error in _with_subclasses(ProjectError)
        if not error.__module__.startswith(("catalog.importers", "workers."))
    }
    early = {"too_long", "control_character", "too_many_parameters"}  # config/middleware.py
    assert told == own | early | set(problems.CODES.values()) | problems.OWN_CODES


@pytest.mark.django_db
def test_the_documentation_page_loads_nothing_from_another_host(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    page = Client().get("/api/v1/docs").content.decode()
    assert "swagger-ui" in page
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(not address.startswith(("http", "//")) for address in loaded)
