import json
import uuid

import pytest
from django.test import Client

from catalog.items import upsert_items
from catalog.models import Answer, Person
from catalog.types import ItemInput
from search.spelling import build_terms

pytestmark = pytest.mark.django_db


@pytest.fixture
def films():
    upsert_items(
        items=[
            ItemInput(
                external_id=f"film/{n}",
                title=f"Rope {n} <b>",
                creators=["Alfred Hitchcock"],
                category_paths=["Thriller", "Crime"] if n % 2 else ["Thriller"],
                countries=["France"],
                year=1950 + n,
                description='A rope & a "knot".',
            )
            for n in range(30)
        ]
    )
    build_terms()


@pytest.fixture
def api():
    return Client(headers={"host": "localhost"})


def get(api, **params):
    return api.get("/api/v1/search", params)


@pytest.mark.usefixtures("films")
def test_an_answer_has_the_stated_shape_and_is_logged(api):
    Person.objects.create(external_id="p1")
    response = get(api, q="hitchcok rope", user_id="p1", session_id="s")
    answer = response.json()
    assert response.status_code == 200
    assert answer["original_query"] == answer["query"] == "hitchcok rope"
    assert answer["corrected_query"] == "hitchcock rope"
    assert (answer["total"], answer["total_relation"], answer["pages"]) == (30, "eq", 2)
    assert [hit["position"] for hit in answer["hits"]] == list(range(1, 25))
    hit = answer["hits"][0]
    assert hit["item"]["id"].startswith("film/")
    assert hit["source"] in {"lexical", "lexical+dense"}
    assert 0 < hit["score"] <= 1
    assert hit["highlight"]["title"].startswith("<mark>Rope</mark>")
    assert "&lt;b&gt;" in hit["highlight"]["title"]
    assert hit["matched"][:2] == ["title", "creator"]
    assert {"category", "creator", "country"} <= {facet["key"] for facet in answer["facets"]}
    for each in answer["query_recommendations"]:
        assert set(each) == {"text", "source", "angle", "hint", "answers"}
    logged = Answer.objects.get(query_id=uuid.UUID(answer["query_id"]))
    assert logged.person.external_id == "p1"
    assert (logged.query, logged.corrected_query) == ("hitchcok rope", "hitchcock rope")
    assert (logged.total, logged.surface, logged.session_id) == (30, "api", "s")
    assert [hit["position"] for hit in logged.hits] == list(range(1, 25))
    assert {"lexical", "spelling", "hits"} <= set(logged.stages)


@pytest.mark.usefixtures("films")
def test_nothing_corrected_is_null(api):
    assert get(api, q="rope").json()["corrected_query"] is None
    assert get(api, q="hitchcok rope", verbatim="true").json()["corrected_query"] is None


@pytest.mark.usefixtures("films")
def test_pages_count_on_and_link_to_the_next(api):
    first = get(api, q="rope", per_page=10, category="Thriller")
    assert 'rel="next"' in first["Link"]
    url = first["Link"].split(">")[0].strip("<")
    second = api.get(url)
    assert [hit["position"] for hit in second.json()["hits"]] == list(range(11, 21))
    assert second.json()["total"] == first.json()["total"]
    assert "Link" not in get(api, q="rope", per_page=10, page=3).headers


@pytest.mark.usefixtures("films")
def test_a_page_beyond_the_end_is_empty_and_right(api):
    answer = get(api, q="rope", page=100)
    assert answer.status_code == 200
    assert answer.json()["hits"] == []
    assert answer.json()["total"] == 30


@pytest.mark.usefixtures("films")
def test_filters_narrow_and_their_choice_is_told(api):
    answer = get(api, q="rope", category="Crime", year="1950..1959").json()
    assert answer["total"] == 5
    crime = [
        value
        for facet in answer["facets"]
        if facet["key"] == "category"
        for value in facet["values"]
        if value["value"] == "Crime"
    ]
    assert crime == [{"value": "Crime", "label": "Crime", "count": 5, "selected": True}]


@pytest.mark.usefixtures("films")
def test_post_answers_like_get(api):
    asked = {"q": "rope", "category": ["Crime"], "per_page": 5, "page": 2, "verbatim": True}
    posted = api.post("/api/v1/search", json.dumps(asked), content_type="application/json").json()
    got = get(api, q="rope", category="Crime", per_page=5, page=2, verbatim="true").json()
    for each in (posted, got):
        del each["query_id"], each["took_ms"]
    assert posted == got


@pytest.mark.usefixtures("films")
def test_an_empty_query_browses(api):
    answer = get(api, category="Crime").json()
    assert answer["total"] == 15
    assert {hit["source"] for hit in answer["hits"]} == {"browse"}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"q": "x" * 501}, "q"),
        ({"page": "0"}, "page"),
        ({"page": "-1"}, "page"),
        ({"page": "two"}, "page"),
        ({"page": "٣"}, "page"),
        ({"per_page": "101"}, "per_page"),
        ({"page": "101", "per_page": "100"}, "page"),
        ({"page": "9" * 40}, "page"),
        ({"sort": "best"}, "sort"),
        ({"colour": "red"}, "colour"),
        ({"year": "old"}, "year"),
        ({"verbatim": "maybe"}, "verbatim"),
        ({"user_id": "u" * 500}, "user_id"),
        ({"picked_from": "p" * 50}, "picked_from"),
    ],
)
def test_what_cannot_be_used_is_named(api, params, field):
    response = get(api, **params)
    assert response.status_code == 400
    assert response["Content-Type"].startswith("application/problem+json")
    assert response.json()["errors"][0]["field"] == field


def test_a_nul_character_is_refused_in_the_address_and_in_the_body(api):
    assert get(api, q="a\x00b").status_code == 400
    response = api.post("/api/v1/search", '{"q": "a\\u0000b"}', content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "q"


@pytest.mark.parametrize("body", ['["q"]', '"q"', "17", '{"q": {"a": 1}}', '{"q": ["a", "b"]}'])
def test_a_body_that_is_no_request_is_refused(api, body):
    response = api.post("/api/v1/search", body, content_type="application/json")
    assert response.status_code == 400


def test_a_query_of_100_000_characters_is_refused(api):
    body = json.dumps({"q": "x" * 100_000})
    response = api.post("/api/v1/search", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "q"
