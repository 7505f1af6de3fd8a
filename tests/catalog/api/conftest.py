"""Callers of the API, each with a real key."""

import json
from dataclasses import dataclass

import pytest
from django.test import Client

from catalog.keys import issue_key


@dataclass
class Caller:
    client: Client

    def get(self, path, **extra):
        return self.client.get(f"/api/v1{path}", **extra)

    def post(self, path, body, **extra):
        return self._send("post", path, body, **extra)

    def patch(self, path, body, **extra):
        return self._send("patch", path, body, **extra)

    def _send(self, method, path, body, **extra):
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        extra = {"content_type": "application/json", **extra}
        return getattr(self.client, method)(f"/api/v1{path}", data, **extra)


@pytest.fixture
def caller(db):
    """caller() asks without a key, caller("labels") with one of that scope."""

    def make(*scopes, rate=10_000):
        if not scopes:
            return Caller(Client())
        _, secret = issue_key(name="test", scopes=scopes, rate_per_minute=rate)
        return Caller(Client(headers={"authorization": f"Bearer {secret}"}))

    return make


@pytest.fixture
def admin(caller):
    return caller("admin")


@pytest.fixture
def is_problem():
    """Asserts a problem document, and gives it."""

    def check(response, status, code=None, field=None):
        assert response.status_code == status, response.content[:500]
        assert response["Content-Type"] == "application/problem+json"
        body = response.json()
        assert body["status"] == status
        assert body["type"] == f"/api/v1/docs/errors#{body['code']}"
        assert body["detail"]
        assert "Traceback" not in response.content.decode()
        if code:
            assert body["code"] == code
        if field is not None:
            assert field in [error["field"] for error in body["errors"]]
        return body

    return check
