"""What is known of items without anybody's behaviour, in the form that networks read."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.derive import decade
from catalog.models import Item
from recs.content import content_vectors
from recs.ml.item_content import Attributes, ItemContent
from recs.models import ContentVersion

READ_SIZE = 5_000
# What fewer items have tells nothing of others; of the rest the most frequent ones count.
LEAST_ITEMS = 3
MOST_ATTRIBUTES = 30_000
COLUMNS = ("categories", "creators", "countries", "year", "attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedContent:
    """Content of n items, and the attributes' names in the order of their numbers."""

    content: ItemContent
    attributes: tuple[str, ...]


def read_content(
    item_ids: Sequence[int],
    *,
    versions: Mapping[str, ContentVersion],
    attributes: Sequence[str] | None = None,
) -> NamedContent:
    """Vectors and attributes of items, row r of item r - 1.

    Args:
        item_ids: n of them, by key; one that is gone has nothing.
        versions: of the vectors, by modality (`content.live_versions`, or a model version's own).
        attributes: the names that count; None chooses them among those of these items.
    """
    named = dict(names_of(item_ids))
    chosen = _frequent(named.values()) if attributes is None else tuple(attributes)
    number = {name: place for place, name in enumerate(chosen)}
    lists = [sorted({number[n] for n in named.get(key, ()) if n in number}) for key in item_ids]
    vectors = content_vectors([0, *item_ids], versions=versions)
    content = ItemContent(
        item_count=len(item_ids),
        vectors=vectors,
        attributes=Attributes.of_lists([[], *lists], len(chosen)),
    )
    return NamedContent(content=content, attributes=chosen)


def names_of(item_ids: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """Keys of items and the names of what they have."""
    for start in range(0, len(item_ids), READ_SIZE):
        part = list(item_ids[start : start + READ_SIZE])
        rows = Item.objects.filter(pk__in=part).order_by().values_list("pk", *COLUMNS)
        for key, categories, creators, countries, year, free in rows:
            yield (
                key,
                [
                    *(f"category:{name}" for name in categories),
                    *(f"creator:{name}" for name in creators),
                    *(f"country:{name}" for name in countries),
                    *([f"decade:{decade(year)}"] if year else []),
                    *_words(free),
                ],
            )


def _words(free: Mapping[str, object]) -> Iterator[str]:
    """Free attributes whose values are text; numbers have no two alike."""
    for key, value in free.items():
        values = value if isinstance(value, list) else [value]
        yield from (f"{key}:{text}" for text in values if isinstance(text, str) and text)


def _frequent(named: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Those that enough items have, the most frequent ones first."""
    counts = Counter(itertools.chain.from_iterable(set(names) for names in named))
    enough = [(-count, name) for name, count in counts.items() if count >= LEAST_ITEMS]
    return tuple(name for _, name in sorted(enough)[:MOST_ATTRIBUTES])
