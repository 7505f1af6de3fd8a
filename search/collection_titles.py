"""Queries that are the title of a collection: its items answer them, whatever words they hold."""

from catalog.models import Item
from search.lexical import LexicalMatch
from search.models import Query
from search.query_sources.base import split_anchor


def match_collection(normalized: str) -> list[LexicalMatch]:
    """The visible items of the collection that has this title, in its order; [] where none has.

    Collections are known from the last build of the queries (search.query_sources.titles).
    """
    anchors = Query.objects.filter(normalized=normalized, source=Query.Source.TITLES)
    named = [
        value
        for each in anchors.values_list("anchors", flat=True)
        for kind, value in map(split_anchor, each)
        if kind == "collection"
    ]
    if not named:
        return []
    items = (
        Item.objects.visible()
        .filter(
            collection_entries__collection_id=int(named[0]),
            collection_entries__collection__is_hidden=False,
        )
        .order_by("collection_entries__position")
        .values_list("pk", flat=True)
    )
    return [LexicalMatch(item, "all", 1 / place) for place, item in enumerate(items, start=1)]
