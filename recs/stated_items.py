"""What is stated of items, as the item tower of the unified model reads it."""

from collections.abc import Sequence

import numpy as np

from catalog.derive import content_text
from catalog.items import item_input
from catalog.models import Item
from recs.content import content_vectors
from recs.item_contents import names_of
from recs.ml.unified.served import NewItems
from recs.models import ContentVersion


def stated(item_ids: Sequence[int], version: ContentVersion) -> NewItems:
    """What the item tower reads of these items as they are now, in their order."""
    rows = Item.objects.filter(pk__in=list(item_ids)).defer("search_vector", "keywords")
    items = {item.pk: item for item in rows}
    names = dict(names_of(item_ids))
    vectors = content_vectors(item_ids, versions={ContentVersion.TEXT: version})
    return NewItems(
        text=vectors[ContentVersion.TEXT],
        texts=[content_text(item_input(items[pk])) if pk in items else "" for pk in item_ids],
        facts=[tuple(names.get(pk, ())) for pk in item_ids],
        years=np.array(
            [float(items[pk].year or np.nan) if pk in items else np.nan for pk in item_ids]
        ),
    )
