"""Queries such as "films like Rear Window", which ask for what is near a known item."""

import re

from catalog.models import Item
from catalog.profiles import current_profile
from recs import embeddings, index
from search.models import Query
from search.query_sources.expansions import LIKE_ANSWERS
from search.text import MAX_QUERY_CHARACTERS, clean_query, normalize_query

# How many items such a query finds, nearest first.
ANSWERS = LIKE_ANSWERS
_WORDS = ("like", "similar to")
# What people put before it whatever the catalog holds.
_ANYTHING = ("more", "something", "anything", "things", "others", "stuff", "movie", "movies")


def parse_like(query: str) -> int | None:
    """The visible item that a query of the kind "films like X" or "similar to X" names.

    None for any other query, for a title that begins that way ("Like Water for Chocolate"), and
    where nothing visible has that title. Of namesakes it is the best known.
    """
    if len(query) > MAX_QUERY_CHARACTERS:
        return None
    normalized = normalize_query(query)
    matched = _pattern().match(normalized)
    if matched is None or _item_titled(normalized, query) is not None:
        return None
    # What was typed keeps the accents and the punctuation that a fresh title is looked up by.
    spelled = re.split(r"\b(?:like|similar to)\s+", clean_query(query), maxsplit=1, flags=re.I)[-1]
    return _item_titled(matched["title"], spelled)


def nearest(query: str) -> list[tuple[int, float]]:
    """What is nearest in meaning to the item that the query names, with similarities.

    [] where the query names none, and before that item has a vector.
    """
    item_id = parse_like(query)
    if item_id is None:
        return []
    try:
        vector = index.item_vector(item_id)
    except embeddings.NoLiveVersion:
        return []
    if vector is None:
        return []
    return index.nearest_items(vector=vector, k=ANSWERS, exclude=[item_id])


def _pattern() -> re.Pattern[str]:
    profile = current_profile()
    nouns = {
        normalize_query(noun)
        for noun in (*_ANYTHING, profile.item_noun, profile.item_noun_plural)
        if noun
    }
    before = "|".join(sorted(map(re.escape, nouns)))
    return re.compile(rf"(?:(?:{before}) )?(?:{'|'.join(_WORDS)}) (?P<title>.+)")


def _item_titled(normalized: str, spelled: str) -> int | None:
    provenance = (
        Query.objects.filter(normalized=normalized).values_list("provenance", flat=True).first()
    ) or {}
    for said in (provenance, provenance.get("also", {}).get("titles", {})):
        is_title = said.get("rule") == "item_title"
        if is_title and Item.objects.visible().filter(pk=said["item"]).exists():
            return int(said["item"])
    # Not built yet, or the best known namesake is hidden. LIKE without wildcards uses the index.
    escaped = re.sub(r"([\\%_])", r"\\\1", spelled.lower())
    return (
        Item.objects.visible()
        .extra(where=["lower(title) LIKE %s"], params=[escaped])
        .order_by("id")
        .values_list("id", flat=True)
        .first()
    )
