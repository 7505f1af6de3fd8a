"""What is added stands beside the feed: counted where the feed is silent, never in its way."""

from decimal import Decimal

import pytest

from catalog.additions import Addition, additions_of, set_additions
from catalog.filters import ItemFilters, Range
from catalog.importers.bulk import copy_items
from catalog.items import item_row, patch_item, upsert_items
from catalog.models import Item
from catalog.types import ItemInput

pytestmark = pytest.mark.django_db


def given(**more):
    told = {
        "description": "A red lamp of brass.", "category_paths": ["Home/Lamps"],
        "attributes": {"size": "", "watts": 5},
    }  # fmt: skip
    return ItemInput(external_id="a", title="Brass lamp", **told | more)


def added(facet, value, **more):
    told = {"field": "description", "start": 2, "end": 5, "evidence": "red", "by": "person"}
    return Addition(facet=facet, value=value, model="tiny", **told | more)


@pytest.fixture
def lamp():
    upsert_items(items=[given()])
    return Item.objects.get()


def tell(item, *additions):
    changed = set_additions(additions={item.pk: additions})
    item.refresh_from_db()
    return changed


def test_without_additions_all_is_what_the_feed_says(lamp):
    assert lamp.all_categories == lamp.categories == ["Home", "Home/Lamps"]
    assert lamp.all_attributes == lamp.attributes == {"size": "", "watts": 5}


def test_what_is_added_counts_where_the_feed_is_silent(lamp):
    told = [
        added("attributes.color", "red"), added("attributes.size", "small"),
        added("attributes.watts", 7), added("category", "Gifts/Metal"),
        added("category", "Home/Lamps"), added("tag", "cosy light"),
    ]  # fmt: skip
    assert tell(lamp, *told) == 1
    assert lamp.all_attributes == {"color": "red", "size": "small", "watts": 5}
    assert lamp.all_categories == ["Home", "Home/Lamps", "Gifts", "Gifts/Metal"]
    assert lamp.attributes == {"size": "", "watts": 5}
    assert [(one.key, one.value) for one in additions_of(lamp)] == [
        ("color", "red"), ("size", "small"), ("category", "Gifts/Metal"), ("tag", "cosy light"),
    ]  # fmt: skip
    # Again: nothing to write.
    assert tell(lamp, *told) == 0
    assert tell(lamp) == 1
    assert lamp.all_attributes == lamp.attributes
    assert lamp.all_categories == lamp.categories


def test_several_values_of_one_attribute_are_a_list_and_a_number_stays_one(lamp):
    tell(lamp, added("attributes.color", "red"), added("attributes.color", "blue"),
         added("attributes.height", 30))  # fmt: skip
    assert lamp.all_attributes["color"] == ["red", "blue"]
    heights = ItemFilters(attributes=(("height", Range(low=Decimal(20), high=Decimal(40))),))
    assert Item.objects.filter(heights.q()).count() == 1


def test_filters_read_both(lamp):
    tell(lamp, added("attributes.color", "red"), added("category", "Gifts/Metal"))
    for filters, count in (
        (ItemFilters(category=("Gifts",)), 1),
        (ItemFilters(category=("Home/Lamps",)), 1),
        (ItemFilters(attributes=(("color", ("red",)),)), 1),
        (ItemFilters(attributes=(("color", ("blue",)),)), 0),
    ):
        assert Item.objects.filter(filters.q()).count() == count


@pytest.mark.parametrize(
    "write", [lambda item: upsert_items(items=[item]), lambda item: copy_items(items=[item])]
)
def test_an_import_neither_erases_nor_learns_what_was_added(lamp, write):
    tell(lamp, added("attributes.color", "red"), added("category", "Gifts"))
    before = lamp.added
    write(given(description="A red lamp of brass, new."))
    lamp.refresh_from_db()
    assert lamp.added == before
    assert lamp.attributes == {"size": "", "watts": 5}
    assert lamp.category_paths == ["Home/Lamps"]
    assert lamp.all_attributes["color"] == "red"
    assert "Gifts" in lamp.all_categories
    assert "red" not in lamp.keywords
    # The feed states it itself: it has the last word, and what was added waits.
    write(given(attributes={"color": "blue"}, category_paths=["Gifts"]))
    lamp.refresh_from_db()
    assert lamp.all_attributes == {"color": "blue"}
    assert lamp.all_categories == ["Gifts"]
    assert additions_of(lamp) == []
    write(given())
    lamp.refresh_from_db()
    assert lamp.all_attributes["color"] == "red"


def test_a_patch_writes_back_what_the_feed_said_alone(lamp):
    tell(lamp, added("attributes.color", "red"))
    assert "color" not in item_row(lamp)["attributes"]
    patched = patch_item(external_id="a", changes={"title": "Old lamp"})
    assert patched.attributes == {"size": "", "watts": 5}
    assert patched.all_attributes["color"] == "red"
