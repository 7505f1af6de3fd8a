"""Items are found by the queries that were written for them and approved, beside their own words.

And by the facts that were added to them: a hit says which of the two it is.

Source: Palumbo et al., AudioBoost, 2025: what is recommended as a query is indexed with its items,
so that the promise is kept. Here the words stand in a table of their own: they are never shown,
never marked in a hit, and gone with the approval.
"""

from collections.abc import Collection

from django.db import connection, transaction

from catalog.locks import wait_for

# Any constant works, as long as every writer takes the same lock.
LOCK_SPACE = 7_140_361
# What was rejected or banned as a query is no word of its item either. All or some items.
# The words of added facts (catalog.additions) carry the weight A, which tells the two apart; a
# value that the feed has since stated otherwise is none.
_WANTED = """
    SELECT item_id, coalesce(string_agg(text, '. ' ORDER BY place) FILTER (WHERE NOT is_added), '')
               AS words,
           coalesce(string_agg(text, '. ' ORDER BY place) FILTER (WHERE is_added), '') AS added
    FROM (
        SELECT p.item_id, p.id AS place, p.text, false AS is_added
        FROM search_proposal p
        WHERE p.kind = 'query' AND p.review = 'approved' AND p.item_id IS NOT NULL
            AND (%(items)s::bigint[] IS NULL OR p.item_id = ANY(%(items)s::bigint[]))
            AND NOT EXISTS (SELECT 1 FROM search_query q WHERE q.normalized = p.normalized
                AND q.review IN ('rejected', 'banned'))
        UNION ALL
        SELECT i.id, one.place, translate(one.fact ->> 'value', '/', ' '), true
        FROM catalog_item i, jsonb_array_elements(i.added) WITH ORDINALITY AS one (fact, place)
        WHERE i.added <> '[]' AND jsonb_typeof(one.fact -> 'value') = 'string'
            AND (%(items)s::bigint[] IS NULL OR i.id = ANY(%(items)s::bigint[]))
            AND (NOT starts_with(one.fact ->> 'facet', 'attributes.')
                OR i.all_attributes -> substr(one.fact ->> 'facet', 12) @> (one.fact -> 'value'))
    ) AS told GROUP BY item_id"""
_WRITE = f"""
    INSERT INTO search_itemwords AS w (item_id, words, added, vector)
    SELECT item_id, words, added,
           to_tsvector('foray', words) || setweight(to_tsvector('foray', added), 'A')
    FROM ({_WANTED}) AS wanted
    ON CONFLICT (item_id) DO UPDATE
        SET words = excluded.words, added = excluded.added, vector = excluded.vector
    WHERE (w.words, w.added) IS DISTINCT FROM (excluded.words, excluded.added)"""  # noqa: S608
_REMOVE = f"""
    DELETE FROM search_itemwords w
    WHERE (%(items)s::bigint[] IS NULL OR w.item_id = ANY(%(items)s::bigint[]))
        AND NOT EXISTS (SELECT 1 FROM ({_WANTED}) AS wanted WHERE wanted.item_id = w.item_id)"""  # noqa: S608


def index_item_words(items: Collection[int] | None = None) -> int:
    """Make the words of these items, or of all, what was approved says; how many rows changed."""
    given = {"items": None if items is None else sorted(items)}
    with transaction.atomic(), connection.cursor() as cursor:
        wait_for(LOCK_SPACE)
        cursor.execute(_REMOVE, given)
        gone = cursor.rowcount
        cursor.execute(_WRITE, given)
        return int(gone + cursor.rowcount)
