"""Pages by cursor: one order and one count, whatever happens between two pages."""

import uuid
from dataclasses import replace

import pytest
from django.core.cache import cache

from catalog.errors import InvalidInput
from catalog.filters import ItemFilters
from catalog.items import set_hidden, upsert_items
from catalog.models import Item
from catalog.types import ItemInput, Viewer
from recs.models import ItemPopularity, NeighbourVersion
from search import lexical
from search.answer import search
from search.types import SearchRequest

pytestmark = pytest.mark.django_db
ASKED = SearchRequest(query="tale", per_page=4)


@pytest.fixture(autouse=True)
def tales(db):
    upsert_items(items=[ItemInput(external_id=f"t{n}", title=f"Tale {n}") for n in range(15)])


def titles(answer):
    return [hit.item.title for hit in answer.retrieved.hits]


def make_popular(*names):
    NeighbourVersion.objects.update(is_live=False)
    version = NeighbourVersion.objects.create(as_of="2020-01-01T00:00Z", is_live=True)
    ItemPopularity.objects.bulk_create(
        ItemPopularity(version=version, item=item, wanted=9, people=9, trending=1.0)
        for item in Item.objects.filter(title__in=names)
    )


@pytest.mark.parametrize("looked_at", [6, 1_000])
@pytest.mark.parametrize(
    ("query", "sort"),
    [("tale", "relevance"), ("tale", "popular"), ("", "popular"), ("", "newest")],
)
def test_every_item_once_though_the_order_changes_between_pages(
    query, sort, looked_at, monkeypatch
):
    monkeypatch.setattr(lexical, "MAX_MATCHES", looked_at)
    asked = SearchRequest(query=query, sort=sort, per_page=4)
    answer = search(asked)
    shown, pages = titles(answer), 1
    while answer.next_cursor:
        # What was last would now be first.
        make_popular(*[f"Tale {14 - pages}"])
        upsert_items(items=[ItemInput(external_id=f"n{pages}", title=f"Tale n{pages}", year=2030)])
        answer = search(replace(asked, cursor=answer.next_cursor))
        assert answer.retrieved.total == 15
        assert answer.retrieved.page == pages + 1
        shown += titles(answer)
        pages += 1
    assert sorted(shown) == sorted(f"Tale {n}" for n in range(15))
    assert pages == 4


def test_without_a_cursor_a_page_has_todays_order_and_what_is_new():
    first = search(ASKED)
    make_popular("Tale 9", "Tale 14")
    upsert_items(items=[ItemInput(external_id="new", title="Tale of today")])
    by_cursor = search(replace(ASKED, cursor=first.next_cursor))
    assert by_cursor.retrieved.total == 15
    assert search(ASKED).retrieved.total == 16
    assert set(titles(search(ASKED))) >= {"Tale 9", "Tale 14"}


def test_what_is_hidden_meanwhile_is_not_shown_and_the_count_stands():
    first = search(ASKED)
    second = search(replace(ASKED, cursor=first.next_cursor))
    gone = second.retrieved.hits[0].item
    set_hidden(external_ids=[gone.external_id], hidden=True)
    again = search(replace(ASKED, cursor=first.next_cursor))
    assert gone.title not in titles(again)
    assert again.retrieved.total == 15


@pytest.mark.parametrize("looked_at", [6, 1_000])
@pytest.mark.parametrize("query", ["tale", ""])
def test_nothing_is_passed_over_when_something_shown_before_goes(query, looked_at, monkeypatch):
    monkeypatch.setattr(lexical, "MAX_MATCHES", looked_at)
    asked = SearchRequest(query=query, sort="popular" if not query else "relevance", per_page=4)
    answer = search(asked)
    shown = titles(answer)
    set_hidden(external_ids=[answer.retrieved.hits[0].item.external_id], hidden=True)
    while answer.next_cursor:
        answer = search(replace(asked, cursor=answer.next_cursor))
        shown += titles(answer)
    assert sorted(shown) == sorted(f"Tale {n}" for n in range(15))


def test_the_size_of_a_page_may_change_and_the_last_has_no_cursor():
    first = search(ASKED)
    rest = search(replace(ASKED, cursor=first.next_cursor, per_page=100))
    assert len(titles(first) + titles(rest)) == len(set(titles(first) + titles(rest))) == 15
    assert rest.next_cursor == ""
    assert search(replace(ASKED, per_page=15)).next_cursor == ""
    assert search(replace(ASKED, is_typing=True)).next_cursor == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"query": "tale 1"},
        {"sort": "title"},
        {"filters": ItemFilters(category=("Drama",))},
        {"viewer": Viewer(anonymous_id="somebody else")},
    ],
)
def test_a_cursor_of_another_search_is_refused(changed):
    cursor = search(ASKED).next_cursor
    with pytest.raises(InvalidInput, match="another search"):
        search(replace(ASKED, cursor=cursor, **changed))


@pytest.mark.parametrize("cursor", ["x", "0" * 32, f"{'0' * 32}-", f"{'g' * 32}-4", "-1", "../../"])
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(InvalidInput, match="next_cursor"):
        search(replace(ASKED, cursor=cursor))


def test_one_that_is_over_says_so():
    cursor = search(ASKED).next_cursor
    cache.clear()
    with pytest.raises(InvalidInput, match="is over"):
        search(replace(ASKED, cursor=cursor))
    with pytest.raises(InvalidInput, match="is over"):
        search(replace(ASKED, cursor=f"{uuid.uuid4().hex}-4"))


def test_the_api_and_the_page_go_on_with_it(client):
    body = client.get("/api/v1/search?q=tale&per_page=10").json()
    more = client.get(
        "/api/v1/search", {"q": "tale", "per_page": 10, "cursor": body["next_cursor"]}
    ).json()
    shown = [hit["item"]["id"] for hit in [*body["hits"], *more["hits"]]]
    assert len(set(shown)) == 15
    assert more["next_cursor"] is None
    refused = client.get("/api/v1/search?q=tale&page=2&cursor=x")
    assert refused.status_code == 400
    assert "cursor" in str(refused.json())
    upsert_items(items=[ItemInput(external_id=f"u{n}", title=f"Tale u{n}") for n in range(15)])
    page = client.get("/search?q=tale").content.decode()
    assert "cursor=" in page
    # What is kept no longer: the page falls back to the order of now.
    assert client.get(f"/search?q=tale&page=2&cursor={'0' * 32}-24").status_code == 200
