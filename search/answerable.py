"""A recommended query is a promise: it is shown only while a visible item answers it.

Checked at the moment of showing, over the few items that each query keeps as witnesses, so that an
item that is hidden now takes its queries along now, and a ban holds from the next request on.
"""

from collections.abc import Sequence

from catalog.prepared import int_array, prepared_cursor
from search.bans import VERSION, current_bans
from search.query_sources.facts import VISIBLE

CHECK = f"""
    WITH asked AS (
        SELECT n, normalized FROM unnest(%(texts)s::text[]) WITH ORDINALITY AS t(normalized, n)
    ), witness AS (
        SELECT n, item, place FROM unnest(%(owners)s::int[], %(items)s::bigint[])
            WITH ORDINALITY AS w(n, item, place)
    )
    SELECT asked.n, array_agg(i.title ORDER BY witness.place), {VERSION}
    FROM asked JOIN witness ON witness.n = asked.n
    JOIN catalog_item i ON i.id = witness.item AND {VISIBLE}
    WHERE NOT EXISTS (
        SELECT 1 FROM search_query banned WHERE banned.review = 'banned'
            AND strpos(' ' || asked.normalized || ' ', ' ' || banned.normalized || ' ') > 0
    )
    GROUP BY asked.n"""  # noqa: S608  constants only


def still_answered(queries: Sequence[tuple[str, Sequence[int]]]) -> dict[int, list[str]]:
    """Which of these queries may be shown, with the titles of items that answer each.

    Args:
        queries: (normal form, ids of witnesses, best first).

    Returns:
        Place in `queries` -> titles. Missing: no witness is visible, or it is banned.
    """
    if not queries:
        return {}
    pairs = [(n, item) for n, (_, items) in enumerate(queries, start=1) for item in items]
    with prepared_cursor() as cursor:
        cursor.execute(
            CHECK,
            {
                "texts": [normalized for normalized, _ in queries],
                "owners": int_array(owner for owner, _ in pairs),
                "items": int_array(item for _, item in pairs),
            },
        )
        rows = cursor.fetchall()
    if not rows:
        return {}
    bans = current_bans(rows[0][2])
    return {n - 1: titles for n, titles, _ in rows if not bans.holds(queries[n - 1][0])}
