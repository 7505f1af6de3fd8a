import pytest

from catalog.items import set_hidden
from catalog.types import ItemInput
from recs import pipeline
from recs.codes import build_codes
from recs.ml.semantic_ids import SemanticIdConfig
from recs.models import ItemCode
from tests.recs.conftest import make_items

URL = "/api/v1/kinds"


@pytest.fixture(autouse=True)
def open_for_reading(settings):
    settings.API_PUBLIC_READ = True


@pytest.fixture
def version(world):
    return build_codes(config=SemanticIdConfig(levels=3, codes=3, flat=4))


def test_kinds_are_named_and_counted(version, client):
    body = client.get(URL).json()
    assert body["version"] == version.name
    assert {kind["name"] for kind in body["kinds"]} == {"Drama", "Comedy", "Western"}
    assert sum(kind["count"] for kind in body["kinds"]) == 42


def test_a_kind_has_items_and_kinds_within(version, client):
    kind = client.get(URL).json()["kinds"][0]
    body = client.get(f"{URL}/{kind['path']}", {"k": 100}).json()
    assert len(body["items"]) == kind["count"]
    assert all(one["path"].startswith(f"{kind['path']}.") for one in body["kinds"])
    assert len(client.get(f"{URL}/{kind['path']}", {"k": 2}).json()["items"]) == 2


def test_an_item_has_codes_and_more_of_its_kind(version, client, world):
    body = client.get(f"{URL}/of-item", {"item_id": "drama-0", "k": 5}).json()
    row = ItemCode.objects.get(item_id=world["drama-0"])
    assert (body["flat"], body["codes"], body["collision"]) == (row.flat, row.codes, row.collision)
    assert body["kinds"][0]["name"] == "Drama"
    assert len(body["more"]) == 5
    assert {one["item"]["categories"][0] for one in body["more"]} == {"Drama"}
    shared = [one["shared"] for one in body["more"]]
    assert shared == sorted(shared, reverse=True)


def test_a_film_that_was_just_posted_has_its_place(version, client):
    make_items(
        [ItemInput(external_id="posted", title="Drama number 100", category_paths=["Drama"])]
    )
    answer = client.get(f"{URL}/of-item", {"item_id": "posted"})
    assert answer.status_code == 404
    assert "no semantic IDs yet" in answer.json()["detail"]
    pipeline.encode_items()
    body = client.get(f"{URL}/of-item", {"item_id": "posted"}).json()
    assert len(body["codes"]) == 3
    assert body["more"]


@pytest.mark.parametrize(
    ("path", "params", "status", "field"),
    [
        ("/of-item", {}, 400, "item_id"),
        ("/of-item", {"item_id": "nothing"}, 404, "item_id"),
        ("/of-item", {"item_id": "a\x00"}, 400, "item_id"),
        ("/of-item", {"item_id": "drama-0", "k": 0}, 400, "k"),
        ("/of-item", {"item_id": "drama-0", "n": 3}, 400, "n"),
        ("/999", {}, 404, "path"),
        ("/x", {}, 404, "path"),
        ("/0", {"k": "many"}, 400, "k"),
    ],
)
def test_what_cannot_be_answered_is_named(version, client, path, params, status, field):
    answer = client.get(URL + path, params)
    assert answer.status_code == status
    assert field in str(answer.json())


def test_a_hidden_item_has_no_kind(version, client):
    set_hidden(external_ids=["drama-0"], hidden=True)
    assert client.get(f"{URL}/of-item", {"item_id": "drama-0"}).status_code == 404


def test_before_there_are_codes_it_says_so(world, client):
    assert client.get(URL).json() == {"version": None, "kinds": []}
    assert client.get(f"{URL}/0").status_code == 404
    assert client.get(f"{URL}/of-item", {"item_id": "drama-0"}).status_code == 404


def test_the_answers_take_few_queries(version, client, django_assert_max_num_queries):
    kind = client.get(URL).json()["kinds"][0]["path"]
    for path, params in ((f"/{kind}", {}), ("/of-item", {"item_id": "drama-0"})):
        with django_assert_max_num_queries(8):
            client.get(URL + path, params)
