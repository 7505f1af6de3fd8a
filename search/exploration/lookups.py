"""What the catalog knows of queries and of items: names, categories, creators."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from catalog.demonyms import DEMONYMS
from catalog.profiles import current_profile
from search.query_sources.facts import VISIBLE
from search.text import normalize_query, without_article

# Titles that hold the words in a row, the shortest first: an exact one is among them.
MOST_TITLES, MOST_NAMED = 40, 60
LEAST_SURNAME_CHARACTERS = 4
# {part}: weights of the search vector that hold the words; A is the title, B creators, C the rest.
HOLDERS = f"""
SELECT asked.n, found.title, found.year, found.names
FROM unnest(%(phrases)s::text[]) WITH ORDINALITY AS asked (phrase, n)
CROSS JOIN LATERAL (
    SELECT i.title, i.year, i.creators || coalesce((
        SELECT array_agg(name #>> '{{{{}}}}')
        FROM unnest(%(attributes)s::text[]) AS attribute,
            LATERAL jsonb_array_elements(
                CASE jsonb_typeof(i.attributes -> attribute)
                    WHEN 'array' THEN i.attributes -> attribute
                    WHEN 'string' THEN jsonb_build_array(i.attributes -> attribute)
                    ELSE '[]'::jsonb END) AS name
    ), '{{{{}}}}') AS names
    FROM catalog_item AS i
    WHERE i.search_vector @@ to_tsquery('foray', asked.phrase) AND {VISIBLE}
    ORDER BY {{order}}, i.id LIMIT {{limit}}
) AS found"""  # noqa: S608  constants only
KINDS = f"""
SELECT DISTINCT unnest(categories) FROM catalog_item AS i WHERE {VISIBLE}
UNION SELECT DISTINCT unnest(countries) FROM catalog_item AS i WHERE {VISIBLE}"""  # noqa: S608
THINGS = "SELECT id, categories, creators FROM catalog_item WHERE id = ANY(%s)"


def naming_one(texts: Iterable[str]) -> set[str]:
    """Of these normalized queries, those that are the title of an item or the name of a creator.

    A word for a category or a country means that, also where some item is called so.
    """
    kinds = _kinds()
    asked = [text for text in dict.fromkeys(texts) if text and text not in kinds]
    found = _titles(asked)
    return found | _names([text for text in asked if text not in found])


def things_of(item_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Categories and creators of items: "category:Drama", "creator:Agnès Varda"."""
    with connection.cursor() as cursor:
        cursor.execute(THINGS, [list(item_ids)])
        return {
            item: frozenset(
                [
                    *(f"category:{one}" for one in categories),
                    *(f"creator:{one}" for one in creators),
                ]
            )
            for item, categories, creators in cursor.fetchall()
        }


def most_have(items: Iterable[int], things: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """What at least half of these items have."""
    held = [things.get(item, frozenset()) for item in items]
    counts: dict[str, int] = defaultdict(int)
    for one in held:
        for thing in one:
            counts[thing] += 1
    return frozenset(thing for thing, count in counts.items() if 2 * count >= len(held))


def _kinds() -> set[str]:
    """Normal forms of what the catalog calls its categories, countries and who is from there."""
    with connection.cursor() as cursor:
        cursor.execute(KINDS)
        values = [value for (value,) in cursor.fetchall()]
    words = [word for value in values for word in DEMONYMS.get(value.casefold(), ())]
    return {normalize_query(word.rpartition("/")[2]) for word in (*values, *words)}


def _titles(texts: list[str]) -> set[str]:
    """Those that are a title, with or without its article or the year behind it."""
    found = set()
    plain = [_without_year(text) for text in texts]
    asked = [without_article(text) for text, _ in plain]
    rows = _holders(asked, "A", "length(i.title)", MOST_TITLES)
    for place, title, year, _ in rows:
        text, said = plain[place]
        is_called_so = texts[place] == normalize_query(title) or (
            without_article(normalize_query(title)) == without_article(text)
            and said in (None, year)
        )
        if is_called_so:
            found.add(texts[place])
    return found


def _names(texts: list[str]) -> set[str]:
    """Those that are the whole name of somebody, or the surname of one creator alone."""
    found: set[str] = set()
    surnames: dict[int, set[str]] = defaultdict(set)
    for place, _, _, names in _holders(texts, "BC", "i.id", MOST_NAMED):
        for name in names:
            normal = normalize_query(name)
            if normal == texts[place]:
                found.add(texts[place])
            elif normal.endswith(f" {texts[place]}"):
                surnames[place].add(normal)
    return found | {
        texts[place]
        for place, bearers in surnames.items()
        if len(bearers) == 1 and len(texts[place]) >= LEAST_SURNAME_CHARACTERS
    }


def _holders(
    texts: list[str], part: str, order: str, limit: int
) -> list[tuple[int, str, int | None, list[str]]]:
    """(place in `texts`, title, year, names) of the items that hold the words in a row."""
    phrases = [" <-> ".join(f"'{word}':{part}" for word in text.split()) for text in texts]
    params: dict[str, Any] = {
        "phrases": [phrase or "''" for phrase in phrases],
        "attributes": list(current_profile().name_attributes),
    }
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS.format(order=order, limit=limit), params)
        return [(n - 1, title, year, names) for n, title, year, names in cursor.fetchall()]


def _without_year(text: str) -> tuple[str, int | None]:
    """A query without the year at its end, and the year: "psycho 1960"."""
    rest, _, last = text.rpartition(" ")
    is_year = len(last) == 4 and last.isascii() and last.isdigit()
    return (rest, int(last)) if rest and is_year else (text, None)
