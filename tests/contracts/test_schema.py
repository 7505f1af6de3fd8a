"""The whole OpenAPI document: whether answers keep its promises, by generated requests."""

import json

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as conformance

from catalog.collections import upsert_collection
from catalog.keys import issue_key
from search.spelling import build_terms
from tests.catalog.rows import add_item
from tests.recs.versions import candidate, promoted

pytestmark = pytest.mark.django_db
PATHS = {
    "/api/v1/search", "/api/v1/suggest", "/api/v1/query-recommendations", "/api/v1/recommend",
    "/api/v1/catalogs",
    "/api/v1/items", "/api/v1/items/hide", "/api/v1/items/{external_id}", "/api/v1/collections",
    "/api/v1/collections/{external_id}", "/api/v1/events", "/api/v1/labels", "/api/v1/tasks",
    "/api/v1/tasks/{task_id}", "/api/v1/privacy/erase", "/api/v1/privacy/export",
    "/api/v1/health/live", "/api/v1/health/ready", "/api/v1/models", "/api/v1/models/rollback",
    "/api/v1/models/{model_id}", "/api/v1/models/{model_id}/promote",
    "/api/v1/kinds", "/api/v1/kinds/of-item", "/api/v1/kinds/{path}",
    "/api/v1/analytics/searches", "/api/v1/analytics/queries", "/api/v1/analytics/exploration",
}  # fmt: skip
CHECKS = [
    schemathesis.checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]
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
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(db):
    _, secret = issue_key(name="contract", scopes=["admin"], rate_per_minute=1_000_000)
    return secret


@pytest.fixture
def films(db):
    for n in range(3):
        add_item(f"i{n}", title=f"Rope {n}", creators=["Alfred Hitchcock"], categories=["Crime"])
    upsert_collection(external_id="c", title="Ropes", description="", item_ids=["i0", "i1"])
    build_terms()
    promoted("live")
    candidate("next")


def test_every_path_of_the_api_is_in_the_document(document):
    assert set(document["paths"]) == PATHS


def test_a_searchs_answer_promises_what_integrators_need(document):
    parts = document["components"]["schemas"]
    assert {
        "query_id", "query", "corrected_query", "total", "hits", "query_recommendations", "facets",
    } <= set(parts["SearchOutput"]["required"])  # fmt: skip
    assert "null" in parts["SearchOutput"]["properties"]["corrected_query"]["type"]
    assert {"item", "position", "source", "score"} <= set(parts["HitOutput"]["required"])
    query = parts["RecommendedQueryOutput"]
    assert {"text", "source", "answers", "angle", "why"} <= set(query["required"])
    assert "explanation" in query["properties"]
    assert "explanation" not in query["required"]
    assert {"sources", "people", "groups"} <= set(parts["QueryExplanationOutput"]["required"])
    assert {"query_id", "hits"} <= set(parts["RecommendOutput"]["required"])
    assert {"item", "position", "source", "score"} <= set(parts["RecommendedOutput"]["required"])


@pytest.mark.slow
@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_generated_requests_are_answered_as_the_document_says(schema, key, mode):
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        # A path that takes any text has no wrong one.
        if mode == "positive" or operation.query or operation.body:
            _try(operation, GenerationMode(mode), key)
            tried.add(operation.path)
    assert tried == PATHS if mode == "positive" else len(tried) >= 12


def _try(operation, mode, key):
    @SETTINGS
    @given(operation.as_strategy(mode))
    def ask(case):
        case.headers = {"Authorization": f"Bearer {key}"}  # instead of generated ones
        response = case.call()
        assert response.status_code not in (401, 403, 429), response.text
        case.validate_response(response, checks=CHECKS)

    ask()
