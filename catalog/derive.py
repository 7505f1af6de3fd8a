"""What is derived from an item's fields: facet categories, search words, the encoder's text."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.demonyms import DEMONYMS
from catalog.types import ItemInput

# Changing what content_text() writes changes every hash, and so encodes every item again.
TEXT_TEMPLATE = "title. description. decade demonym categories. by creators. with names, each once"
MAX_NAMES_IN_TEXT = 6
ADDRESS = re.compile(r"://|^\S+/\S+\.\w{2,5}$")
MAX_CONTENT_CHARACTERS = 2000  # the encoder reads 256 tokens, about 1,000 to 1,500 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Columns of Item that are computed and never given."""

    categories: list[str]
    year: int | None
    keywords: str
    content_hash: str


def derive(item: ItemInput) -> Derived:
    """The derived columns of an item."""
    year = item_year(item)
    return Derived(
        categories=with_ancestors(item.category_paths),
        year=year,
        keywords=keywords(item, year),
        content_hash=hashlib.sha256(content_text(item).encode()).hexdigest(),
    )


def item_year(item: ItemInput) -> int | None:
    """The year as given, else that of the release date."""
    if item.year is not None:
        return item.year
    return item.released_on.year if item.released_on else None


def with_ancestors(paths: Iterable[str]) -> list[str]:
    """Each path and its ancestors once, in order: ["Men/Tops"] gives ["Men", "Men/Tops"]."""
    found: dict[str, None] = {}
    for path in paths:
        levels = [level.strip() for level in path.split("/") if level.strip()]
        for depth in range(1, len(levels) + 1):
            found["/".join(levels[:depth])] = None
    return list(found)


def decade(year: int) -> str:
    """The decade's name: 1964 gives "1960s"."""
    return f"{year // 10 * 10}s"


def keywords(item: ItemInput, year: int | None) -> str:
    """Words people search by that are in no other searched field, at the lowest weight."""
    words: list[str] = [level for path in item.category_paths for level in path.split("/")]
    words += [*item.countries, *demonyms(item.countries)]
    if year:
        words += [str(year), decade(year)]
    words += attribute_words(item.attributes)
    return " ".join(dict.fromkeys(word.strip() for word in words if word.strip()))


def demonyms(countries: Sequence[str]) -> list[str]:
    """What comes from these countries is called: France gives "French", an unknown one nothing."""
    return [name for country in countries for name in DEMONYMS.get(country.casefold(), ())]


def attribute_words(attributes: Mapping[str, object]) -> list[str]:
    """The textual values of the attributes, in order; addresses and file names are no words."""
    words: list[str] = []
    for value in attributes.values():
        values = value if isinstance(value, list | tuple) else [value]
        words += [text for text in values if isinstance(text, str) and not ADDRESS.search(text)]
    return words


def content_text(item: ItemInput) -> str:
    """The sentence that the text encoder reads for an item (TEXT_TEMPLATE).

    What the description says already is not said again: it would cost time and tell nothing.
    """
    year = item_year(item)
    told = item.description.casefold()
    kind = [
        *([decade(year)] if year else []),
        *demonyms(item.countries)[:2],
        *[path.replace("/", " ") for path in item.category_paths],
    ]
    creators = _untold(item.creators, told)
    names = _untold(attribute_words(item.attributes)[:MAX_NAMES_IN_TEXT], told)
    parts = [
        item.title,
        item.description,
        " ".join(_untold(kind, told)),
        f"by {', '.join(creators)}" if creators else "",
        f"with {', '.join(names)}" if names else "",
    ]
    return ". ".join(part.strip().rstrip(".") for part in parts if part.strip())[
        :MAX_CONTENT_CHARACTERS
    ]


def _untold(words: Iterable[str], told: str) -> list[str]:
    return [word for word in words if word.casefold() not in told]
