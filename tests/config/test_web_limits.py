"""Long addresses reach the site, which answers in its own words; endless ones do not."""

import importlib

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser, message
from gunicorn.http.errors import LimitRequestLine

from config.embedded import product, web_limits
from config.embedded.web import WebAddress


@pytest.fixture
def gunicorn(monkeypatch):
    monkeypatch.setattr(message, "MAX_REQUEST_LINE", 8190)
    importlib.reload(web_limits)
    settings = Config()
    settings.set("limit_request_line", web_limits.limit_request_line)
    return settings


def request_of(settings, length):
    line = b"GET /search?q=" + b"x" * length + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return next(RequestParser(settings, [line], ("127.0.0.1", 1)))


def test_an_address_of_100_000_characters_is_read(gunicorn):
    assert len(request_of(gunicorn, 100_000).query) == 100_002


def test_an_endless_address_is_not(gunicorn):
    with pytest.raises(LimitRequestLine):
        request_of(gunicorn, 200_000)


def test_the_web_process_is_started_with_these_limits():
    spec = product._web({}, WebAddress(host="127.0.0.1", port=8000))
    assert f"python:{web_limits.__name__}" in repr(spec.launch)
