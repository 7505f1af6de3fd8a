"""Nothing of one catalog shows in another: every page, every path of the API, every admin list."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse

from catalog import scope
from catalog.models import Answer, Item
from search.models import Query, Synonym
from tests.catalogs.conftest import PASSWORD, WORLDS

QUERIES = ("lighthouse", "beacon", "number", "mainlandia", "zephyrfilm", "quartzmug", "category")
PAGES = (
    "/", "/browse", "/kinds", "/collections", "/people", "/about", "/history", "/sign-in",
    *(f"/search?q={query}" for query in QUERIES), "/search?q=&attributes.maker=x",
    *(f"/suggest?q={query[:4]}" for query in QUERIES),
)  # fmt: skip
# Required parameters of the API's paths; ids are the same in all catalogs.
PARAMETERS = {
    "q": "lighthouse", "query": "lighthouse", "external_id": "1", "item_id": "1",
    "user_id": "the-same-person", "path": "x", "surface": "home", "kind": "relevance",
}  # fmt: skip


def text_of(response):
    body = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return body.decode("utf-8", "replace").lower()


def check(response, world, seen=None):
    """Nothing of the others in it; whether there is something of its own."""
    text = text_of(response)
    # What was typed is said again on the page, and is nobody's.
    typed = response.wsgi_request.META["QUERY_STRING"].lower()
    for other in WORLDS:
        word = other.word.lower()
        if other is not world and word[:4] not in typed:
            assert word not in text, (world.name, response.wsgi_request.path, typed)
    is_own = world.word.lower() in text
    if seen is not None and is_own:
        seen.add(response.wsgi_request.path)
    return is_own


def test_every_page_shows_its_own_catalog(worlds):
    for world in WORLDS:
        client, seen = world.client(), set()
        for page in PAGES:
            response = client.get(page)
            assert response.status_code in (200, 302, 404), (page, response.status_code)
            check(response, world, seen)
        assert {"/", "/browse", "/collections", "/search", "/suggest", "/about"} <= seen


def test_a_word_of_another_catalog_finds_nothing_of_it(worlds):
    for world in WORLDS:
        for other in WORLDS:
            found = world.client().get(f"/api/v1/search?q={other.word}").json()
            titles = {hit["item"]["title"].split()[0] for hit in found["hits"]}
            assert titles <= {world.word}
            suggested = world.client().get(f"/api/v1/suggest?q={other.word[:5]}").json()
            told = str(suggested).lower().replace(f"'{other.word[:5].lower()}'", "")
            assert (other.word.lower() in told) is (other is world)


def test_synonyms_rules_and_corrections_are_the_catalogs_own_turn_by_turn(worlds):
    for _ in range(2):
        for world in WORLDS:
            client = world.client()
            found = client.get("/api/v1/search?q=beacon").json()
            assert found["total"] == 12
            assert {hit["item"]["title"].split()[0] for hit in found["hits"]} == {world.word}
            assert f"{world.word} banner" in text_of(client.get("/search?q=lighthouse")).replace(
                world.word.lower(), world.word
            )
            near = world.word[:-1] + "e"
            assert client.get(f"/api/v1/search?q={near}").json()["corrected_query"] == (
                world.word.lower()
            )


def _api_paths():
    document = WORLDS[0].client().get("/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        if "get" not in operations or "/health/" in path:
            continue
        parameters = operations["get"].get("parameters", [])
        query = []
        for one in parameters:
            name = one["name"]
            if one["in"] == "path":
                value = "1" if one["schema"].get("type") == "integer" else PARAMETERS.get(name, "c")
                path = path.replace(f"{{{name}}}", value)
            elif name in PARAMETERS and (one.get("required") or name in ("q", "item_id")):
                query.append(f"{name}={PARAMETERS[name]}")
        yield f"{path}?{'&'.join(query)}"


def test_every_path_of_the_api_answers_from_the_keys_catalog(worlds, keys):
    paths = list(_api_paths())
    assert len(paths) > 20
    for world in WORLDS:
        # On the shared host the key alone says which catalog it is.
        client, seen = WORLDS[0].client(authorization=f"Bearer {keys[world.name]}"), set()
        for path in paths:
            response = client.get(path)
            assert response.status_code < 500, (path, response.content[:300])
            assert response.headers.get("X-Catalog", scope.MAIN) == world.name
            check(response, world, seen)
        assert len(seen) >= 7, sorted(seen)
        exported = client.get("/api/v1/privacy/export?user_id=the-same-person")
        check(exported, world)


@pytest.mark.slow
def test_every_list_of_the_admin_and_every_download_is_of_its_catalog(worlds):
    for world in WORLDS:
        client, seen = world.client(), set()
        client.post("/admin/login/", {"username": "editor", "password": PASSWORD})
        assert client.get("/admin/").status_code == 200
        for model in admin.site._registry:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
            response = client.get(reverse(name))
            assert response.status_code in (200, 302, 403), name
            if model._meta.model_name != "catalog":
                check(response, world, seen)
        for page in (
            "admin:search_analytics", "admin:search_no_results", "admin:catalog_judge",
            "admin:catalog_adjudicate", "admin:catalog_agreement",
        ):  # fmt: skip
            check(client.get(reverse(page)), world)
        assert check(client.get(reverse("admin:catalog_judge")), world)
        assert len(seen) >= 9, sorted(seen)
        labels = client.post(
            reverse("admin:catalog_label_changelist"),
            {"action": "export_csv", "_selected_action": ["1"], "select_across": "1"},
        )
        assert labels.streaming
        assert f"{world.word}-labeller".lower() in text_of(labels)


def test_an_editor_of_one_catalog_cannot_sign_in_to_another(worlds):
    films = worlds["films"]
    with scope.use("films"):
        User.objects.create_superuser("filmseditor", password=PASSWORD)
    for world in WORLDS:
        client = world.client()
        client.post("/admin/login/", {"username": "filmseditor", "password": PASSWORD})
        assert (client.get("/admin/").status_code == 200) is (world is films)


def test_a_session_of_one_catalog_is_none_in_another(worlds):
    client = worlds["films"].client()
    client.post("/admin/login/", {"username": "editor", "password": PASSWORD})
    other = worlds["store"].client()
    other.cookies = client.cookies
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


def test_what_is_written_stays_in_its_catalog(worlds, keys):
    row = {"items": [{"id": "new", "title": "Heliotrope lantern"}]}
    client = WORLDS[0].client(authorization=f"Bearer {keys['store']}")
    assert client.post("/api/v1/items", row, content_type="application/json").status_code == 200
    event = {"events": [{"kind": "play", "item_id": "new", "user_id": "x"}]}
    assert client.post("/api/v1/events", event, content_type="application/json").status_code == 202
    client.get("/api/v1/search?q=heliotrope")
    for world in WORLDS:
        with scope.use(world.name):
            is_there = world.name == "store"
            assert Item.objects.filter(external_id="new").exists() is is_there
            assert Answer.objects.filter(query__icontains="heliotrope").exists() is is_there


def test_two_catalogs_asked_at_once_from_many_threads_do_not_meet(worlds):
    ready = threading.Barrier(6)

    def ask(n):
        world = WORLDS[n % 3]
        client = world.client()
        ready.wait(20)
        wrong = 0
        try:
            for query in QUERIES * 2:
                found = client.get(f"/api/v1/search?q={query}").json()
                wrong += any(hit["item"]["title"].split()[0] != world.word for hit in found["hits"])
            return world.name, wrong, scope.current()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {(world.name, 0, scope.MAIN) for world in WORLDS}


def test_models_of_rows_that_have_the_same_number_are_not_confused(worlds):
    for world in WORLDS:
        with scope.use(world.name):
            assert Query.objects.filter(text__icontains=world.word).exists()
            assert Synonym.objects.get().finds == [world.word.lower()]
