import pytest

from catalog.items import set_hidden, upsert_items
from catalog.models import Answer
from catalog.types import ItemInput
from tests.recs.served import live_version

URL = "/api/v1/recommend"


@pytest.fixture(autouse=True)
def open_for_reading(settings):
    settings.API_PUBLIC_READ = True


def test_home_for_nobody_answers_hits_with_all_they_need(world, client):
    answer = client.get(URL, {"surface": "home", "k": 5})
    assert answer.status_code == 200
    body = answer.json()
    assert body["surface"] == "home"
    assert Answer.objects.filter(pk=body["query_id"]).exists()
    assert [hit["position"] for hit in body["hits"]] == [1, 2, 3, 4, 5]
    first = body["hits"][0]
    assert set(first) == {"item", "position", "source", "score", "reason"}
    assert first["item"]["id"] in world


def test_the_answer_says_which_version_chose_or_why_none_did(world, client, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path
    body = client.get(URL, {"user_id": "drama-fan-0"}).json()
    assert (body["model_version"], body["fallback"]) == (None, "no_live_version")
    body = client.get(URL, {"surface": "item", "item_id": "drama-0"}).json()
    assert (body["model_version"], body["fallback"]) == (None, "no_live_version")
    live_version(name="first")
    body = client.get(URL, {"user_id": "drama-fan-0"}).json()
    assert (body["model_version"], body["fallback"]) == ("first", None)
    assert {hit["source"] for hit in body["hits"]} == {"user_model"}


def test_the_surface_is_home_where_none_is_named(world, client):
    assert client.get(URL).json()["surface"] == "home"


def test_an_item_is_named_by_the_callers_own_id(world, client):
    body = client.get(URL, {"surface": "item", "item_id": "drama-0", "k": 4}).json()
    assert {hit["item"]["categories"][0] for hit in body["hits"]} == {"Drama"}
    assert "drama-0" not in {hit["item"]["id"] for hit in body["hits"]}


def test_a_session_is_a_list_of_ids(world, client):
    body = client.get(URL, {"surface": "session", "item_ids": "comedy-0, comedy-1", "k": 4}).json()
    assert {hit["item"]["categories"][0] for hit in body["hits"]} == {"Comedy"}


def test_a_person_is_named_by_the_callers_own_id(world, client):
    body = client.get(URL, {"user_id": "western-fan-1", "k": 4}).json()
    assert {hit["item"]["categories"][0] for hit in body["hits"]} == {"Western"}
    assert body["hits"][0]["source"] == "also_liked"


def test_an_unknown_person_gets_what_nobody_gets(world, client):
    body = client.get(URL, {"user_id": "nobody knows", "k": 8}).json()
    assert {hit["source"] for hit in body["hits"]} == {"popular", "new"}


def test_filters_narrow_the_answer(world, client):
    body = client.get(URL, {"category": "Drama", "year": "1995..1999", "k": 50}).json()
    assert {hit["item"]["year"] for hit in body["hits"]} == set(range(1995, 2000))
    assert len(body["hits"]) == 5


def test_a_hidden_item_is_gone_at_once(world, client):
    first = client.get(URL, {"k": 1}).json()["hits"][0]["item"]["id"]
    set_hidden(external_ids=[first], hidden=True)
    ids = {hit["item"]["id"] for hit in client.get(URL, {"k": 100}).json()["hits"]}
    assert first not in ids
    assert client.get(URL, {"surface": "item", "item_id": first}).status_code == 404


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"surface": "cart"}, 400, "surface"),
        ({"surface": "item"}, 400, "item_id"),
        ({"surface": "item", "item_id": "no-such"}, 404, "item_id"),
        ({"surface": "item", "item_id": "a\x00b"}, 400, "control_character"),
        ({"surface": "session", "item_ids": "drama-0,no-such"}, 404, "item_ids"),
        ({"k": "0"}, 400, "k"),
        ({"k": "101"}, 400, "k"),
        ({"k": "many"}, 400, "k"),
        ({"k": "९"}, 400, "k"),
        ({"exclude_seen": "perhaps"}, 400, "exclude_seen"),
        ({"year": "1999..1990"}, 400, "year"),
        ({"surfce": "home"}, 400, "surfce"),
        ({"user_id": "x" * 300}, 400, "user_id"),
        ({"item_ids": ",".join(["a"] * 101), "surface": "session"}, 400, "item_ids"),
    ],
)
def test_bad_parameters_are_refused_by_name(world, client, params, status, field):
    answer = client.get(URL, params)
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/problem+json")
    assert field in answer.content.decode()


def test_reading_needs_a_key_where_it_is_not_public(world, client, settings):
    settings.API_PUBLIC_READ = False
    assert client.get(URL).status_code in (401, 403)


def test_writing_is_not_offered(world, client):
    assert client.post(URL, {}).status_code in (401, 403, 405)


def test_few_queries(world, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(28):
        client.get(URL, {"user_id": "drama-fan-0", "k": 40})


def test_ids_with_commas_are_sent_one_by_one(world, client):
    comma = ItemInput(external_id="a,b", title="Comma", category_paths=["Comedy"])
    upsert_items(items=[comma])
    url = f"{URL}?surface=session&k=4&item_ids=comedy-0&item_ids=a%2Cb"
    assert client.get(url).status_code == 200
    assert client.get(f"{URL}?surface=session&item_ids=a%2Cb").status_code == 404
