"""What the pages do with the editors' rules: lead on, announce, and say who picked."""

import html

import pytest

from catalog.models import Answer
from tests.search.rules import rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films")]
HTMX = {"HX-Request": "true", "HX-Target": "main"}
TYPING = HTMX | {"HX-Current-URL": "http://testserver/search?q=h"}


def words(response):
    return html.unescape(response.content.decode())


def test_a_search_that_is_sent_off_leads_on_and_is_logged(client):
    rule("redirect", target="/browse/Thriller")
    response = client.get("/search?q=Hitchcock")
    assert (response.status_code, response["Location"]) == (302, "/browse/Thriller")
    assert Answer.objects.get().query == "Hitchcock"
    part = client.get("/search?q=hitchcock", headers=HTMX)
    assert (part.status_code, part["HX-Redirect"]) == (200, "/browse/Thriller")
    assert client.head("/search?q=hitchcock").status_code == 302


@pytest.mark.parametrize(
    "asked", ["q=hitchcock&typing=1", "q=hitchcock&page=2", "q=hitchcock&category=Thriller"]
)
def test_half_typed_or_narrowed_it_says_where_it_would_lead(client, asked):
    rule("redirect", target="/browse/Thriller")
    response = client.get(f"/search?{asked}", headers=TYPING)
    assert response.status_code == 200
    assert "HX-Redirect" not in response
    assert 'This search leads to <a href="/browse/Thriller">' in words(response)
    assert "verbatim=1" in words(response)


def test_search_anyway(client):
    rule("redirect", target="/browse/Thriller")
    page = words(client.get("/search?q=hitchcock&verbatim=1"))
    assert "Vertigo" in page
    assert "This search leads to" not in page


def test_a_banner_is_text_above_the_hits_and_may_be_a_link(client):
    rule("banner", text="Sale <script>x</script>", target="/browse?a=1&b=2")
    page = client.get("/search?q=hitchcock").content.decode()
    assert "<script>x" not in page
    assert "Sale &lt;script&gt;" in page
    assert 'href="/browse?a=1&amp;b=2"' in page
    assert page.index('class="banner"') < page.index('class="hits"')
    assert 'class="banner"' not in client.get("/search?q=tati").content.decode()


def test_a_banner_also_stands_above_nothing(client):
    rule("banner", ["zzyzx"], text="We do not sell these.")
    assert "We do not sell these." in words(client.get("/search?q=zzyzx"))


def test_a_category_shows_the_banner_of_browsing(client):
    rule("banner", (), match="browse", text="Closed today")
    assert "Closed today" in words(client.get("/browse/Comedy"))
    assert "Closed today" in words(client.get("/search"))


def test_what_is_pinned_says_who_picked_it(client):
    rule("pin", items=["Mon Oncle", "Vertigo"])
    page = words(client.get("/search?q=hitchcock"))
    assert page.count("Picked by the editors.") == 2
    assert "Picked by the editors. Your words stand in its creator" in page.replace(
        "director", "creator"
    )
