"""The words of facets: collected from the catalog ahead of requests, looked up in one statement."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Window
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import RowNumber

from catalog.category_names import category_label
from catalog.demonyms import DEMONYMS
from catalog.filters import (
    ATTRIBUTE,
    ATTRIBUTES,
    COLUMNS,
    MAX_NUMBER,
    RANGE_FACETS,
    ItemFilters,
    Range,
)
from catalog.models import Item, Profile
from catalog.profiles import current_profile, filtered_attributes
from catalog.progress import NO_PROGRESS, Progress
from search.models import FacetWord
from search.query_words import words_of
from search.text import normalize_query

MAX_SAID = 120
LEAST_LETTERS = 2
# A list to go to is worth offering from so many items on.
LEAST_ITEMS = 3
# Of values that begin alike so many are read.
MOST_READ = 60
# And of values that are said by the same words.
MOST_SAID_ALIKE = 200
LEAST_LETTERS_OF_A_PART = 3
# A share of the items that must have a number before a sentence about it is read as a filter.
LEAST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Said:
    """One way to say a value; `items` have it. `is_part`: the last word of a name alone."""

    said: str
    facet: str
    value: str
    items: int
    is_part: bool = False


def build_facet_words(*, progress: Progress = NO_PROGRESS) -> int:
    """Fill FacetWord from the visible items, in one transaction; how many ways there are."""
    profile = current_profile()
    rows = list(_ways(profile))
    table = FacetWord._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        # Readers go on with the old words until this commits; two builders wait for each other.
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608  table name only
        columns = "said, facet, value, items, is_part"
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row.said, row.facet, row.value, row.items, row.is_part))
    progress.advance(0, message=f"{len(rows)} ways to say a value of a facet")
    return len(rows)


def look_up(said: Collection[str]) -> list[Said]:
    """What these words say, and which facets are ranges (said as ""); the commonest first.

    Of a facet of which very many values are said alike ("ltd") only the commonest.
    """
    place = Window(
        RowNumber(),
        partition_by=[F("said"), F("facet"), F("is_part")],
        order_by=[F("items").desc(), F("value").asc()],
    )
    rows = FacetWord.objects.filter(said__in=["", *said]).annotate(place=place)
    rows = rows.filter(place__lte=MOST_SAID_ALIKE).order_by("-items", "value")
    return [Said(*row) for row in rows.values_list("said", "facet", "value", "items", "is_part")]


def beginning(text: str, facets: Sequence[str], *, k: int) -> dict[str, list[Said]]:
    """By facet at most `k` values of which a word begins so, the commonest first."""
    said = normalize_query(text)
    if len(said) < LEAST_LETTERS:
        return {}
    rows = FacetWord.objects.filter(facet__in=facets, said__startswith=said, items__gte=LEAST_ITEMS)
    rows = rows.order_by("-items", "value")
    found: dict[str, dict[str, Said]] = {facet: {} for facet in facets}
    for row in rows.values_list("said", "facet", "value", "items", "is_part")[:MOST_READ]:
        found[row[1]].setdefault(row[2], Said(*row))
    return {facet: list(values.values())[:k] for facet, values in found.items()}


def in_singular(text: str) -> str:
    """Words as FacetWord holds them."""
    return " ".join(words_of(normalize_query(text)))


def _ways(profile: Profile) -> Iterator[Said]:
    found: dict[tuple[str, str, str], Said] = {}
    for facet, value, items in _values(profile):
        for said, is_part in _wordings(facet, value, profile):
            way = Said(said, facet, value[:300], items, is_part)
            # A whole name is more than the last word of one.
            known = found.get((said, facet, value))
            if known is None or known.is_part:
                found[said, facet, value] = way
    yield from found.values()
    yield from _ranges(profile)


def _wordings(facet: str, value: str, profile: Profile) -> Iterator[tuple[str, bool]]:
    named = {"creator", *(f"{ATTRIBUTE}{key}" for key in profile.name_attributes)}
    texts = [value]
    if facet == "category":
        texts = list(dict.fromkeys([value.rpartition("/")[2], category_label(value)]))
    if facet == "country":
        texts += DEMONYMS.get(value.casefold(), ())
    for text in texts:
        said = in_singular(text)
        if LEAST_LETTERS <= len(said) <= MAX_SAID and not said.isdigit():
            yield said, False
            last = said.rpartition(" ")[2]
            if facet in named and last != said and len(last) >= LEAST_LETTERS_OF_A_PART:
                yield last, True


def _values(profile: Profile) -> Iterator[tuple[str, str, int]]:
    """(facet, value, visible items that have it) of every facet with texts."""
    items = Item.objects.visible().order_by()
    for facet, column in COLUMNS.items():
        rows, params = items.values_list("id", column).query.sql_with_params()
        pairs = f"SELECT unnest({column}), id FROM ({rows}) AS kept"  # noqa: S608  our own names
        yield from _counted(facet, pairs, params)
    for key in filtered_attributes():
        rows, params = (
            items.annotate(held=KeyTransform(key, ATTRIBUTES))
            .values_list("id", "held")
            .query.sql_with_params()
        )
        lists = "CASE jsonb_typeof(held) WHEN 'array' THEN held ELSE jsonb_build_array(held) END"
        texts = (
            f"SELECT each #>> '{{}}', id FROM ({rows}) AS kept,"  # noqa: S608  our own names
            f" LATERAL jsonb_array_elements({lists}) AS each WHERE jsonb_typeof(each) = 'string'"
        )
        yield from _counted(f"{ATTRIBUTE}{key}", texts, params)


def _counted(facet: str, pairs: str, params: Iterable[Any]) -> Iterator[tuple[str, str, int]]:
    with connection.cursor() as cursor:
        # Names of columns are ours; values are bound.
        cursor.execute(
            f"SELECT value, count(DISTINCT id) FROM ({pairs}) AS had (value, id) GROUP BY value",  # noqa: S608
            list(params),
        )
        for value, count in cursor.fetchall():
            if value:
                yield facet, value, count


def _ranges(profile: Profile) -> Iterator[Said]:
    """The facets of numbers that enough items have."""
    items = Item.objects.visible().order_by()
    total = items.count()
    for facet in RANGE_FACETS:
        count = items.filter(**{f"{facet}__isnull": False}).count()
        if count and count >= LEAST_SHARE * total:
            yield Said("", facet, "", count)
    for key in profile.facet_attributes:
        # JSON sorts numbers between texts and lists.
        numbers = ItemFilters(attributes=((key, Range(low=-MAX_NUMBER)),))
        count = items.filter(numbers.q()).count()
        if count and count >= LEAST_SHARE * total:
            yield Said("", f"{ATTRIBUTE}{key}", "", count)
