from urllib.parse import quote

import pytest
from django.utils import timezone

from catalog.models import Item, Job
from tests.catalog.rows import add_item, add_items

WRITE = "catalog:write"


def test_a_bulk_write_tells_each_row_and_keeps_the_good_ones(caller):
    rows = [{"id": "a", "title": "A"}, {"id": "b", "titel": "B"}, 5, {"id": "c", "title": "C"}]
    response = caller(WRITE).post("/items", {"items": rows})
    body = response.json()
    assert response.status_code == 200
    assert [row["status"] for row in body["results"]] == ["created", "error", "error", "created"]
    assert [row["index"] for row in body["results"]] == [0, 1, 2, 3]
    assert body["results"][1]["field"] == "titel"
    assert (body["created"], body["errors"], body["updated"]) == (2, 2, 0)
    assert Item.objects.count() == 2


def test_a_write_makes_a_task_that_encodes_and_a_repeat_makes_none(caller):
    writer = caller(WRITE)
    row = {"id": "a", "title": "A"}
    task = writer.post("/items", {"items": [row]}).json()["task"]
    assert (task["kind"], task["state"]) == ("recs.encode_items", "queued")
    assert writer.get(task["url"].removeprefix("/api/v1")).status_code == 200
    body = writer.post("/items", {"items": [row]}).json()
    assert (body["unchanged"], body["task"]) == (1, None)
    assert Job.objects.count() == 1


@pytest.mark.parametrize("rows", [[], {}, "x", None, [{"id": "a", "title": "A"}] * 1001])
def test_a_list_that_is_no_list_of_rows_is_refused(caller, is_problem, rows):
    is_problem(caller(WRITE).post("/items", {"items": rows}), 400, "invalid_input", "items")
    assert not Item.objects.exists()


def test_pages_follow_each_other_without_gap_or_repeat(admin):
    wanted = [f"i{n}" for n in range(7)]
    add_items(*wanted)
    found, path, pages = [], "/items?limit=3", 0
    while path:
        response = admin.get(path)
        body = response.json()
        found += [item["id"] for item in body["items"]]
        pages += 1
        link = response.headers.get("Link", "")
        assert bool(link) == bool(body["next_cursor"])
        path = link and "/items" + link[link.index("?") : link.index(">")]
        Item.objects.filter(external_id=found[0]).delete()  # rows may go meanwhile
    assert (found, pages) == (wanted, 3)


def test_a_page_of_items_takes_as_many_queries_as_one_item(admin, django_assert_num_queries):
    add_items(*(f"i{n}" for n in range(50)), creators=["A"], attributes={"x": 1})
    admin.get("/items")
    with django_assert_num_queries(2):  # the key, the page
        assert len(admin.get("/items").json()["items"]) == 50


def test_filters_mean_what_they_mean_in_search(admin):
    add_item("a", categories=["Film/Drama"], year=1960, creators=["X"])
    add_item("b", categories=["Film/Comedy"], year=1970)

    def ids(query):
        return [item["id"] for item in admin.get(f"/items?{query}").json()["items"]]

    assert ids("category=Film") == ["a", "b"]
    assert ids("category=Film/Drama") == ["a"]
    assert ids("year=1965..") == ["b"]
    assert ids("creator=X&year=1960") == ["a"]
    assert ids("creator=X&year=1970") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"), ("categry=x", "categry"), ("year=new", "year"),
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"),
        ("cursor=nonsense", "cursor"), ("cursor=W10", "cursor"), ("cursor=WyJ4Il0", "cursor"),
        ("hidden=perhaps", "hidden"), ("price=9..1", "price"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_read_is_named(admin, is_problem, query, field):
    is_problem(admin.get(f"/items?{query}"), 400, "invalid_input", field)


def test_an_id_with_any_characters_is_reached(admin):
    for external_id in ("a/b", "a b", "ü/ö?x#y&z=%", "日本", "a//b", "x" * 200, "a.b;c"):
        add_item(external_id)
        for form in (quote(external_id, safe=""), quote(external_id)):
            assert admin.get(f"/items/{form}").json()["id"] == external_id


def test_an_item_comes_back_as_it_was_sent(admin):
    sent = {
        "id": "a", "title": "T", "description": "D", "categories": ["X/Y"], "creators": ["C"],
        "attributes": {"n": 1, "l": ["a"]}, "image_url": "https://example.org/a.png",
        "price": 9.99, "currency": "EUR", "countries": ["France"], "released_on": "1999-01-02",
        "year": 1998, "hidden": False,
    }  # fmt: skip
    admin.post("/items", {"items": [sent]})
    url = f"/item/{Item.objects.get().pk}/t"
    assert admin.get("/items/a").json() == sent | {"added": [], "url": url, "summary": ""}


@pytest.mark.parametrize("title", ["A b/c?", "日本 映画", "🎬", "<b>", "x" * 500])
def test_the_url_is_the_address_of_a_page(admin, client, settings, title):
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    admin.post("/items", {"items": [{"id": "a/b", "title": title}]})
    item = admin.get("/items/a%2Fb").json()
    body = {"id": "k", "title": title[:300], "item_ids": ["a/b"]}
    collection = admin.post("/collections", body).json()
    for url in (item["url"], collection["url"]):
        page = client.get(url)
        assert page.status_code == 200, url


def test_a_patch_changes_what_it_names(admin, is_problem):
    add_item("a", price=1)
    assert admin.patch("/items/a", {"title": "New"}).json()["title"] == "New"
    assert admin.patch("/items/a", {"price": None}).json()["price"] is None
    assert admin.patch("/items/a", {"id": "a", "year": 5}).json()["year"] == 5
    is_problem(admin.patch("/items/a", {"id": "b"}), 400, field="id")
    is_problem(admin.patch("/items/a", {"id": ["a"]}), 400, field="id")
    is_problem(admin.patch("/items/a", {"titel": "x"}), 400, field="titel")
    is_problem(admin.patch("/items/a", {"title": ""}), 400, field="title")
    is_problem(admin.patch("/items/a", {}), 400)
    is_problem(admin.patch("/items/a", [1]), 400)
    is_problem(admin.patch("/items/no", {"title": "x"}), 404)


def test_hidden_items_are_gone_for_readers_and_there_for_writers(caller, admin, is_problem):
    add_items("a", "b")
    assert admin.post("/items/hide", {"ids": ["a", "no"]}).json() == {"changed": 1}
    reader = caller()
    is_problem(reader.get("/items/a"), 404)
    assert [item["id"] for item in reader.get("/items").json()["items"]] == ["b"]
    is_problem(reader.get("/items?hidden=true"), 400, field="hidden")
    assert admin.get("/items/a").json()["hidden"] is True
    assert [item["id"] for item in admin.get("/items?hidden=true").json()["items"]] == ["a"]
    admin.post("/items/hide", {"ids": ["a"], "hidden": False})
    assert reader.get("/items/a").status_code == 200


def test_an_item_outside_its_dates_is_not_shown(caller, is_problem):
    add_item("a", available_from=f"{timezone.now().year + 1}-01-01")
    is_problem(caller().get("/items/a"), 404)


def test_a_collection_shows_its_visible_items_in_order(caller, admin, is_problem):
    add_items("a", "b", "c")
    body = {"id": "k/1", "title": "T", "item_ids": ["c", "a", "b"]}
    assert admin.post("/collections", body).status_code == 200
    admin.post("/items/hide", {"ids": ["a"]})
    shown = caller().get("/collections/k%2F1").json()
    assert [item["id"] for item in shown["items"]] == ["c", "b"]
    assert caller().get("/collections").json()["collections"][0]["id"] == "k/1"
    is_problem(caller().get("/collections/no"), 404)
    is_problem(admin.post("/collections", {**body, "item_ids": ["no"]}), 404, field="item_ids")
    is_problem(admin.post("/collections", {"id": "k"}), 400, field="title")
    is_problem(admin.post("/collections", {**body, "id": "a\x00"}), 400, field="id")
