"""Writing collections: titled, ordered lists of items."""

from collections.abc import Sequence

from django.db import transaction

from catalog.errors import InvalidInput, NotFound
from catalog.models import Collection, CollectionItem, Item

MAX_ITEMS = 1000


def upsert_collection(
    *, external_id: str, title: str, description: str = "", item_ids: Sequence[str]
) -> Collection:
    """Create a collection, or replace its title and its whole list; positions follow the order.

    Raises:
        InvalidInput: too many items.
        NotFound: an item is not in the catalog; nothing is written.
    """
    wanted = list(dict.fromkeys(item_ids))
    if len(wanted) > MAX_ITEMS:
        raise InvalidInput(f"A collection holds at most {MAX_ITEMS} items.", field="item_ids")
    with transaction.atomic():
        found = dict(
            Item.objects.filter(external_id__in=wanted).order_by().values_list("external_id", "pk")
        )
        missing = [item_id for item_id in wanted if item_id not in found]
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise NotFound(
                f"There is no item {', '.join(missing[:3])}{more}: send the items first.",
                field="item_ids",
            )
        collection, _ = Collection.objects.update_or_create(
            external_id=external_id, defaults={"title": title, "description": description}
        )
        # update_or_create() locked the row: two writers of one list follow each other.
        CollectionItem.objects.filter(collection=collection).delete()
        CollectionItem.objects.bulk_create(
            [
                CollectionItem(collection=collection, item_id=found[item_id], position=position)
                for position, item_id in enumerate(wanted, start=1)
            ]
        )
    return collection
