"""What may be stated of an item: the facets of the profile, each with the values in use.

The vocabulary is closed: a value that no visible item has is none. Of names of people nothing may
be stated, and an attribute with more texts than MOST_VALUES has no vocabulary to speak of.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection
from django.db.models.fields.json import KeyTransform

from catalog.additions import CATEGORY
from catalog.filters import ATTRIBUTE
from catalog.models import Item, Profile
from search.text import normalize_query

MOST_VALUES = 1_000
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")

Value = str | float


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSchema:
    """By facet ("category", "attributes.color") the values by their key, and where are several.

    `lists`: facets of which one item may have several values.
    """

    values: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()

    def admitted(self, facet: str, value: object) -> Value | None:
        """The value as the catalog writes it, a number as a number; None where it is none."""
        return self.values.get(facet, {}).get(key_of(value))


def key_of(value: object) -> str:
    """What makes two spellings of a value one: case, signs and accents aside; 7 is 7.0."""
    if isinstance(value, int | float):
        return f"{value:g}"
    text = str(value).strip()
    return f"{float(text):g}" if _NUMBER.fullmatch(text) else normalize_query(text)


def fact_schema(profile: Profile) -> FactSchema:
    """As the visible items are now, in one statement for each facet."""
    values: dict[str, dict[str, Value]] = {}
    lists = {CATEGORY}
    if paths := _categories():
        values[CATEGORY] = paths
    for key in profile.facet_attributes:
        if key in profile.name_attributes:
            continue
        found, are_lists = _attribute(key)
        if 0 < len(found) <= MOST_VALUES:
            values[f"{ATTRIBUTE}{key}"] = found
            if are_lists:
                lists.add(f"{ATTRIBUTE}{key}")
    return FactSchema(values=values, lists=frozenset(lists))


def _categories() -> dict[str, Value]:
    """Paths by themselves, and by their last level where no other path ends with it."""
    kept, given = (
        Item.objects.visible().order_by().values_list("categories").query.sql_with_params()
    )
    with connection.cursor() as cursor:
        # The queryset's own text; values are bound.
        cursor.execute(
            f"SELECT path FROM ({kept}) AS kept (paths), unnest(paths) AS path"  # noqa: S608
            f" GROUP BY path ORDER BY count(*) DESC, path LIMIT {MOST_VALUES}",
            given,
        )
        paths: list[str] = [row[0] for row in cursor.fetchall()]
    found: dict[str, Value] = {}
    for path in paths:
        found.setdefault(key_of(path), path)
    leaves: dict[str, list[str]] = {}
    for path in paths:
        leaves.setdefault(key_of(path.rpartition("/")[2]), []).append(path)
    for leaf, ends in leaves.items():
        if len(ends) == 1:
            found.setdefault(leaf, ends[0])
    return {key: path for key, path in found.items() if key}


def _attribute(key: str) -> tuple[dict[str, Value], bool]:
    """Texts and numbers in use, the commonest spelling of each; whether any item has a list."""
    rows = Item.objects.visible().order_by().annotate(held=KeyTransform(key, "attributes"))
    kept, given = rows.values_list("held").query.sql_with_params()
    lists = "CASE jsonb_typeof(held) WHEN 'array' THEN held ELSE jsonb_build_array(held) END"
    with connection.cursor() as cursor:
        # The queryset's own text; values are bound.
        cursor.execute(
            f"SELECT each::text, bool_or(jsonb_typeof(held) = 'array')"  # noqa: S608
            f" FROM ({kept}) AS kept (held), LATERAL jsonb_array_elements({lists}) AS each"
            " WHERE jsonb_typeof(each) IN ('string', 'number') GROUP BY each"
            f" ORDER BY count(*) DESC, 1 LIMIT {MOST_VALUES + 1}",
            given,
        )
        told = [(json.loads(text), is_list) for text, is_list in cursor.fetchall()]
    found: dict[str, Value] = {}
    for value, _ in told:
        if name := key_of(value):
            found.setdefault(name, value)
    return found, any(is_list for _, is_list in told)
