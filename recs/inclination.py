"""How much somebody is inclined to things that they have not had, by what people want together.

The sum over the newest things that they wanted of the live neighbours' scores, which "because you
liked" on the home page adds up too (recs.recommenders.neighbours), divided by the logarithm of how
many people wanted the item: what everybody wants is met without being led to. One statement for any
number of items; nothing is trained here.
"""

from collections.abc import Collection

from catalog.prepared import int_array, prepared_cursor
from recs.history import History

SUMMED = """
    WITH live AS (SELECT id FROM recs_neighbourversion WHERE is_live), summed AS (
        SELECT neighbour_id AS item_id, sum(score) AS score FROM recs_itemneighbour
        WHERE version_id = (SELECT id FROM live)
            AND item_id = ANY(%(taste)s::bigint[]) AND neighbour_id = ANY(%(items)s::bigint[])
        GROUP BY neighbour_id
    )
    SELECT item_id, score / ln(2 + coalesce(
        (SELECT people FROM recs_itempopularity p
         WHERE p.version_id = (SELECT id FROM live) AND p.item_id = summed.item_id), 0))
    FROM summed"""


def inclinations(history: History, item_ids: Collection[int]) -> dict[int, float]:
    """Those of the items that the history leads to, each with how strongly; never what was had.

    Args:
        history: of one person; without any taste nothing is found, and nothing is asked.
        item_ids: what might be offered.
    """
    wanted = set(item_ids) - history.seen
    if not history.taste or not wanted:
        return {}
    with prepared_cursor() as cursor:
        cursor.execute(
            SUMMED,
            {
                "taste": int_array(each.item_id for each in history.taste),
                "items": int_array(sorted(wanted)),
            },
        )
        return {item: float(score) for item, score in cursor.fetchall()}
