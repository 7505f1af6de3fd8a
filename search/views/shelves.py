"""Collections and categories as shelves: a title, a count, and the covers of a few items."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, F, Func, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from catalog.category_names import category_label, category_line
from catalog.models import Collection, CollectionItem, Item
from search.views.cards import collection_url, cover_url, items_of

COVERS = 4
CACHE_SECONDS = 60
# For each category by itself: an index scan each, where one window over all would sort them all.
_MOST_WANTED = """
    SELECT path, array_agg(best.id ORDER BY best.people DESC, best.id)
    FROM unnest(%s::text[]) AS path
    CROSS JOIN LATERAL (
        SELECT item.id, coalesce(wanted.people, 0) AS people
        FROM catalog_item AS item
        LEFT JOIN recs_itempopularity AS wanted ON wanted.item_id = item.id
            AND wanted.version_id = (SELECT id FROM recs_neighbourversion WHERE is_live)
        WHERE item.all_categories @> ARRAY[path::varchar] AND NOT item.is_hidden
        ORDER BY people DESC, item.year DESC NULLS LAST, item.id
        LIMIT %s
    ) AS best
    GROUP BY path
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A way to a list of items."""

    title: str
    url: str
    count: int
    covers: tuple[str, ...]
    line: str = ""


def shelves(collections: Sequence[Collection]) -> list[Shelf]:
    """Collections with the covers of their first items, in two queries."""
    ids = [collection.pk for collection in collections]
    visible = CollectionItem.objects.filter(
        collection__in=ids, item__in=Item.objects.visible().values("pk")
    )
    counts = dict(
        visible.order_by()
        .values("collection")
        .annotate(n=Count("pk"))
        .values_list("collection", "n")
    )
    place = Window(RowNumber(), partition_by=F("collection"), order_by="position")
    first = visible.alias(place=place).filter(place__lte=COVERS).select_related("item")
    covers: dict[int, list[str]] = defaultdict(list)
    for entry in first.order_by("collection", "position"):
        covers[entry.collection_id].append(cover_url(entry.item))
    return [
        Shelf(
            title=one.title,
            url=collection_url(one),
            count=counts.get(one.pk, 0),
            covers=tuple(covers[one.pk]),
        )
        for one in collections
        if counts.get(one.pk)
    ]


def category_counts() -> dict[str, int]:
    """Visible items of each category and of each of its ancestors, largest first."""
    counts: dict[str, int] | None = cache.get("category_counts")
    if counts is None:
        rows = (
            Item.objects.visible()
            .order_by()
            .annotate(category=Func(F("all_categories"), function="unnest"))
            .values_list("category")
            .annotate(n=Count("pk"))
            .order_by("-n", "category")
        )
        counts = dict(rows)
        cache.set("category_counts", counts, CACHE_SECONDS)
    return counts


def category_shelves(counts: dict[str, int]) -> list[Shelf]:
    """Categories with the covers of their most wanted items, in two queries."""
    ids = _most_wanted(list(counts))
    items = items_of({item_id for listed in ids.values() for item_id in listed})
    return [
        Shelf(
            title=category_label(path),
            line=category_line(path),
            url=reverse("pages:category", args=(path,)),
            count=count,
            covers=tuple(cover_url(items[one]) for one in ids.get(path, ()) if one in items),
        )
        for path, count in counts.items()
    ]


def _most_wanted(paths: list[str]) -> dict[str, list[int]]:
    """A few items of each category, those that most people wanted first."""
    with connection.cursor() as cursor:
        cursor.execute(_MOST_WANTED, [paths, COVERS])
        return dict(cursor.fetchall())
