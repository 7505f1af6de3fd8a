"""Who may do what, how often, and what a broken request is told."""

import time

import pytest
from django.core.cache import caches
from django.test import Client

from catalog.api import throttling
from tests.catalog.rows import add_item

READS = ["/items", "/items/i1", "/collections", "/tasks"]
WRITES = [
    ("/items", "catalog:write"), ("/items/hide", "catalog:write"),
    ("/collections", "catalog:write"), ("/events", "events:write"), ("/labels", "labels"),
    ("/privacy/erase", "admin"),
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_reading_needs_a_key_only_where_it_is_not_public(caller, is_problem, settings, path):
    add_item("i1")
    settings.API_PUBLIC_READ = True
    assert caller().get(path).status_code == 200
    settings.API_PUBLIC_READ = False
    response = caller().get(path)
    assert "'read'" in is_problem(response, 401, "not_authenticated")["detail"]
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert caller("read").get(path).status_code == 200
    is_problem(caller("labels").get(path), 403, "not_allowed")


@pytest.mark.parametrize(("path", "scope"), WRITES)
def test_a_write_needs_its_scope_which_is_named(caller, is_problem, path, scope):
    assert f"'{scope}'" in is_problem(caller().post(path, {}), 401)["detail"]
    assert f"'{scope}'" in is_problem(caller("read").post(path, {}), 403)["detail"]
    is_problem(caller(scope).post(path, {}), 400)
    is_problem(caller("admin").post(path, {}), 400)


def test_labels_and_exports_are_no_public_reading(caller, is_problem):
    is_problem(caller().get("/labels"), 401)
    is_problem(caller("labels").get("/privacy/export?user_id=u"), 403)


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_wrong_key_is_refused_even_where_anybody_may_read(db, is_problem, header):
    value = "fry_wrong" if header == "X-API-Key" else "Bearer fry_wrong"
    is_problem(Client(headers={header: value}).get("/api/v1/items"), 401, "not_authenticated")


def test_a_key_may_come_in_either_header(caller):
    secret = caller("labels").client.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    assert Client(headers={"X-API-Key": secret}).get("/api/v1/labels").status_code == 200
    assert Client(headers={"Authorization": f"bearer {secret}"}).get(
        "/api/v1/labels"
    ).status_code == 200  # fmt: skip


@pytest.fixture
def clock(monkeypatch):
    """Stands at the beginning of a minute."""
    now = [time.time() // 60 * 60 + 10]
    monkeypatch.setattr(throttling.time, "time", lambda: now[0])
    return now


def test_a_key_has_its_rate_and_the_next_minute_begins_anew(caller, is_problem, clock):
    reader, other = caller("read", rate=2), caller("read", rate=2)
    first = reader.get("/items")
    assert first["RateLimit-Policy"] == '"minute";q=2;w=60'
    assert first["RateLimit"] == '"minute";r=1;t=50'
    assert reader.get("/items").status_code == 200
    refused = reader.get("/items")
    is_problem(refused, 429, "too_many_requests")
    assert (refused["Retry-After"], refused["RateLimit"]) == ("50", '"minute";r=0;t=50')
    assert other.get("/items").status_code == 200
    clock[0] += 60
    assert reader.get("/items").status_code == 200


def test_those_without_a_key_are_counted_by_address(caller, is_problem, settings, clock):
    settings.API_ANONYMOUS_RATE_PER_MINUTE = 1
    assert caller().get("/items", REMOTE_ADDR="10.0.0.1").status_code == 200
    is_problem(caller().get("/items", REMOTE_ADDR="10.0.0.1"), 429)
    forged = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "10.9.9.9"}
    is_problem(caller().get("/items", **forged), 429)
    assert caller().get("/items", REMOTE_ADDR="10.0.0.2").status_code == 200


def test_everybody_may_while_the_cache_is_away(caller, settings, monkeypatch, clock):
    settings.API_ANONYMOUS_RATE_PER_MINUTE = 1
    away = caches.create_connection("default")
    away._servers = ["redis://127.0.0.1:1/0"]
    away.__dict__.pop("_cache", None)
    monkeypatch.setattr(throttling, "cache", away)
    for _ in range(3):
        assert caller().get("/items").status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "line 1, column 2"), ('{"items": [1,\n2,]}', "line 2"), ("", "items"),
        ('{"items": [NaN]}', "NaN"), ('{"items": [-Infinity]}', "Infinity"), ("[]", "list"),
        ('"x"', "str"), ("null", ""), ("[" * 200_000, "deeply"), (b"\xff\xfe", "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"), ('{"items": [' + "9" * 5000 + "]}", ""),
        ('{"itmes": []}', "'items'"), ('{"items\\u0000": []}', "Unknown field"),
        ('{"\\ud800": []}', "Unknown field"),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_told_why(caller, is_problem, body, words):
    assert words in is_problem(caller("catalog:write").post("/items", body), 400)["detail"]


def test_other_formats_are_refused(caller, is_problem):
    writer = caller("catalog:write")
    for kind in ("text/xml", "application/x-www-form-urlencoded", "multipart/form-data", "x"):
        response = writer.post("/items", "a=b", content_type=kind)
        is_problem(response, 415, "unsupported_media_type")
    is_problem(writer.get("/items", headers={"accept": "text/csv"}), 406, "not_acceptable")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(caller, is_problem):
    class Unread:
        def read(self, *args):
            raise AssertionError("the body was read")

        readline = read

    client = caller("catalog:write").client
    response = client.generic(
        "POST", "/api/v1/items", b"", content_type="application/json",
        **{
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "52428800",
            "wsgi.input": Unread(),
        },
    )  # fmt: skip
    is_problem(response, 413, "too_large")


def test_a_body_in_chunks_is_asked_for_its_length(caller, is_problem):
    client = caller("catalog:write").client
    response = client.generic(
        "POST", "/api/v1/items", b"", content_type="application/json",
        **{"HTTP_TRANSFER_ENCODING": "chunked"},
    )  # fmt: skip
    is_problem(response, 411, "length_required")


@pytest.mark.parametrize("path", ["/nothing", "/items/", "/events/x", "/tasks/no-uuid", "/"])
def test_an_unknown_path_is_a_problem_and_no_page(caller, is_problem, path):
    is_problem(caller().get(path), 404, "not_found")


def test_a_method_that_does_not_exist_names_those_that_do(caller, is_problem):
    response = caller("admin").client.delete("/api/v1/items")
    is_problem(response, 405, "method_not_allowed")
    assert "POST" in response["Allow"]


def test_a_host_that_is_not_ours_is_a_problem_and_no_page(caller, is_problem):
    is_problem(caller().get("/items", headers={"host": "evil.example"}), 400, "bad_request")


def test_an_error_of_ours_is_a_problem_without_a_trace(caller, is_problem, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("secret inside")

    monkeypatch.setattr("catalog.api.items.page_response", broken)
    reader = caller()
    reader.client.raise_request_exception = False
    response = reader.get("/items")
    assert is_problem(response, 500, "internal_error")["request_id"]
    assert "secret" not in response.content.decode()


def test_a_nul_in_the_address_is_refused(caller):
    for path in ("/items/a%00b", "/items?cursor=%00", "/collections/%00"):
        response = caller().get(path)
        assert response.status_code == 400, path
        assert response["Content-Type"] == "application/problem+json"
