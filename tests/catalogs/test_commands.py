"""Making and removing catalogs: command, admin, API."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from catalog import directory, scope
from catalog.errors import Conflict, InvalidInput
from catalog.keys import issue_key
from catalog.models import Catalog, Item, Job
from catalog.profiles import current_profile
from catalog.schemas import drop_schema
from config.command_line import run_in_catalog
from tests.catalogs.conftest import PASSWORD
from workers import first_run, new_catalog
from workers.management.commands import catalogs

pytestmark = pytest.mark.usefixtures("directory_of_three")


@pytest.fixture
def keeper():
    return User.objects.create_superuser("keeper", password=PASSWORD)


@pytest.fixture
def gone_after():
    yield
    for name in ("toys", "books"):
        with scope.use(name):
            connection.close_pool()
        drop_schema(name)


def signed_in(host="testserver"):
    client = Client(HTTP_HOST=host)
    client.post("/admin/login/", {"username": "keeper", "password": PASSWORD})
    return client


def schemas():
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'catalog\\_%%'")
        return {name for (name,) in cursor.fetchall()}


def test_a_catalog_from_its_making_to_its_end(keeper, gone_after, capsys, tmp_path, settings):
    settings.RECS_ARTIFACT_DIR = tmp_path
    call_command("catalogs", "create", "toys", "--host", "Toys.localhost", verbosity=0)
    assert "'toys' is ready" in capsys.readouterr().out
    page = signed_in("toys.localhost").get("/admin/")
    assert page.status_code == 200, "administrators of the main catalog sign in there"
    assert "Catalog: toys" in page.content.decode()
    with scope.use("toys"):
        assert current_profile().name == "Toys"
        assert not Item.objects.exists()
        (tmp_path / "catalogs" / "toys").mkdir(parents=True)
    call_command("catalogs", "hosts", "toys", "--host", "play.localhost")
    assert Client(HTTP_HOST="play.localhost").get("/about")["X-Catalog"] == "toys"
    assert "X-Catalog" not in Client(HTTP_HOST="toys.localhost").get("/about").headers
    capsys.readouterr()
    call_command("catalogs", "list")
    assert capsys.readouterr().out.splitlines()[1:] == [
        "films: films.localhost", "store: store.localhost", "toys: play.localhost",
    ]  # fmt: skip
    with pytest.raises(CommandError, match="--yes"):
        call_command("catalogs", "remove", "toys")
    assert "catalog_toys" in schemas()
    with scope.use("toys"):
        connection.close_pool()
    call_command("catalogs", "remove", "toys", "--yes")
    assert "catalog_toys" not in schemas()
    assert not (tmp_path / "catalogs" / "toys").exists()
    assert directory.of_name("toys") is None


def test_a_making_that_was_cut_off_is_gone_on_with(keeper, gone_after, monkeypatch):
    def cut_off(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(first_run, "first_queries", cut_off)
        with pytest.raises(KeyboardInterrupt):
            call_command("catalogs", "create", "toys", verbosity=0)
    assert scope.current() == scope.MAIN
    assert directory.ready() == ["main", "films", "store"]
    call_command("catalogs", "create", "toys", verbosity=0)
    assert "toys" in directory.ready()
    with pytest.raises(CommandError, match="already"):
        call_command("catalogs", "create", "toys", verbosity=0)


def test_a_removal_that_was_cut_off_is_gone_on_with(keeper, gone_after, monkeypatch):
    def cut_off(_):
        raise KeyboardInterrupt

    call_command("catalogs", "create", "toys", "--host", "toys.localhost", verbosity=0)
    with scope.use("toys"):
        connection.close_pool()
    with monkeypatch.context() as patch:
        patch.setattr(catalogs, "drop_schema", cut_off)
        with pytest.raises(KeyboardInterrupt):
            call_command("catalogs", "remove", "toys", "--yes")
    assert Client(HTTP_HOST="toys.localhost").get("/").status_code == 503
    call_command("catalogs", "remove", "toys", "--yes")
    assert "catalog_toys" not in schemas()
    assert not directory.exists("toys")
    with pytest.raises(CommandError, match="no catalog 'toys'"):
        call_command("catalogs", "remove", "toys", "--yes")


@pytest.mark.parametrize(
    ("name", "hosts", "told"),
    [
        ("Toys", [], "small letters"), ("main", [], "small letters"), ("a-b", [], "small letters"),
        ("", [], "small letters"), ("x" * 31, [], "small letters"),
        ("toys", ["store.localhost"], "leads to the catalog 'store'"),
        ("toys", ["https://toys.localhost"], "no host name"), ("toys", ["a b"], "no host name"),
        ("toys", ["toys.localhost:80"], "no host name"), ("toys", ["x" * 300], "no host name"),
        ("toys", ["toys.example.com"], "ALLOWED_HOSTS"),
        ("toys", [f"h{n}.localhost" for n in range(51)], "at most 50"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_catalog_is_refused_before_anything_is_made(name, hosts, told):
    with pytest.raises(InvalidInput, match=told):
        directory.register(name=name, hosts=hosts)
    assert Catalog.objects.count() == 2


def test_a_name_is_taken_once():
    with pytest.raises(Conflict, match="already"):
        directory.register(name="store", hosts=[])


def test_a_command_runs_in_the_catalog_that_it_names(capsys):
    run_in_catalog(["manage.py", "--catalog", "store", "create_api_key", "x", "--scope", "read"])
    assert capsys.readouterr().out.startswith("fry_store.")
    assert scope.current() == scope.MAIN
    with pytest.raises(SystemExit, match=r"no catalog 'nowhere'.*main, films, store"):
        run_in_catalog(["manage.py", "--catalog", "nowhere", "create_api_key", "x"])
    with pytest.raises(SystemExit, match="Usage"):
        run_in_catalog(["manage.py", "--catalog", "store"])
    with scope.use("store"), pytest.raises(CommandError, match="leave out --catalog"):
        call_command("catalogs", "list")


def test_a_start_migrates_every_catalog(monkeypatch):
    migrated = []
    monkeypatch.setattr(first_run, "migrate", lambda: migrated.append(scope.current()))
    first_run.migrate_all()
    assert migrated == ["main", "films", "store"]


class TestAdmin:
    add = "/admin/catalog/catalog/add/"

    def test_a_new_catalog_is_made_by_the_workers(self, keeper, gone_after):
        client = signed_in()
        answer = client.post(
            self.add, {"name": "books", "hosts": "books.localhost\n", "demo": "none"}
        )
        assert answer.status_code == 302, answer.content
        job = Job.objects.get(kind="catalog.make_catalog")
        assert job.params == {"name": "books", "demo": "none"}
        assert Client(HTTP_HOST="books.localhost").get("/").status_code == 503
        new_catalog.make_queued(job_id=str(job.pk))
        job.refresh_from_db()
        assert (job.state, job.done) == (Job.State.DONE, job.total)
        assert Client(HTTP_HOST="books.localhost").get("/").status_code == 200
        assert "books.localhost" in client.get("/admin/catalog/catalog/").content.decode()

    @pytest.mark.parametrize(
        ("sent", "told"),
        [
            ({"name": "Bad name", "hosts": ""}, "small letters"),
            ({"name": "store", "hosts": ""}, "already exists"),
            ({"name": "books", "hosts": "films.localhost"}, "leads to the catalog"),
            ({"name": "books", "hosts": "x y"}, "no host name"),
        ],
    )
    def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(self, keeper, sent, told):
        page = signed_in().post(self.add, sent | {"demo": "none"})
        assert page.status_code == 200
        assert told in page.content.decode()
        assert sent["name"] in page.content.decode()
        assert Catalog.objects.count() == 2

    def test_only_superusers_of_the_main_catalog_keep_catalogs(self, keeper):
        User.objects.create_user("staff", password=PASSWORD, is_staff=True)
        client = Client()
        client.post("/admin/login/", {"username": "staff", "password": PASSWORD})
        assert client.get("/admin/catalog/catalog/").status_code == 403
        with scope.use("store"):
            User.objects.filter(username="keeper").delete()
            User.objects.create_superuser("keeper", password=PASSWORD)
        there = signed_in("store.localhost")
        assert there.get("/admin/").status_code == 200
        assert there.get("/admin/catalog/catalog/").status_code == 403
        assert "Catalogs" not in there.get("/admin/").content.decode()
        row = Catalog.objects.get(name="store")
        deleted = signed_in().post(reverse("admin:catalog_catalog_delete", args=[row.pk]))
        assert deleted.status_code == 403


def test_the_api_lists_catalogs_for_the_main_one_alone():
    _, secret = issue_key(name="a", scopes=["admin"])
    told = Client(headers={"x-api-key": secret}).get("/api/v1/catalogs").json()
    assert told["current"] == "main"
    assert [one["name"] for one in told["catalogs"]] == ["main", "films", "store"]
    with scope.use("store"):
        _, other = issue_key(name="a", scopes=["admin"])
    told = Client(headers={"x-api-key": other}).get("/api/v1/catalogs").json()
    assert [one["name"] for one in told["catalogs"]] == ["store"]
    assert Client().get("/api/v1/catalogs").status_code == 401
