"""A facet with 100,000 values: what pages, API and completion answer stays small."""

import pytest
from django.core.cache import cache
from django.db import connection

from catalog.profiles import save_profile
from search.facet_words import MOST_SAID_ALIKE, build_facet_words, look_up
from search.facets import SHOWN
from search.views.browse import MAX_SHELVES

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
VALUES = 100_000
# Each item has a maker, a kind, and a shade of its own; all makers end in the same word.
INSERT = """
    INSERT INTO catalog_item (
        external_id, title, description, creators, category_paths, categories, countries,
        attributes, year, image_url, currency, keywords, content_hash, is_hidden, created_at,
        updated_at
    )
    SELECT 'i' || n, 'Lamp ' || n, '', ARRAY['Firm' || n || ' Ltd'], ARRAY['Things/Kind ' || n],
           ARRAY['Things', 'Things/Kind ' || n], ARRAY['France'],
           jsonb_build_object('shade', 'shade ' || n), 2000, '', '', '', '', false, now(), now()
    FROM generate_series(1, %s) AS n"""
MOST_BYTES = 100_000


@pytest.fixture
def lamps(db, settings):
    settings.API_PUBLIC_READ = True
    save_profile(
        name="Lamps", item_noun="lamp", item_noun_plural="lamps", creator_noun="maker",
        category_noun="kind", facet_attributes=["shade"],
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        limit = cursor.fetchone()[0]
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(INSERT, [VALUES])
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
        cursor.execute("ANALYZE catalog_item")
        build_facet_words()
        cursor.execute("ANALYZE search_facetword")
    cache.clear()


ASKED = [
    ("/search", {"q": "lamp"}),
    ("/search", {}),
    ("/search", {"q": "ltd"}),
    ("/search", {"q": "lamp by ltd"}),
    ("/search", {"q": "lamp", "creator": "Firm7 Ltd", "attributes.shade": "shade 7"}),
    ("/api/v1/search", {"q": "lamp"}),
    ("/api/v1/search", {"q": "kind 77"}),
    ("/api/v1/search", {}),
    ("/api/v1/query-recommendations", {"q": "lamp"}),
    ("/suggest", {"q": "ltd"}),
    ("/suggest", {"q": "firm"}),
    ("/api/v1/suggest", {"q": "kin"}),
    ("/browse", {}),
    ("/browse/Things", {}),
    ("/browse/Things/Kind 7", {}),
    ("/", {}),
]


def test_a_facet_of_100_000_values_makes_no_answer_large_or_endless(lamps, client):
    # Statements end after 30 seconds, and the page is an error then.
    for url, given in ASKED:
        response = client.get(url, given)
        assert response.status_code == 200, (url, given)
        assert len(response.content) < MOST_BYTES, (url, given)
    facets = client.get("/api/v1/search", {"q": "lamp"}).json()["facets"]
    sizes = {facet["key"]: len(facet["values"]) for facet in facets}
    assert sizes["creator"] == sizes["attributes.shade"] == SHOWN
    chosen = client.get("/api/v1/search", {"q": "lamp", "creator": "Firm99999 Ltd"}).json()
    assert chosen["total"] == 1
    makers = next(facet for facet in chosen["facets"] if facet["key"] == "creator")["values"]
    assert {"value": "Firm99999 Ltd", "label": "Firm99999 Ltd", "count": 1, "selected": True} in (
        makers
    )
    page = client.get("/browse/Things").content.decode()
    assert page.count('class="shelf-card"') == MAX_SHELVES
    assert "have the most lamps, of 100,000. The search field finds the others." in page
    assert sum(row.said == "ltd" for row in look_up(["ltd"])) == MOST_SAID_ALIKE
