"""Items as editors name them: a title, a title with its year, or an external ID; one a line."""

import re
from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.db.models.functions import Lower

from catalog.errors import InvalidInput
from catalog.models import Item
from catalog.values import check_storable

MAX_ITEMS = 100
MAX_LINE = 800
SHOWN_NAMESAKES = 5
_WITH_ID = re.compile(r".*\[(?P<id>.+)\]", re.DOTALL)
_WITH_YEAR = re.compile(r"(?P<title>.+) \((?P<year>\d{1,4})\)", re.DOTALL)


def read_items(lines: Iterable[str]) -> tuple[Item, ...]:
    """The items that the lines name, in their order, each once.

    Raises:
        InvalidInput: names `items`, and the line that names nothing or several.
    """
    stated = [line.strip() for line in lines if line.strip()]
    if len(stated) > MAX_ITEMS:
        raise _wrong(f"At most {MAX_ITEMS} items, not {len(stated):,}.")
    found = {item.pk: item for item in map(_read, stated)}
    return tuple(found.values())


def name_of(item: Item) -> str:
    """A line that names the item and no other."""
    return f"{item} [{item.external_id}]"


def names_of(item_ids: Sequence[int]) -> list[str]:
    """A line for each item, in order."""
    items = Item.objects.only("title", "year", "external_id").in_bulk(list(item_ids))
    return [name_of(items[item_id]) for item_id in item_ids if item_id in items]


def _read(line: str) -> Item:
    check_storable(line, field="items")
    if len(line) > MAX_LINE:
        raise _wrong(f"{line[:30]!r}… is longer than any title.")
    with_id = _WITH_ID.fullmatch(line)
    ids = [line, *([with_id["id"]] if with_id else [])]
    # An id inside a line that is a title as a whole ("Rec [2007]") is looked for last.
    found = _first(Q(external_id=ids[0])) or _titled(line) or _first(Q(external_id=ids[-1]))
    if not found:
        raise _wrong(f"No item has the title or the external ID {line!r}.")
    if len(found) > 1:
        named = ", ".join(name_of(item) for item in found[:SHOWN_NAMESAKES])
        raise _wrong(f"Several items are called {line!r}. Write one of: {named}.")
    return found[0]


def _titled(line: str) -> list[Item]:
    whole = _first(Q(lower_title=line.lower()))
    with_year = _WITH_YEAR.fullmatch(line)
    if whole or not with_year:
        return whole
    return _first(Q(lower_title=with_year["title"].lower(), year=int(with_year["year"])))


def _first(condition: Q) -> list[Item]:
    named = Item.objects.alias(lower_title=Lower("title")).filter(condition).order_by("pk")
    return list(named.only("title", "year", "external_id", "is_hidden")[: SHOWN_NAMESAKES + 1])


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(detail, field="items")
