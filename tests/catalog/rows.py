"""Rows that the tests of the catalog stand on, written through the catalog's own functions."""

from catalog.items import upsert_items
from catalog.models import Item
from catalog.validation import read_item


def add_items(*external_ids, **fields):
    rows = [{"id": id_, "title": f"Title of {id_}", **fields} for id_ in external_ids]
    upsert_items(items=[read_item(row) for row in rows])
    return list(Item.objects.filter(external_id__in=external_ids).order_by("pk"))


def add_item(external_id="i1", **fields):
    return add_items(external_id, **fields)[0]
