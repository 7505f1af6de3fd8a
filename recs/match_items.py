"""Items as the match filter reads them: texts, popularity and content vectors, in one statement."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from catalog.derive import attribute_words
from catalog.prepared import int_array, prepared_cursor
from recs import versions
from recs.errors import NoLiveVersion
from recs.ml.match.texts import DESCRIPTION_CHARACTERS, ItemText

Floats = npt.NDArray[np.float32]

FACT_CHARACTERS = 300
_READ = """
SELECT item.id, item.title, left(item.description, %(characters)s::int), item.categories,
       item.creators, item.attributes, coalesce(popularity.people, 0),
       halfvec_send(embedding.vector)
FROM catalog_item AS item
LEFT JOIN recs_itempopularity AS popularity
       ON popularity.item_id = item.id
      AND popularity.version_id = (SELECT id FROM recs_neighbourversion WHERE is_live)
LEFT JOIN recs_contentembedding AS embedding
       ON embedding.item_id = item.id AND embedding.version_id = %(version)s::bigint
WHERE item.id = ANY(%(ids)s::bigint[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadItems:
    """N items: `ids`, their texts, and (N, D) content vectors, zeros where there is none."""

    ids: tuple[int, ...]
    texts: tuple[ItemText, ...]
    vectors: Floats

    def take(self, item_ids: Sequence[int]) -> "ReadItems":
        """Those of these that are known, in this order."""
        place = {item_id: row for row, item_id in enumerate(self.ids)}
        rows = [place[item_id] for item_id in item_ids if item_id in place]
        return ReadItems(
            ids=tuple(self.ids[row] for row in rows),
            texts=tuple(self.texts[row] for row in rows),
            vectors=self.vectors[rows],
        )


def read_items(item_ids: Collection[int]) -> ReadItems:
    """The items that still are, in one statement."""
    try:
        version = versions.live_version()
        key, dimensions = version.pk, version.dimensions
    except NoLiveVersion:
        key, dimensions = None, 1
    rows = _rows(item_ids, key) if item_ids else []
    vectors = np.zeros((len(rows), dimensions), np.float32)
    for place, row in enumerate(rows):
        if row[-1] is not None:
            # Two numbers of two bytes, the first one the dimensions; then big-endian halves.
            vectors[place] = np.frombuffer(bytes(row[-1]), ">f2", offset=4)
    return ReadItems(
        ids=tuple(row[0] for row in rows), texts=tuple(text_of(*row[1:-1]) for row in rows),
        vectors=vectors,
    )  # fmt: skip


def text_of(
    title: str,
    description: str,
    categories: Sequence[str],
    creators: Sequence[str],
    attributes: Any,
    people: int,
) -> ItemText:
    """A row's columns as they are read: values of a list stand a line each."""
    held = json.loads(attributes) if isinstance(attributes, str) else attributes
    facts = "\n".join(attribute_words(held or {}))
    return ItemText(
        title=title, description=description[:DESCRIPTION_CHARACTERS],
        categories="\n".join(categories), creators="\n".join(creators),
        facts=facts[:FACT_CHARACTERS], people=float(people),
    )  # fmt: skip


def _rows(item_ids: Collection[int], version: int | None) -> list[Any]:
    given = {"ids": int_array(item_ids), "version": version, "characters": DESCRIPTION_CHARACTERS}
    with prepared_cursor() as cursor:
        cursor.execute(_READ, given)
        found: list[Any] = cursor.fetchall()
    return found


def every_text() -> list[ItemText]:
    """Texts of all items, without descriptions: what the rarity of words is learned from."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT title, categories, creators FROM catalog_item ORDER BY id")
        return [text_of(row[0], "", row[1], row[2], {}, 0) for row in cursor.fetchall()]
