"""Addresses of items and collections: one for each, whatever its title is written in."""

import pytest

from catalog.collections import upsert_collection
from catalog.models import Item
from search.views.cards import collection_url, item_url
from tests.catalog.rows import add_item

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("title", ["Amélie", "日本 映画", "مرحبا", "🎬", "a/b?c#d", "<b>"])
def test_a_page_is_shown_at_its_own_address(client, title):
    add_item("i1", title=title)
    item = Item.objects.get()
    collection = upsert_collection(external_id="c1", title=title, description="", item_ids=["i1"])
    for url in (item_url(item), collection_url(collection)):
        assert client.get(url).status_code == 200, url


def test_another_slug_leads_to_the_address_at_once(client):
    add_item("i1", title="Amélie")
    url = item_url(Item.objects.get())
    response = client.get(f"{url}-old", follow=True)
    assert response.redirect_chain == [(url, 302)]
    assert response.status_code == 200
