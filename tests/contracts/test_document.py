"""What the OpenAPI document says, and how it is made."""

import json

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.django_db


@pytest.fixture
def document():
    return json.loads(Client().get("/api/v1/openapi.json").content)


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
