"""Facts that were added to items beside what their feed says: a category, an attribute, a tag.

They stand in a column of their own, which no importer writes. Where the feed states a value itself
it has the last word: the addition stays and does not count. What counts is told by the database,
in `Item.all_categories` and `Item.all_attributes`; `additions_of` says the same in Python.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from catalog.derive import with_ancestors
from catalog.filters import ATTRIBUTE
from catalog.models import Item

CATEGORY = "category"
TAG = "tag"
# Fields of an item that evidence may stand in.
FIELDS = ("title", "description")
# Locked in one order, so that two writers of the same items never wait for each other in a ring.
_SET = """
    WITH told AS (
        SELECT id, added::jsonb AS added FROM unnest(%s::bigint[], %s::text[]) AS given(id, added)
    ), held AS (
        SELECT item.id, told.added
        FROM catalog_item AS item JOIN told ON told.id = item.id
        WHERE item.added IS DISTINCT FROM told.added
        ORDER BY item.id FOR NO KEY UPDATE OF item
    )
    UPDATE catalog_item AS item SET added = held.added, updated_at = now()
    FROM held WHERE item.id = held.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One fact beside the feed's.

    facet: "category", "tag", or as filters name an attribute: "attributes.color". value: a path, a
    text or a number. evidence: characters [start, end) of the item's `field`, letter for letter.
    by: who decided that it counts, "person", "sample" or "policy". model: that proposed it.
    """

    facet: str
    value: str | float
    field: str
    start: int
    end: int
    evidence: str
    by: str
    model: str

    @property
    def key(self) -> str:
        """Of the attribute; the facet of everything else."""
        return self.facet.removeprefix(ATTRIBUTE)

    @property
    def is_attribute(self) -> bool:
        """Whether it is a value of an attribute."""
        return self.facet.startswith(ATTRIBUTE)


def set_additions(*, additions: Mapping[int, Sequence[Addition]]) -> int:
    """Tell all that is added to these items (by key); how many changed. In one statement."""
    if not additions:
        return 0
    told = {item_id: json.dumps([_row(one) for one in of]) for item_id, of in additions.items()}
    with connection.cursor() as cursor:
        cursor.execute(_SET, [list(told), list(told.values())])
        return int(cursor.rowcount)


def additions_of(item: Item) -> list[Addition]:
    """What is added to the item and counts: the feed does not state it, or something else."""
    return [one for one in all_additions(item) if not is_stated(item, one.facet, one.value)]


def all_additions(item: Item) -> list[Addition]:
    """All that is added to the item, whether it counts or not."""
    names = Addition.__dataclass_fields__
    return [Addition(**{name: row[name] for name in names}) for row in item.added]


def is_stated(item: Item, facet: str, value: object = None) -> bool:
    """Whether the feed states the category, or any value of the attribute; a tag it never does."""
    if facet.startswith(ATTRIBUTE):
        return item.attributes.get(facet.removeprefix(ATTRIBUTE)) not in (None, "", [])
    return facet == CATEGORY and value in item.categories


def _row(one: Addition) -> dict[str, Any]:
    # The path with what stands above it, which a facet on "Men" looks for.
    paths = {"paths": with_ancestors([str(one.value)])} if one.facet == CATEGORY else {}
    return asdict(one) | paths
