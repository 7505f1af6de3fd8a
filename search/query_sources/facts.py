"""What the catalog says, as rows (item, value): the SQL that the sources group and join.

Everything is counted where the rows are. A statement begins with ITEMS, which holds the visible
items with their weight: one, and one for each person who wanted the item. Sources join facts of
some kinds on the item and group by their values.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from catalog.models import Profile
from search.query_sources.base import MAX_WITNESSES

# The condition of ItemQuerySet.visible() in SQL, for an item called `i`.
VISIBLE = (
    "NOT i.is_hidden AND (i.available_from IS NULL OR i.available_from <= now())"
    " AND (i.available_until IS NULL OR i.available_until > now())"
)
ITEMS = f"""
WITH items AS MATERIALIZED (
    SELECT i.id, i.title, i.year, i.creators, i.categories, i.countries, i.attributes,
           coalesce(p.people, 0) AS people, 1 + coalesce(p.people, 0) AS weight
    FROM catalog_item i
    LEFT JOIN recs_itempopularity p ON p.item_id = i.id
        AND p.version_id = (SELECT id FROM recs_neighbourversion WHERE is_live)
    WHERE {VISIBLE}
)"""  # noqa: S608  constants only
# How much the answering items are wanted, on a scale that all sources share: the logarithm of
# their summed weight, 1 for the whole catalog.
POPULARITY = "ln(1 + sum({weight})) / ln(2 + (SELECT sum(weight) FROM items))"
WITNESSES = f"(array_agg({{item}} ORDER BY {{weight}} DESC, {{item}}))[1:{MAX_WITNESSES}]"
# Names in the attributes that the profile lists, whether an item holds one or a list of them.
NAMES = """
    SELECT DISTINCT items.id, items.weight, name #>> '{}' AS value, attribute
    FROM items, unnest(%(name_attributes)s::text[]) AS attribute,
         LATERAL jsonb_array_elements(
             CASE jsonb_typeof(attributes -> attribute)
                 WHEN 'array' THEN attributes -> attribute
                 WHEN 'string' THEN jsonb_build_array(attributes -> attribute)
                 ELSE '[]'::jsonb
             END
         ) AS name
    WHERE jsonb_typeof(name) = 'string'"""
FACTS = {
    "creator": "SELECT DISTINCT id, weight, unnest(creators) AS value FROM items",
    "category": "SELECT DISTINCT id, weight, unnest(categories) AS value FROM items",
    "country": "SELECT DISTINCT id, weight, unnest(countries) AS value FROM items",
    "decade": (
        "SELECT id, weight, (year / 10 * 10) || 's' AS value FROM items WHERE year IS NOT NULL"
    ),
    "name": f"SELECT DISTINCT id, weight, value FROM ({NAMES}) AS named",  # noqa: S608
}


def rows(sql: str, profile: Profile, **params: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a statement over the facts."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"name_attributes": list(profile.name_attributes), **params})
        yield from cursor.fetchall()


def joint_facts(
    kinds: Sequence[str], *, minimum: int, profile: Profile
) -> Iterator[tuple[list[str], int, float, list[int]]]:
    """Each combination of values that at least `minimum` visible items have together.

    Yields:
        (one value for each kind, how many items, popularity, the best witnesses), in the order
        of the values. Two values of the same kind come in order and are never one path's levels.
    """
    aliases = [f"f{n}" for n in range(len(kinds))]
    ctes = "".join(
        f", {alias} AS MATERIALIZED ({FACTS[kind]})"
        for alias, kind in zip(aliases, kinds, strict=True)
    )
    joins = "".join(f" JOIN {alias} ON {alias}.id = f0.id" for alias in aliases[1:])
    distinct = [
        f"{a}.value < {b}.value AND NOT starts_with({b}.value, {a}.value || '/')"
        for n, (a, kind) in enumerate(zip(aliases, kinds, strict=True))
        for b, other in list(zip(aliases, kinds, strict=True))[n + 1 :]
        if kind == other
    ]
    values = ", ".join(f"{alias}.value" for alias in aliases)
    sql = f"""{ITEMS}{ctes}
        SELECT array[{values}], count(*), {POPULARITY.format(weight="f0.weight")},
               {WITNESSES.format(item="f0.id", weight="f0.weight")}
        FROM f0{joins} WHERE {" AND ".join(distinct) or "true"}
        GROUP BY {values} HAVING count(*) >= %(minimum)s ORDER BY {values}"""  # noqa: S608
    yield from rows(sql, profile, minimum=minimum)
