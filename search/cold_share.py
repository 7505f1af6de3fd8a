"""A share of the places for categories that recommended queries have hardly led to yet.

A ranker that learns from what people picked shows what was picked, so a category that is new, or
that nobody was ever sent to, would stay where it is. COLD_SHARE of the places (one of eight) are
kept for queries that speak of such a category. The share halves with every HALF_LIFE showings that
the category had: by then it has evidence of its own.

A category is new where it has many items and hardly anybody has wanted one of them. Hits cannot
lead there, so its queries are candidates for every page (search.query_candidates), and its share
stands where it is seen.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

from django.db import connection

COLD_SHARE = 1 / 8
HALF_LIFE = 100
# From so many showings on a category is judged by what people did.
KNOWN_FROM = 500
SHOWN_DAYS = 90
# A category of so many items is new where they are wanted less than this part of what items are;
# where an item is wanted by less than a person in the mean, nothing can be told of any.
LEAST_NEW = 20
NEW_WANTED = 0.1
LEAST_WANTED = 1.0
# What a new category is given instead: more, and from the NEW_PLACE-th of the page on.
NEW_SHARE = 1 / 4
NEW_PLACE = 2
_MEAN = "(SELECT avg(weight - 1) FROM items)"
# SQL over the facts of search.query_sources.facts: of categories, and of all other kinds.
IS_NEW = {
    True: f"count(*) >= {LEAST_NEW} AND {_MEAN} >= {LEAST_WANTED}"
    f" AND avg(weight - 1) < {NEW_WANTED} * {_MEAN}",
    False: "false",
}
COUNT_SHOWN = f"""
    WITH shown AS (
        SELECT one ->> 'text' AS text, count(*) AS times
        FROM catalog_answer, LATERAL jsonb_array_elements(
            CASE jsonb_typeof(query_recommendations) WHEN 'array' THEN query_recommendations
                 ELSE '[]'::jsonb END) AS one
        WHERE kind = 'search' AND time > now() - interval '{SHOWN_DAYS} days'
          AND one ->> 'source' <> 'recent'
        GROUP BY 1
    ), named AS (
        SELECT name AS value, sum(times) AS times
        FROM shown JOIN search_query q ON q.text = shown.text, LATERAL unnest(q.anchors) AS name
        GROUP BY 1
    )
    UPDATE search_anchor a SET shown = least(named.times, 2000000000)
    FROM named WHERE named.value = a.value"""  # noqa: S608  constants only


def share_of(shown: int, *, share: float = COLD_SHARE) -> float:
    """The share of places kept for a category that was shown so often: `share`, decaying."""
    if shown >= KNOWN_FROM:
        return 0.0
    return float(share * 0.5 ** (max(0, shown) / HALF_LIFE))


def kept_places(k: int, shown: int, lot: float, *, share: float = COLD_SHARE) -> int:
    """How many of k places are kept; what is less than one is a chance, by a lot from 0 to 1."""
    places = k * share_of(shown, share=share)
    whole = math.floor(places)
    return whole + (1 if lot < places - whole else 0)


def lot_of(*parts: object) -> float:
    """From 0 to 1, the same for the same parts: a page that is read again does not change."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def evidence(names: Sequence[str], shown: Mapping[str, int]) -> int | None:
    """How often the least shown of these categories was shown; None where nobody counted."""
    counted = [shown[name] for name in names if name in shown]
    return min(counted) if counted else None


def with_cold(
    chosen: Sequence[int], waiting: Sequence[int], seen: Sequence[int | None], k: int, lot: float
) -> list[int]:
    """The chosen ones with the coldest of those that wait in the last places, where some are kept.

    Args:
        chosen: places of the list as it is mixed, best first.
        waiting: those that were left out, best first.
        seen: of every candidate how often its category was shown; None where that is not known.
        k: how many there may be.
        lot: see `kept_places`.
    """
    known = [(seen[n], n) for n in (*chosen, *waiting) if seen[n] is not None]
    if not known:
        return list(chosen)
    least = min(count for count, _ in known if count is not None)
    cold = {n for count, n in known if count == least}
    missing = kept_places(k, least, lot) - len(cold.intersection(chosen))
    joining = [n for n in waiting if n in cold][: max(0, missing)]
    # They stand last, where they cost those least that were chosen for what they are worth.
    room = max(0, k - len(joining))
    others = [n for n in chosen if n in cold] + [n for n in chosen if n not in cold]
    stay = set(others[:room])
    return [n for n in chosen if n in stay] + joining


def with_new(
    chosen: Sequence[int], waiting: Sequence[int], seen: Mapping[int, int], k: int, lot: float
) -> list[int]:
    """The chosen ones with queries of new categories from place NEW_PLACE on, where some are kept.

    Args:
        chosen: places of the list as it is mixed, best first.
        waiting: those that were left out, best first.
        seen: of the candidates that speak of a new category how often that was shown.
        k: how many there may be.
        lot: see `kept_places`.
    """
    least = min((seen[n] for n in waiting if n in seen), default=KNOWN_FROM)
    new = [n for n in waiting if seen.get(n) == least]
    joining = new[: kept_places(k, least, lot, share=NEW_SHARE)]
    others = list(chosen[: max(0, k - len(joining))])
    return [*others[: NEW_PLACE - 1], *joining, *others[NEW_PLACE - 1 :]]


def count_shown() -> int:
    """Count for every anchor how often queries that speak of it were shown; anchors changed."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SHOWN)
        return int(cursor.rowcount)
