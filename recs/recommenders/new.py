"""New: the latest by year where the catalog has years, else the latest to come in."""

from catalog.models import Item
from catalog.profiles import current_profile
from recs.recommenders.base import Ask, Candidate

SOURCE = "new"


def new(ask: Ask) -> list[Candidate]:
    """The newest first; with filters, all that pass are reached."""
    items = Item.objects.visible().filter(ask.filters.q())
    if ask.excluded:
        items = items.exclude(pk__in=list(ask.excluded))
    if current_profile().range_facet == "year":
        ids = list(
            items.filter(year__isnull=False)
            .order_by("-year", "pk")
            .values_list("pk", flat=True)[: ask.k]
        )
    else:
        ids = []
    if len(ids) < ask.k:
        rest = items.exclude(pk__in=ids).order_by("-created_at", "pk")
        ids += rest.values_list("pk", flat=True)[: ask.k - len(ids)]
    return [
        Candidate(item_id=item_id, score=1.0 - place / ask.k, source=SOURCE)
        for place, item_id in enumerate(ids)
    ]
