"""How a catalog is kept apart: connections, caches, locks, keys, tasks."""

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from catalog import directory, scope
from catalog.keys import catalog_of, issue_key
from catalog.locks import is_held, only_one
from catalog.models import Catalog, Item
from recs import registry
from tests.catalogs.conftest import WORLDS

pytestmark = pytest.mark.usefixtures("directory_of_three")


def path():
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return cursor.fetchone()[0]


def test_a_connection_sees_its_catalog_and_the_extensions_and_nothing_else():
    assert path() == "public,foray_shared"
    with scope.use("store"):
        assert path() == "catalog_store,foray_shared"
        with connection.cursor() as cursor:
            cursor.execute("SELECT '[1,2]'::vector <-> '[1,3]'::vector, unaccent('é')")
            assert cursor.fetchone() == (1.0, "e")
    assert path() == "public,foray_shared"


def test_a_table_that_a_catalog_lacks_is_an_error_and_not_another_catalogs_table():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE only_in_main (x integer)")
    try:
        with scope.use("store"), pytest.raises(ProgrammingError, match="does not exist"):
            connection.cursor().execute("SELECT x FROM only_in_main")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE only_in_main")


def test_a_rollback_does_not_lead_back_to_another_catalog():
    with scope.use("store"):
        with transaction.atomic():
            Item.objects.count()
            transaction.set_rollback(True)
        assert path() == "catalog_store,foray_shared"


def test_no_catalog_is_entered_or_left_inside_a_transaction():
    with (
        transaction.atomic(),
        pytest.raises(scope.WrongCatalog, match="end it"),
        scope.use("store"),
    ):
        pytest.fail("entered")
    assert scope.current() == scope.MAIN
    assert path() == "public,foray_shared"


def test_a_connection_of_another_catalog_gives_no_cursor():
    Item.objects.count()
    token = scope._current.set("store")
    try:
        with pytest.raises(scope.WrongCatalog, match=r"'main'.*'store'"):
            Item.objects.count()
    finally:
        scope._current.reset(token)


@pytest.mark.parametrize("name", ["", "Store", "a-b", "a;b", "1a", "pg_catalog", "x" * 31, "a b"])
def test_what_is_no_name_reaches_no_statement(name):
    with pytest.raises(ValueError, match="not a catalog's name"), scope.use(name):
        pytest.fail("entered")


def test_what_one_catalog_cached_or_remembers_another_does_not_find(tmp_path, settings):
    settings.RECS_ARTIFACT_DIR = tmp_path
    remembered = scope.PerCatalog(list)
    cache.set("x", "main", 60)
    remembered.value.append("main")
    with scope.use("store"):
        assert cache.get("x") is None
        assert remembered.value == []
        assert registry.artifact_root() == tmp_path / "catalogs" / "store"
        remembered.value = ["store"]
        cache.set("x", "store", 60)
    assert cache.get("x") == "main"
    assert remembered.value == ["main"]
    assert registry.artifact_root() == tmp_path


def test_nothing_is_remembered_for_a_catalog_that_is_given_the_name_of_another():
    directory.known()
    remembered = scope.PerCatalog(list)
    for name in ("films", "store"):
        with scope.use(name):
            remembered.value.append("a partition of November")
    # Another process removes films and makes it anew; this one learns of it as it reads on.
    Catalog.objects.filter(name="films").delete()
    Catalog.objects.create(name="films", hosts=["films.localhost"], state=Catalog.State.READY)
    directory.forget()
    directory.known()
    with scope.use("films"):
        assert remembered.value == []
    with scope.use("store"):
        assert remembered.value == ["a partition of November"]


def test_locks_of_two_catalogs_do_not_stand_in_each_others_way():
    with only_one(7, "work") as ours:
        assert ours
        assert is_held(7, "work")
        with scope.use("store"):
            assert not is_held(7, "work")
            with only_one(7, "work") as too:
                assert too
                assert is_held(7, "work")
            assert not is_held(7, "work")


def test_content_types_are_looked_up_in_the_catalog():
    here = ContentType.objects.get_for_model(Item)
    with scope.use("store"):
        ContentType.objects.filter(app_label="catalog", model="item").update(model="was_item")
        try:
            ContentType.objects.clear_cache()
            made = ContentType.objects.get_for_model(Item)
            assert made.pk != here.pk
        finally:
            ContentType.objects.filter(pk=made.pk).delete()
            ContentType.objects.filter(model="was_item").update(model="item")
            ContentType.objects.clear_cache()
    assert ContentType.objects.get_for_model(Item).pk == here.pk


class TestKeys:
    def test_a_key_says_whose_it_is(self):
        _, main = issue_key(name="a", scopes=["read"])
        with scope.use("store"):
            row, store = issue_key(name="a", scopes=["read"])
        assert store.startswith("fry_store.")
        assert row.prefix == store[:18]
        assert (catalog_of(main), catalog_of(store), catalog_of("x")) == ("main", "store", None)
        assert catalog_of("fry_../../x.y") is None

    def test_on_the_shared_host_a_key_leads_to_its_catalog(self):
        with scope.use("store"):
            _, secret = issue_key(name="a", scopes=["read"])
        for headers in ({"authorization": f"Bearer {secret}"}, {"x-api-key": secret}):
            response = WORLDS[0].client(**headers).get("/api/v1/items")
            assert response.status_code == 200
            assert response["X-Catalog"] == "store"
        # A page is never another catalog's: a key is for the API.
        assert "X-Catalog" not in WORLDS[0].client(**headers).get("/about").headers

    def test_a_host_that_leads_to_a_catalog_takes_no_key_of_another(self):
        with scope.use("store"):
            _, secret = issue_key(name="a", scopes=["admin"])
        response = WORLDS[1].client(authorization=f"Bearer {secret}").get("/api/v1/items")
        assert response.status_code == 401
        assert "another catalog" in response.json()["detail"]

    @pytest.mark.parametrize("start", ["fry_store.", "fry_nowhere.", "fry_films.", "fry_", "fry_."])
    def test_a_made_up_key_opens_nothing(self, start):
        for world in WORLDS:
            client = world.client(authorization=f"Bearer {start}{'x' * 43}")
            assert client.get("/api/v1/items").status_code == 401

    def test_a_secret_of_one_catalog_is_unknown_under_anothers_name(self):
        with scope.use("store"):
            _, secret = issue_key(name="a", scopes=["admin"])
        renamed = secret.replace("fry_store.", "fry_films.")
        assert WORLDS[0].client(authorization=f"Bearer {renamed}").get(
            "/api/v1/items"
        ).status_code == 401  # fmt: skip


class TestHosts:
    @pytest.mark.parametrize("host", ["store.localhost", "STORE.localhost", "store.localhost:8000"])
    def test_a_host_leads_to_its_catalog_in_any_spelling(self, host):
        assert Client(HTTP_HOST=host).get("/about")["X-Catalog"] == "store"

    def test_a_host_that_is_nobodys_leads_to_the_main_catalog(self):
        assert "X-Catalog" not in Client(HTTP_HOST="other.localhost").get("/about").headers

    def test_a_catalog_that_is_being_made_says_so(self):
        directory.register(name="third", hosts=["third.localhost"])
        page = Client(HTTP_HOST="third.localhost").get("/")
        told = Client(HTTP_HOST="third.localhost").get("/api/v1/search?q=x")
        assert (page.status_code, told.status_code) == (503, 503)
        assert told["Retry-After"]
        assert "being made" in told.json()["detail"]
        # What watches over the process asks no catalog.
        assert Client(HTTP_HOST="third.localhost").get("/api/v1/health/live").status_code == 200

    def test_after_a_request_the_thread_is_in_the_main_catalog(self):
        WORLDS[1].client().get("/about")
        assert scope.current() == scope.MAIN
        User.objects.count()
