"""Which items a model is asked about first: drawn, the less wanted the more often."""

import numpy as np
from django.db.models import FloatField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from catalog.querysets import ItemQuerySet
from recs.models import ItemPopularity


def drawn(items: ItemQuerySet, *, seed: int) -> list[int]:
    """All of these items (by key) in the order in which they are drawn; the same for one seed.

    The weight of an item is 1 / (1 + ln(1 + people who wanted it)).
    """
    people = ItemPopularity.objects.filter(item=OuterRef("pk"), version__is_live=True)
    rows = (
        items.annotate(people=Coalesce(Subquery(people.values("people")[:1], FloatField()), 0.0))
        .order_by("pk")
        .values_list("pk", "people")
    )
    keys = np.array(rows, np.float64).reshape(-1, 2)
    if not len(keys):
        return []
    weights = 1 / (1 + np.log1p(keys[:, 1]))
    # Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006.
    lots = np.random.default_rng(seed).random(len(keys)) ** (1 / weights)
    order: list[int] = keys[np.argsort(-lots), 0].astype(int).tolist()
    return order
