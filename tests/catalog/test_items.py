from datetime import date
from decimal import Decimal

import pytest

from catalog.derive import derive
from catalog.errors import InvalidInput, NotFound
from catalog.items import (
    item_input,
    item_row,
    patch_item,
    set_cover_codes,
    set_hidden,
    upsert_items,
)
from catalog.models import Item
from catalog.validation import read_item
from tests.catalog.rows import add_item, add_items

pytestmark = pytest.mark.django_db

FULL = {
    "id": "a/b c",
    "title": "La Pointe Courte",
    "description": "A couple\nin Sète.",
    "categories": ["Film/Drama", "Classic"],
    "creators": ["Agnès Varda"],
    "attributes": {"cast": ["Silvia Monfort"], "runtime": 86, "colour": False},
    "image_url": "https://example.org/a.jpg",
    "price": 12.5,
    "currency": "eur",
    "countries": ["France"],
    "released_on": "1955-01-05",
    "available_from": "2020-01-01T00:00:00Z",
    "hidden": False,
}


def statuses(*rows):
    return [result.status for result in upsert_items(items=[read_item(row) for row in rows])]


def test_a_write_tells_created_unchanged_and_updated_apart():
    assert statuses(FULL) == ["created"]
    assert statuses(FULL) == ["unchanged"]
    assert statuses({**FULL, "price": 13}) == ["updated"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Other"), ("description", "Other"), ("categories", ["Other"]),
        ("creators", ["Other"]), ("attributes", {"runtime": 87}), ("image_url", "/o.jpg"),
        ("price", 1), ("currency", "USD"), ("countries", ["Spain"]),
        ("released_on", "1956-01-05"), ("year", 1960), ("available_from", "2021-01-01"),
        ("available_until", "2031-01-01"), ("hidden", True),
    ],
)  # fmt: skip
def test_a_change_of_any_column_is_an_update_that_is_stored(field, value):
    statuses(FULL)
    assert statuses({**FULL, field: value}) == ["updated"]
    stored = Item.objects.get()
    assert read_item(item_row(stored)) == read_item({**FULL, field: value})


def test_derived_columns_are_those_of_derive():
    statuses(FULL)
    item, derived = Item.objects.get(), derive(read_item(FULL))
    assert item.categories == ["Film", "Film/Drama", "Classic"] == derived.categories
    assert (item.year, item.keywords, item.content_hash) == (
        1955, derived.keywords, derived.content_hash,
    )  # fmt: skip
    assert item.released_on == date(1955, 1, 5)
    assert item.price == Decimal("12.50")


def test_updated_at_moves_only_when_something_changed():
    statuses(FULL)
    before = Item.objects.get().updated_at
    statuses(FULL)
    assert Item.objects.get().updated_at == before
    statuses({**FULL, "title": "Other"})
    assert Item.objects.get().updated_at > before


def test_created_at_survives_an_update():
    statuses(FULL)
    before = Item.objects.get().created_at
    statuses({**FULL, "title": "Other"})
    assert Item.objects.get().created_at == before


def test_of_two_rows_with_one_id_the_last_counts():
    rows = [{"id": "x", "title": "First"}, {"id": "y", "title": "Y"}, {"id": "x", "title": "Last"}]
    assert statuses(*rows) == ["duplicate", "created", "created"]
    assert Item.objects.get(external_id="x").title == "Last"


def test_a_thousand_items_take_as_many_queries_as_one(django_assert_num_queries):
    rows = [read_item({"id": f"i{n}", "title": "T"}) for n in range(1000)]
    with django_assert_num_queries(4):  # savepoint, look up, write, release
        upsert_items(items=rows)
    assert Item.objects.count() == 1000


def test_nothing_to_write_is_no_error():
    assert upsert_items(items=[]) == []


def test_a_patch_leaves_what_it_does_not_name():
    statuses(FULL)
    item = patch_item(external_id="a/b c", changes={"title": "New", "price": None})
    assert (item.title, item.price, item.creators) == ("New", None, ["Agnès Varda"])
    assert item.content_hash == derive(item_input(item)).content_hash


def test_a_patch_of_the_release_date_moves_a_derived_year_and_keeps_a_given_one():
    add_items("derived", released_on="1990-01-01")
    add_items("given", released_on="1990-01-01", year=1989)
    for external_id, year in (("derived", 2001), ("given", 1989)):
        item = patch_item(external_id=external_id, changes={"released_on": "2001-02-03"})
        assert item.year == year


def test_a_patch_that_cannot_be_used_changes_nothing():
    add_item("i1")
    with pytest.raises(InvalidInput) as caught:
        patch_item(external_id="i1", changes={"title": "New", "prize": 3})
    assert caught.value.field == "prize"
    assert "'price'" in caught.value.detail
    assert Item.objects.get().title == "Title of i1"


def test_a_patch_of_no_item_says_so():
    with pytest.raises(NotFound):
        patch_item(external_id="no", changes={"title": "x"})


def test_hiding_counts_what_changed_and_takes_items_out_of_sight():
    add_items("i1", "i2", "i3")
    assert set_hidden(external_ids=["i1", "i2", "no"], hidden=True) == 2
    assert set_hidden(external_ids=["i1", "i3"], hidden=True) == 1
    assert not Item.objects.visible().exists()
    assert set_hidden(external_ids=["i1"], hidden=False) == 1
    assert Item.objects.visible().get().external_id == "i1"


def test_cover_codes_are_set_in_one_statement_and_only_where_they_differ(
    django_assert_num_queries,
):
    add_items("i1", "i2", "i3")
    keys = dict(Item.objects.values_list("external_id", "pk"))
    told = {keys["i1"]: [4, 0, 250], keys["i2"]: [1], 999_999: [1, 2, 3]}
    with django_assert_num_queries(1):
        assert set_cover_codes(codes=told) == 2
    assert set_cover_codes(codes=told) == 0
    assert set_cover_codes(codes={}) == 0
    found = dict(Item.objects.values_list("external_id", "cover_codes"))
    assert found == {"i1": [4, 0, 250], "i2": [1], "i3": None}


def test_writing_an_item_again_keeps_its_cover_codes():
    item = add_item("i1")
    set_cover_codes(codes={item.pk: [4, 0, 250]})
    patch_item(external_id="i1", changes={"title": "Another"})
    assert Item.objects.get(pk=item.pk).cover_codes == [4, 0, 250]
