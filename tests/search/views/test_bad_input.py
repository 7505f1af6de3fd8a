"""Whatever stands in the address, the answer is a page and says what to do."""

import pytest

from search.views.params import read_page

pytestmark = pytest.mark.django_db
NASTY = [
    "<script>alert(1)</script>",
    "'; DROP TABLE catalog_item; --",
    "\u202ereversed\u202c",
    "👩‍👩‍👧 🎬",
    "مرحبا",
    "%s %(x)s {} {{ 1 }}",
    "\\",
    "'",
    '"unbalanced',
    "a" * 500,
    "-",
    "\x07\x1b",
]


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize(
    "path", ["/search", "/suggest", "/browse/Comedy", "/collections", "/history", "/people", "/"]
)
def test_nasty_text_in_every_parameter_is_shown_or_ignored(client, built, path, nasty):
    given = dict.fromkeys(
        ("q", "category", "creator", "country", "sort", "page", "verbatim", "from", "typing"), nasty
    )
    response = client.get(path, given)
    assert response.status_code == 200 or (len(nasty) > 300 and response.status_code == 400)
    assert "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_text_in_a_path_is_not_found(client, built, nasty):
    assert client.get(f"/browse/{nasty}/x").status_code == 404


def test_a_query_that_is_too_long_is_told_so(client, built):
    response = client.get("/search", {"q": "long " * 200})
    assert response.status_code == 400
    page = response.content.decode()
    assert "Shorten it to 500" in page
    assert client.get("/search", {"q": "x" * 100_000}).status_code == 414


@pytest.mark.parametrize("year", ["abc", "1990..1980", "1e99..", "nan"])
def test_a_range_that_cannot_be_read_is_named(client, built, year):
    response = client.get("/search", {"year": year})
    assert response.status_code == 400
    assert "year" in response.content.decode()


def test_unknown_facet_values_yield_nothing_but_a_way_on(client, built):
    page = client.get("/search", {"q": "tati", "category": "No such"}).content.decode()
    assert "No films for" in page
    assert "Without" in page


@pytest.mark.parametrize(
    ("text", "page"),
    [("", 1), ("abc", 1), ("-3", 1), ("0", 1), ("7", 7), ("٣", 1), ("9" * 30, 1), ("99999", 1000)],
)
def test_pages_are_read_with_patience(text, page):
    assert read_page(text) == page


def test_an_unknown_address_is_a_page_that_leads_on(client, db):
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "Nothing stands at this address" in response.content.decode()


def test_the_page_for_our_own_mistakes_needs_nothing(rf):
    from search.views.errors import server_error

    response = server_error(rf.get("/"))
    assert response.status_code == 500
    assert "it was us" in response.content.decode()


def test_the_page_for_a_lost_database_asks_the_database_nothing(rf, django_assert_num_queries):
    from django.db import OperationalError

    from config.middleware import UnavailableMiddleware

    with django_assert_num_queries(0):
        response = UnavailableMiddleware.unavailable(rf.get("/"), OperationalError("gone"))
    assert response.status_code == 503
    assert response["Retry-After"]
    assert "Back in a moment" in response.content.decode()
