"""What the OpenAPI document promises of the catalog's paths, tried with generated requests."""

import json

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as conformance

from catalog.keys import issue_key
from config.wsgi import application
from tests.catalog.rows import add_item

pytestmark = pytest.mark.django_db
CHECKS = [
    schemathesis.checks.not_a_server_error,
    *(
        getattr(conformance, name)
        for name in (
            "status_code_conformance",
            "content_type_conformance",
            "response_schema_conformance",
        )
    ),
]
OURS = r"^/api/v1/(items|collections|events|labels|tasks|privacy|health)"
SETTINGS = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def document():
    return json.loads(Client().get("/api/v1/openapi.json").content)


@pytest.fixture
def schema(db):
    # As Django's test client does: a request's end leaves the test's connection open.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application).include(
        path_regex=OURS
    )
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(db):
    _, secret = issue_key(name="contract", scopes=["admin"], rate_per_minute=1_000_000)
    return secret


def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]


def test_the_document_is_openapi_3_1_with_stable_operation_ids(document):
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert {
        "upsert_items", "list_items", "get_item", "patch_item", "hide_items", "upsert_collection",
        "list_collections", "get_collection", "record_events", "set_label", "list_labels",
        "list_tasks", "get_task", "erase_person", "export_person", "health_live", "health_ready",
    } <= set(ids)  # fmt: skip


def test_every_error_is_documented_as_a_problem(document):
    for method, path, operation in operations(document):
        if "/health/" in path:
            continue
        problems = {status for status in operation["responses"] if status >= "400"}
        assert {"400", "401", "403", "429", "503"} <= problems, (method, path)
        if "requestBody" in operation:
            assert {"413", "415"} <= problems, (method, path)
        for status in problems:
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (method, path, status)


def test_keys_are_asked_for_in_both_headers_and_reading_may_need_none(document):
    schemes = document["components"]["securitySchemes"].values()
    assert {(scheme["type"], scheme.get("in")) for scheme in schemes} == {
        ("http", None), ("apiKey", "header"),
    }  # fmt: skip
    assert {} in document["paths"]["/api/v1/items"]["get"]["security"]
    assert {} not in document["paths"]["/api/v1/items"]["post"]["security"]


def test_bodies_are_closed_to_unknown_fields(document):
    components = document["components"]["schemas"]
    requests = {name: part for name, part in components.items() if name.endswith("Request")}
    assert len(requests) >= 5
    for name, part in requests.items():
        assert part.get("additionalProperties") is False or "properties" not in part, name


def test_every_reference_of_the_document_resolves(document):
    components = document["components"]["schemas"]
    for part in components.values():
        Draft202012Validator.check_schema(part)
    for reference in json.dumps(document).split('"$ref": "')[1:]:
        name = reference.split('"')[0].removeprefix("#/components/schemas/")
        assert name in components, name


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_generated_requests_are_answered_as_the_document_says(schema, key, mode):
    add_item("i1")
    labels = []
    for found in schema.get_all_operations():
        operation = found.ok()
        # A path that takes any text has no wrong one.
        if mode == "positive" or operation.query or operation.body:
            _try(operation, GenerationMode(mode), key)
            labels.append(operation.label)
    assert len(labels) >= 10


def _try(operation, mode, key):
    @SETTINGS
    @given(operation.as_strategy(mode))
    def ask(case):
        case.headers = {"Authorization": f"Bearer {key}"}  # instead of generated ones
        response = case.call()
        assert response.status_code not in (401, 403, 429), response.text
        case.validate_response(response, checks=CHECKS)

    ask()
