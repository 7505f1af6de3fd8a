"""Suggest and query-recommendations over REST."""

import pytest

from catalog.keys import issue_key
from catalog.models import Person
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db
PATHS = ("/api/v1/suggest", "/api/v1/query-recommendations")


def test_suggest_answers_queries_and_items(client, built):
    answer = client.get("/api/v1/suggest", {"q": "alf", "k": 2}).json()
    assert answer["query"] == "alf"
    assert len(answer["suggestions"]) == 2
    assert answer["suggestions"][0]["text"] == "Alfred Hitchcock"
    assert set(answer["suggestions"][0]) == {"text", "source", "hint", "answers"}
    answer = client.get("/api/v1/suggest", {"q": "playt"}).json()
    assert [item["title"] for item in answer["items"]] == ["Playtime"]


def test_query_recommendations_answer_what_a_search_would_show(client, built):
    alone = client.get("/api/v1/query-recommendations", {"q": "french comedy"}).json()
    searched = client.get("/api/v1/search", {"q": "french comedy"}).json()
    assert [each["text"] for each in alone["query_recommendations"]] == [
        each["text"] for each in searched["query_recommendations"]
    ]
    assert alone["corrected_query"] is None
    assert set(alone["query_recommendations"][0]) == {
        "text",
        "source",
        "hint",
        "answers",
        "angle",
        "why",
    }


def test_an_exact_title_has_none_and_an_empty_query_places_to_start(client, built):
    path = "/api/v1/query-recommendations"
    assert client.get(path, {"q": "Rear Window"}).json()["query_recommendations"] == []
    assert client.get(path).json()["query_recommendations"]


def test_a_person_is_known_by_the_callers_id_and_an_unknown_one_is_nobody(client, built):
    person = Person.objects.create(external_id="u1")
    viewer = visitor("").__class__(person_id=person.pk)
    log_search("hulot gags", viewer=viewer, items=[built["Playtime"]])
    _, secret = issue_key(name="test", scopes=["read"])
    told = client.get(
        "/api/v1/suggest", {"q": "", "user_id": "u1"}, headers={"x-api-key": secret}
    ).json()
    first = told["suggestions"][0]
    assert (first["text"], first["source"]) == ("hulot gags", "recent")
    stranger = client.get("/api/v1/suggest", {"q": "", "user_id": "u2"}).json()
    assert "hulot gags" not in [each["text"] for each in stranger["suggestions"]]
    assert Person.objects.count() == 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"q": "x" * 501}, "q"),
        ({"query": "french"}, "query"),
        ({"q": "a", "k": 0}, "k"),
        ({"q": "a", "k": "many"}, "k"),
        ({"q": "a\x00b"}, "NUL"),
        ({"q": "a", "user_id": "u" * 201}, "user_id"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(client, built, path, params, field):
    answer = client.get(path, params)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.content.decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "q", ["'; --", "<script>", "مرحبا", "👍🏽", "\u202eabc", "%", "日本", "\ud7ff"]
)
def test_any_text_is_answered(client, built, path, q):
    assert client.get(path, {"q": q}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_caller_without_a_key_is_refused_where_reading_is_not_public(client, settings, path, db):
    settings.API_PUBLIC_READ = False
    assert client.get(path, {"q": "a"}).status_code in (401, 403)
