"""Writing items: in bulk, one patch, hiding. What is derived is derived here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from catalog.derive import derive
from catalog.errors import NotFound
from catalog.models import Item
from catalog.types import ItemInput, WriteResult
from catalog.validation import ITEM_ALIASES, read_item

GIVEN = (
    "title", "description", "category_paths", "creators", "attributes", "image_url", "price",
    "currency", "countries", "released_on", "available_from", "available_until", "is_hidden",
)  # fmt: skip
DERIVED = ("categories", "year", "keywords", "content_hash")
WRITTEN = (*GIVEN, *DERIVED)
# Locked in one order, so that two writers of the same items never wait for each other in a ring.
_SET_COVER_CODES = """
    WITH told AS (
        SELECT id, ARRAY(SELECT jsonb_array_elements_text(codes::jsonb)::int) AS codes
        FROM unnest(%s::bigint[], %s::text[]) AS given(id, codes)
    ), held AS (
        SELECT item.id, told.codes
        FROM catalog_item AS item JOIN told ON told.id = item.id
        WHERE item.cover_codes IS DISTINCT FROM told.codes
        ORDER BY item.id FOR NO KEY UPDATE OF item
    )
    UPDATE catalog_item AS item SET cover_codes = held.codes FROM held WHERE item.id = held.id
"""
_SET_SUMMARIES = """
    WITH held AS (
        SELECT item.id, told.summary, told.hash
        FROM catalog_item AS item
        JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS told(id, summary, hash)
            ON told.id = item.id
        WHERE (item.written_summary, item.summary_of) IS DISTINCT FROM (told.summary, told.hash)
        ORDER BY item.id FOR NO KEY UPDATE OF item
    )
    UPDATE catalog_item AS item SET written_summary = held.summary, summary_of = held.hash
    FROM held WHERE item.id = held.id
"""


def upsert_items(*, items: Sequence[ItemInput]) -> list[WriteResult]:
    """Create or replace items; what became of each, in the order given.

    A row that says the same as the stored one is left alone ("unchanged"). Of two rows with one
    id the last counts, the earlier ones are told as "duplicate".
    """
    last = {item.external_id: place for place, item in enumerate(items)}
    with transaction.atomic():
        stored = _stored(list(last))
        rows, statuses = [], {}
        for external_id, place in last.items():
            row = as_row(items[place])
            statuses[external_id] = _status(row, stored.get(external_id))
            if statuses[external_id] != "unchanged":
                rows.append(row)
        _write(rows)
    return [
        WriteResult(status=statuses[item.external_id], id=item.external_id)
        if last[item.external_id] == place
        else WriteResult(
            status="duplicate",
            id=item.external_id,
            field="id",
            detail=f"Row {last[item.external_id]} has the same id and was used.",
        )
        for place, item in enumerate(items)
    ]


def patch_item(*, external_id: str, changes: Mapping[str, Any]) -> Item:
    """Change some fields of an item, named and written as in read_item().

    Raises:
        NotFound: no item has this id.
        InvalidInput: a change cannot be used.
    """
    with transaction.atomic():
        stored = Item.objects.select_for_update().filter(external_id=external_id).first()
        if stored is None:
            raise NotFound(f"There is no item '{external_id}'.", field="id")
        named = {ITEM_ALIASES.get(name, name): value for name, value in changes.items()}
        row = as_row(read_item({**item_row(stored), **named, "id": external_id}))
        if _status(row, stored) != "unchanged":
            _write([row])
    return Item.objects.get(pk=stored.pk)


def set_hidden(*, external_ids: Sequence[str], hidden: bool) -> int:
    """Hide items, or show them again; how many changed. It counts from the next request on."""
    return Item.objects.filter(external_id__in=list(external_ids), is_hidden=not hidden).update(
        is_hidden=hidden, updated_at=timezone.now()
    )


def set_cover_codes(*, codes: Mapping[int, Sequence[int]]) -> int:
    """Tell by which codes the covers of these items (by key) are drawn; how many changed.

    In one statement. A changed cover has another address, so no cache shows the old one.
    """
    if not codes:
        return 0
    told = {key: json.dumps(list(of_item)) for key, of_item in codes.items()}
    with connection.cursor() as cursor:
        cursor.execute(_SET_COVER_CODES, [list(told), list(told.values())])
        return int(cursor.rowcount)


def set_summaries(*, summaries: Mapping[int, tuple[str, str]]) -> int:
    """Tell the summaries of these items (by key); how many changed.

    Args:
        summaries: (sentence, content_hash of the text that it was written from); "" takes it back.
    """
    if not summaries:
        return 0
    texts, hashes = zip(*summaries.values(), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_SET_SUMMARIES, [list(summaries), list(texts), list(hashes)])
        return int(cursor.rowcount)


def item_input(item: Item) -> ItemInput:
    """The item as it was given: without what is derived."""
    given = {name: getattr(item, name) for name in GIVEN}
    derived_year = item.released_on.year if item.released_on else None
    year = None if item.year == derived_year else item.year
    return ItemInput(external_id=item.external_id, year=year, **given)


def item_row(item: Item) -> dict[str, Any]:
    """The item as a row that read_item() reads back."""
    given = item_input(item)
    names = {column: name for name, column in
             (("categories", "category_paths"), ("hidden", "is_hidden"))}  # fmt: skip
    row = {names.get(column, column): getattr(given, column) for column in (*GIVEN, "year")}
    return {"id": item.external_id, **row}


def as_row(item: ItemInput) -> Item:
    """An unsaved row with every column that is written."""
    derived = derive(item)
    given = {name: getattr(item, name) for name in GIVEN}
    for name in ("category_paths", "creators", "countries"):
        given[name] = list(given[name])
    given["attributes"] = dict(item.attributes)
    return Item(
        external_id=item.external_id, **given, **{name: getattr(derived, name) for name in DERIVED}
    )


def _stored(external_ids: list[str]) -> dict[str, Item]:
    columns = ("external_id", *WRITTEN)
    rows = Item.objects.filter(external_id__in=external_ids).only(*columns).order_by()
    return {row.external_id: row for row in rows}


def _status(row: Item, stored: Item | None) -> str:
    if stored is None:
        return "created"
    same = all(getattr(row, name) == getattr(stored, name) for name in WRITTEN)
    return "unchanged" if same else "updated"


def _write(rows: list[Item]) -> None:
    # Sorted, so that two writers of the same items never wait for each other in a ring.
    Item.objects.bulk_create(
        sorted(rows, key=lambda row: row.external_id),
        update_conflicts=True,
        unique_fields=["external_id"],
        update_fields=[*WRITTEN, "updated_at"],
    )
