import pytest

from catalog.collections import MAX_ITEMS, upsert_collection
from catalog.errors import InvalidInput, NotFound
from catalog.models import Collection
from tests.catalog.rows import add_items

pytestmark = pytest.mark.django_db


def entries(collection):
    return [(entry.position, entry.item.external_id) for entry in
            collection.entries.select_related("item")]  # fmt: skip


def test_a_collection_keeps_the_order_it_was_given():
    add_items("a", "b", "c")
    collection = upsert_collection(external_id="k", title="T", item_ids=["c", "a", "c", "b"])
    assert entries(collection) == [(1, "c"), (2, "a"), (3, "b")]


def test_a_second_write_replaces_title_and_list():
    add_items("a", "b")
    upsert_collection(external_id="k", title="T", description="D", item_ids=["a", "b"])
    collection = upsert_collection(external_id="k", title="U", item_ids=["b"])
    assert Collection.objects.get().title == "U"
    assert entries(collection) == [(1, "b")]


def test_an_unknown_item_refuses_it_all():
    add_items("a")
    upsert_collection(external_id="k", title="T", item_ids=["a"])
    with pytest.raises(NotFound) as caught:
        upsert_collection(external_id="k", title="U", item_ids=["a", "no"])
    assert caught.value.field == "item_ids"
    assert "no" in caught.value.detail
    assert Collection.objects.get().title == "T"
    assert entries(Collection.objects.get()) == [(1, "a")]


def test_a_collection_has_a_largest_size():
    with pytest.raises(InvalidInput):
        upsert_collection(external_id="k", title="T", item_ids=map(str, range(MAX_ITEMS + 1)))


def test_a_long_list_takes_as_many_queries_as_a_short_one(django_assert_max_num_queries):
    ids = [item.external_id for item in add_items(*(f"i{n}" for n in range(300)))]
    with django_assert_max_num_queries(12):
        upsert_collection(external_id="k", title="T", item_ids=ids)
