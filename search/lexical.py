"""Lexical retrieval: items by their words, in PostgreSQL full text, and titles by their look."""

import re
from dataclasses import dataclass
from itertools import count
from typing import Any

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.prepared import prepared_cursor
from search import tsquery
from search.query_sources.facts import VISIBLE
from search.text import normalize_query
from search.tsquery import ParsedQuery

MAX_MATCHES = 1_000
# Fewer matches of all terms than this, and matches of most terms are looked for as well.
FEW_MATCHES = 10
MAX_WIDE_MATCHES = 100
MAX_WRITTEN = 100
MAX_TITLES = 50
# Weights of description, keywords, creators, title. A word of the title outweighs two elsewhere.
WEIGHTS = [0.05, 0.3, 0.5, 1.0]
# pg_trgm's similarity of a title to a query. "face off" is 1.0 to "Face/Off"; "sad robot" is 0.5 to
# "I, Robot", which nobody mistyped.
LEAST_TITLE_SIMILARITY = 0.55
# In a subquery of its own, or each of a thousand matches would have the words parsed again.
_ANY = "(SELECT to_tsquery('foray', %(any)s::text))"
_RANK = f"coalesce(ts_rank('{{{','.join(map(str, WEIGHTS))}}}', i.search_vector, {_ANY}), 0)"
_WANTED = "i.search_vector @@ to_tsquery('foray', %(wanted)s::text)"
_RESEMBLANCE = "similarity(lower(i.title), %(title)s::text)"
# With what approved queries that were written for an item say of it, and facts that were added to
# it (search.item_words): that they find it is the promise they were shown with. An item may answer
# with words of its own and of its facts together, but for words that are to stand in a row.
_FACTS = "ts_filter(w.vector, '{a}')"
_BY_FACTS = f"""({_FACTS} @@ to_tsquery('foray', %(wanted)s::text)
    OR strpos(%(wanted)s::text, '<->') = 0
    AND {_FACTS} || i.search_vector @@ to_tsquery('foray', %(wanted)s::text))"""
ALL_TERMS = f"""
(SELECT i.id, {_RANK} AS match_rank, 0 AS kind FROM catalog_item i
WHERE {VISIBLE} AND {_WANTED}{{within}}
ORDER BY match_rank DESC, i.id LIMIT {MAX_MATCHES + 1})
UNION ALL
(SELECT i.id, 0::real, CASE WHEN {_BY_FACTS} THEN 2 ELSE 1 END
FROM search_itemwords w JOIN catalog_item i ON i.id = w.item_id
WHERE {VISIBLE} AND (w.vector @@ to_tsquery('foray', %(wanted)s::text)
    OR w.vector @@ {_ANY} AND {_BY_FACTS}) AND NOT {_WANTED}{{within}}
ORDER BY i.id LIMIT {MAX_WRITTEN})"""  # noqa: S608  constants only
# Where filters are all that is left of a query: what passes them, the best known first. Without a
# word to rank by no vector is read: of thousands of items that would take most of the time.
_INSIDE = f"""
SELECT i.id, {{rank}} AS match_rank, 0 FROM catalog_item i
LEFT JOIN recs_itempopularity p ON p.item_id = i.id
    AND p.version_id = (SELECT id FROM recs_neighbourversion WHERE is_live)
WHERE {VISIBLE}{{within}}
ORDER BY coalesce(p.people, 0) DESC, match_rank DESC, i.id LIMIT {MAX_MATCHES + 1}"""  # noqa: S608
# By the number that ALL_TERMS gives.
_KINDS = ("all", "written", "added")
BESIDE = frozenset(_KINDS[1:])
ALL_INSIDE = _INSIDE.replace("{rank}", _RANK)
ALL_INSIDE_UNRANKED = _INSIDE.replace("{rank}", "0::real")
MOST_TERMS = f"""
SELECT i.id, {_RANK} AS match_rank, 0 AS resemblance FROM catalog_item i
WHERE {VISIBLE} AND {_WANTED}{{within}}
ORDER BY match_rank DESC, i.id LIMIT {MAX_WIDE_MATCHES}"""  # noqa: S608
MOST_TERMS_OR_TITLE = f"""
SELECT id, match_rank, resemblance FROM (
    SELECT i.id, {_RANK} AS match_rank, {_RESEMBLANCE} AS resemblance FROM catalog_item i
    WHERE {VISIBLE} AND ({_WANTED} OR lower(i.title) %% %(title)s::text){{within}}
) AS found
ORDER BY match_rank + resemblance DESC, id LIMIT {MAX_WIDE_MATCHES}"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """One item and how it matched.

    kind: "all" terms, "most" terms, "title" (its letters resemble the query's), or "written" and
    "added": not its own words hold all terms but those of a query that was written for it, or of
    facts that were added to it.
    """

    item_id: int
    kind: str
    rank: float


def match_all_terms(
    query: ParsedQuery, *, last_is_prefix: bool = False, within: ItemFilters | None = None
) -> list[LexicalMatch]:
    """Visible items with every term, best first; one more than MAX_MATCHES says there are more.

    `within`: filters that are part of what is asked; without terms they alone decide.
    """
    text = tsquery.all_terms(query, last_is_prefix=last_is_prefix)
    inside, params = _inside(within)
    if not text and not inside:
        return []
    ranked_by = tsquery.any_term(query)
    params |= {"wanted": text, "any": ranked_by}
    statement = ALL_TERMS if text else ALL_INSIDE if ranked_by else ALL_INSIDE_UNRANKED
    with prepared_cursor() as cursor:
        cursor.execute(statement.replace("{within}", inside), params)
        rows = cursor.fetchall()
    own = {item_id for item_id, _, kind in rows if not kind}
    return [
        LexicalMatch(item_id, _KINDS[kind], rank)
        for item_id, rank, kind in rows
        if not (kind and item_id in own)
    ]


def match_most_terms(
    query: ParsedQuery, *, within: ItemFilters | None = None
) -> list[LexicalMatch]:
    """Visible items with most terms, or whose title resembles the query; best first."""
    text = tsquery.most_terms(query)
    if not text:
        return []
    title = " ".join(query.content_words).lower()
    inside, params = _inside(within)
    params |= {"wanted": text, "any": tsquery.any_term(query), "title": title}
    is_like_a_title = title and not query.phrases and not query.excluded
    statement = MOST_TERMS_OR_TITLE if is_like_a_title else MOST_TERMS
    with prepared_cursor() as cursor:
        cursor.execute(statement.replace("{within}", inside), params)
        rows = cursor.fetchall()
    return [match for row in rows if (match := _wide_match(*row)) is not None]


def is_in_a_title(text: str, *, whole: bool = False) -> bool:
    """Whether these words in a row are half of a visible item's title; `whole`: all of it."""
    words = normalize_query(text).split()
    if not words:
        return False
    if whole:
        wordings = [text.lower(), *(f"{article} {text.lower()}" for article in ("the", "a", "an"))]
        escaped = [re.sub(r"([\\%_])", r"\\\1", title) for title in wordings]
        named = Item.objects.visible().extra(where=["lower(title) LIKE ANY(%s)"], params=[escaped])
        return named.exists()
    phrase = " <-> ".join(f"'{word}':A" for word in words)
    held = Item.objects.visible().extra(
        where=["search_vector @@ to_tsquery('foray', %s)"], params=[phrase]
    )
    titles = held.order_by("id").values_list("title", flat=True)[:MAX_TITLES]
    return any(len(normalize_query(title).split()) <= 2 * len(words) for title in titles)


def _inside(filters: ItemFilters | None) -> tuple[str, dict[str, Any]]:
    """A condition on an item called `i` for statements with named parameters; "" for no filters."""
    if filters is None or filters.is_empty:
        return "", {}
    rows = Item.objects.filter(filters.q()).order_by().values("pk")
    text, values = rows.query.sql_with_params()
    numbers = count()
    named = re.sub(r"%s", lambda _: f"%(within{next(numbers)})s", text)
    return f" AND i.id IN ({named})", {f"within{n}": value for n, value in enumerate(values)}


def _wide_match(item_id: int, rank: float, resemblance: float) -> LexicalMatch | None:
    if resemblance >= LEAST_TITLE_SIMILARITY:
        return LexicalMatch(item_id, "title", rank + resemblance)
    return LexicalMatch(item_id, "most", rank) if rank > 0 else None
