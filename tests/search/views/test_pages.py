"""Each page, whole and in part: what stands on it, how it may be cached, how many queries."""

import re
from html import unescape

import pytest

from catalog.items import set_hidden
from catalog.models import Answer, Collection, Item
from search.views.cards import collection_url, cover_url, item_url

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def text(response):
    return response.content.decode()


@pytest.mark.parametrize(
    "path",
    ["/", "/search", "/search?q=hitchcock", "/browse", "/browse/Comedy", "/collections",
     "/history", "/history/forget", "/people", "/sign-in", "/sign-up", "/about"],
)  # fmt: skip
def test_every_page_answers_and_is_the_visitors_own(client, built, path):
    response = client.get(path)
    assert response.status_code == 200
    assert "HX-Request" in response["Vary"]
    assert "Cookie" in response["Vary"]
    assert "private" in response["Cache-Control"]
    page = text(response)
    assert page.startswith("<!doctype html>")
    assert len(re.findall("<h1", page)) == 1
    assert page.count("<main") == 1


@pytest.mark.parametrize(
    "path", ["/", "/search?q=tati", "/browse", "/browse/Comedy", "/collections", "/history"]
)
def test_pages_hold_no_inline_style_or_script(client, built, path):
    page = text(client.get(path))
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*src=)", page)
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_pages_are_compressed(client, built):
    assert client.get("/", headers={"Accept-Encoding": "gzip"})["Content-Encoding"] == "gzip"


def test_home_shows_rows_and_searches_worth_trying_in_the_catalogs_words(client, built):
    page = text(client.get("/"))
    assert 'class="shelf"' in page
    assert "Searches worth trying" in page
    assert 'class="pill"' in page
    assert "Search films" in page


def test_an_empty_catalog_says_how_to_fill_it(client, db):
    assert "manage.py demo films" in text(client.get("/"))


def test_search_shows_pills_above_hits_and_the_count(client, built):
    page = text(client.get("/search?q=james+stewart"))
    assert page.index('class="pill"') < page.index('class="hit"')
    assert re.search(r"<strong>3</strong>\s+films", page)
    assert "Rear Window" in page


def test_nothing_stands_above_an_exact_title(client, built):
    page = text(client.get("/search?q=the+godfather"))
    assert 'class="hit"' in page
    assert 'class="pill"' not in page


def test_htmx_gets_the_part_it_asked_for(client, built):
    whole = client.get("/search?q=hitchcock")
    part = client.get("/search?q=hitchcock", headers=HTMX | {"HX-Target": "main"})
    assert "<!doctype" not in text(part)
    assert "<header" not in text(part)
    assert 'class="hit"' in text(part)
    assert len(part.content) < len(whole.content)
    assert part["HX-Push-Url"] == "/search?q=hitchcock"


def test_letters_replace_the_address_and_are_logged_as_typing(client, built):
    at = HTMX | {"HX-Target": "main", "HX-Current-URL": "http://testserver/search?q=h"}
    part = client.get("/search?q=hitchc&typing=1", headers=at)
    assert part["HX-Replace-Url"] == "/search?q=hitchc"
    assert "HX-Push-Url" not in part
    assert Answer.objects.get(kind="search").is_typing


def test_more_hits_come_without_the_page_around_them(client, many):
    first = text(client.get("/search?q=numbered"))
    more = unescape(re.search(r'rel="next" href="([^"]+)"', first).group(1))
    assert "page=2" in more
    part = text(client.get(more, headers=HTMX | {"HX-Target": "more"}))
    assert part.count('class="hit"') == 6
    assert "explore" not in part
    assert 'id="more"' not in part
    whole = text(client.get(more))
    assert 'rel="prev"' in whole
    positions = [int(n) for n in re.findall(r"[?;]p=(\d+)", whole)]
    assert min(positions) == 25


@pytest.fixture
def many(db):
    from catalog.items import upsert_items
    from catalog.profiles import save_profile
    from catalog.types import ItemInput

    save_profile(item_noun="film", item_noun_plural="films", range_facet="year")
    upsert_items(
        items=[
            ItemInput(
                external_id=f"n{n}", title=f"Numbered {n}", year=1950 + n, category_paths=["Drama"]
            )
            for n in range(30)
        ]
    )


def test_active_filters_are_chips_that_lead_to_the_list_without_them(client, built):
    page = text(client.get("/search?category=Comedy&country=France&year=1960..1965"))
    chips = re.findall(r'<li><a href="([^"]+)"><bdi>([^<]+)</bdi>', page)
    assert {label for _, label in chips} == {"Comedy", "France", "Year 1960 to 1965"}
    without_france = next(url for url, label in chips if label == "France")
    assert "country" not in without_france
    assert "category=Comedy" in without_france
    assert "Clear all" in page


def test_the_two_fields_of_a_range_make_one_filter(client, built):
    page = text(client.get("/search?category=Comedy&year_from=1960&year_to=1965"))
    assert "Year 1960 to 1965" in page
    titles = re.findall(r"<h3><a [^>]+>([^<]+)", page)
    assert "Zazie dans le Métro" in titles
    assert "Playtime" not in titles


def test_nothing_found_says_what_letting_go_of_a_filter_gives(client, built):
    page = text(client.get("/search?q=tati&country=Mexico"))
    assert "No films for" in page
    assert re.search(r'href="/search\?q=tati">Without <bdi>Mexico', page)


def test_nothing_found_at_all_still_leads_on(client, built):
    page = text(client.get("/search?q=qqqqzzzz"))
    assert "No films for" in page
    assert 'class="pill"' in page


def test_a_page_beyond_the_last_leads_back(client, built):
    response = client.get("/search?q=hitchcock&page=77")
    assert response.status_code == 200
    assert "There is no page 77" in text(response)


def test_a_corrected_query_can_be_had_as_typed(client, built):
    from search.spelling import build_terms

    build_terms()
    page = text(client.get("/search?q=hitchcok"))
    assert "Showing results for" in page
    verbatim = re.search(r'href="([^"]+verbatim=1[^"]*)"', page).group(1)
    assert "Showing results for" not in text(client.get(verbatim.replace("&amp;", "&")))


def test_browsing_leads_through_categories(client, built):
    assert 'href="/browse/Comedy"' in text(client.get("/browse"))
    page = text(client.get("/browse/Comedy"))
    assert "Playtime" in page
    assert "Rear Window" not in page
    assert client.get("/browse/No/Such").status_code == 404


def test_an_items_page_tells_what_is_known_and_leads_on(client, built):
    item = built["Rear Window"]
    page = text(client.get(item_url(item)))
    for words in ("Alfred Hitchcock", "1954", "James Stewart", "Searches from here", "Like"):
        assert words in page
    assert 'href="/search?creator=Alfred+Hitchcock"' in page
    assert 'alt="Rear Window"' in page


def test_a_wrong_slug_leads_to_the_right_address(client, built):
    item = built["Rear Window"]
    for path in (f"/item/{item.pk}", f"/item/{item.pk}/wrong"):
        response = client.get(path)
        assert response.status_code == 302
        assert response["Location"] == item_url(item)


def test_a_hidden_item_has_no_page_and_no_cover(client, built):
    item = built["Rear Window"]
    set_hidden(external_ids=[item.external_id], hidden=True)
    assert client.get(item_url(item)).status_code == 404
    assert client.get(cover_url(item)).status_code == 404
    assert client.get("/item/999999999999999999999/x").status_code == 404


def test_collections_show_their_items_in_order(client, built):
    collection = Collection.objects.get()
    assert "Monsieur Hulot" in text(client.get("/collections"))
    page = text(client.get(collection_url(collection)))
    assert page.index("Mon Oncle") < page.index("Playtime") < page.index("Trafic")
    Collection.objects.update(is_hidden=True)
    assert client.get(collection_url(collection)).status_code == 404


def test_an_item_names_the_lists_it_stands_in(client, built):
    assert "Monsieur Hulot" in text(client.get(item_url(built["Playtime"])))


def test_a_cover_may_be_kept_for_ever_and_an_old_address_leads_to_the_new(client, built):
    item = built["Playtime"]
    response = client.get(cover_url(item))
    assert response["Content-Type"] == "image/svg+xml"
    assert "immutable" in response["Cache-Control"]
    assert "Cookie" not in response.get("Vary", "")
    again = client.get(cover_url(item), headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    old = client.get(f"/cover/{item.pk}/0000.svg")
    assert old.status_code == 302
    assert old["Location"] == cover_url(item)


def test_suggestions_are_options_of_a_list_box(client, built):
    page = text(client.get("/suggest?q=hitch"))
    assert 'role="option"' in page
    assert 'data-url="/search?q=Alfred+Hitchcock' in page
    assert text(client.get("/suggest?q=rear+w")).count("/item/") == 1


@pytest.mark.parametrize(
    ("path", "most"),
    [("/", 16), ("/search?q=hitchcock", 22), ("/browse", 6), ("/browse/Comedy", 18),
     ("/collections", 5), ("/history", 5), ("/people", 6), ("/suggest?q=hit", 6)],
)  # fmt: skip
def test_a_page_asks_the_database_seldom(client, built, django_assert_max_num_queries, path, most):
    client.get(path)
    with django_assert_max_num_queries(most):
        client.get(path)


def test_an_items_page_asks_the_database_seldom(client, built, django_assert_max_num_queries):
    path = item_url(built["Playtime"])
    client.get(path)
    with django_assert_max_num_queries(21):
        client.get(path)


@pytest.mark.parametrize("path", ["/", "/search?q=tati", "/browse", "/about"])
def test_pages_answer_head_requests(client, built, path):
    response = client.head(path)
    assert response.status_code == 200
    assert response.content == b""


def test_the_number_of_queries_does_not_grow_with_the_hits(client, many):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get("/search?q=numbered")
    with CaptureQueriesContext(connection) as few:
        client.get("/search?q=numbered+7")
    with CaptureQueriesContext(connection) as all_of_them:
        client.get("/search?q=numbered")
    assert len(all_of_them) <= len(few) + 6


def test_prices_take_the_place_of_years_where_the_catalog_has_them(client, db):
    from catalog.items import upsert_items
    from catalog.profiles import save_profile
    from catalog.types import ItemInput

    save_profile(item_noun="product", item_noun_plural="products", range_facet="price")
    upsert_items(
        items=[ItemInput(external_id="p", title="Chair", price="12.50", category_paths=["A/B"])]
    )
    page = text(client.get("/search?q=chair"))
    assert "$12.50" in page
    assert re.search(r"<strong>1</strong>\s+product\b", page)
    assert client.get("/browse/A/B").status_code == 200
    assert Item.objects.count() == 1
