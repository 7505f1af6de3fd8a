"""What was added to an item, on its page, in the API and in the admin: apart, and told as that."""

import pytest
from django.urls import reverse

from catalog.additions import Addition, set_additions
from catalog.category_names import name_category
from catalog.keys import issue_key
from catalog.models import Item
from catalog.profiles import save_profile
from search.views.cards import item_url
from tests.catalog.rows import add_item

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script>"


def addition(facet, value, **more):
    told = {"field": "description", "start": 2, "end": 10, "evidence": "red lamp", "by": "person"}
    return Addition(facet=facet, value=value, model="tiny", **told | more)


@pytest.fixture
def lamp():
    save_profile(facet_attributes=["color", "watts"])
    add_item("i1", title="Lamp", description="A red lamp.", attributes={"size": "small"})
    item = Item.objects.get()
    set_additions(additions={item.pk: [
        addition("attributes.color", "red"), addition("attributes.watts", 40),
        addition("category", "Gifts/Metal", by="sample"), addition("tag", NASTY, by="policy"),
    ]})  # fmt: skip
    return Item.objects.get()


def test_the_page_tells_what_was_added_and_how_it_was_decided(client, lamp):
    page = client.get(item_url(lamp)).content.decode()
    assert "Suggested by a language model, approved by a person." in page
    assert "people checked a random sample" in page
    assert "accepted by a rule" in page
    assert 'href="/search?attributes.color=red"' in page
    assert "attributes.watts=40..40" in page
    assert "Gifts / Metal" in page
    assert "It says “red lamp”." in page
    assert NASTY not in page


def test_an_added_category_is_called_as_it_is_named(client, lamp):
    add_item("i2", title="Tray", category_paths=["Gifts/Metal"])
    name_category(path="Gifts/Metal", name="Of brass and tin", source="person")
    page = client.get(item_url(lamp)).content.decode()
    assert "Gifts / Of brass and tin" in page
    assert reverse("pages:category", args=("Gifts/Metal",)) in page


def test_its_links_lead_to_lists_that_hold_it(client, lamp):
    for url in ("/search?attributes.color=red", "/search?attributes.watts=40..40"):
        assert item_url(lamp) in client.get(url).content.decode()
    listed = client.get(reverse("pages:category", args=("Gifts/Metal",)))
    assert "Lamp" in listed.content.decode()


def test_without_additions_nothing_is_told(client, lamp):
    set_additions(additions={lamp.pk: []})
    assert "Suggested" not in client.get(item_url(lamp)).content.decode()


def test_the_api_tells_it_apart_from_what_the_feed_says(client, lamp):
    _, key = issue_key(name="reader", scopes=["read"])
    told = client.get("/api/v1/items/i1", headers={"Authorization": f"Bearer {key}"}).json()
    assert told["attributes"] == {"size": "small"}
    assert "Gifts/Metal" not in told["categories"]
    assert [(one["facet"], one["value"], one["by"]) for one in told["added"]] == [
        ("attributes.color", "red", "person"), ("attributes.watts", 40, "person"),
        ("category", "Gifts/Metal", "sample"), ("tag", NASTY, "policy"),
    ]  # fmt: skip
    assert told["added"][0] | {"model": "tiny", "start": 2, "end": 10} == told["added"][0]


def test_an_editor_sees_evidence_and_what_the_feed_overtook(admin_client, lamp):
    Item.objects.update(attributes={"color": "blue"})
    page = admin_client.get(reverse("admin:catalog_item_change", args=[lamp.pk])).content.decode()
    assert "from “red lamp” (description, characters 2 to 10)" in page
    assert "tiny, approved by a person. The feed states it itself" in page
    assert "accepted by a policy" in page
    assert NASTY not in page
