"""The frame of the sample: every pair of the log that could be judged, with what speaks for asking.

Relevance: queries and the hits of the first places. Fit: people and what their home pages showed.
Pairs that visitors disliked, or that labellers grade differently, belong to it wherever they were
seen. What is in the queue already, or has as many grades of people as are wanted, does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from catalog.event_kinds import UNWANTED
from catalog.guidelines import guideline_of
from catalog.judging.turns import APART
from catalog.models import Label

# Places that visitors look at, and the newest answers of the window: reading more takes long and
# changes little.
PLACES = 20
MOST_ANSWERS = 20_000
# A model that is less sure of its own grade is asked about.
LEAST_SURE = 0.7

# `shown`: the sum over all times of 1 / log2(1 + place): how much the pair was looked at.
# `middle`: how near the score was to the middle between the best and the worst of its answer (0 to
# 0.5): neither clearly a good hit nor clearly a bad one.
_LOGGED = """
    answers AS MATERIALIZED (
        SELECT query_id, normalized_query, person_id, hits FROM catalog_answer
        WHERE time >= %(since)s AND {answers} AND jsonb_typeof(hits) = 'array'
        ORDER BY time DESC LIMIT %(answers)s
    ), hits AS (
        SELECT {key} AS about, (hit ->> 'item')::bigint AS item,
               least(greatest((hit ->> 'position')::int, 1), 1000000) AS place,
               (hit ->> 'score')::float8 AS score,
               min((hit ->> 'score')::float8) OVER answer AS low,
               max((hit ->> 'score')::float8) OVER answer AS high
        FROM answers, jsonb_array_elements(hits) AS hit
        WHERE jsonb_typeof(hit -> 'item') = 'number' AND jsonb_typeof(hit -> 'position') = 'number'
          AND (hit ->> 'score' IS NULL OR jsonb_typeof(hit -> 'score') = 'number')
        WINDOW answer AS (PARTITION BY query_id)
    ), logged AS (
        SELECT about, item, sum(1 / log(2.0, 1.0 + place))::float8 AS shown,
               min(abs((score - low) / nullif(high - low, 0) - 0.5)) AS middle
        FROM hits WHERE place <= %(places)s GROUP BY about, item
    )"""
_GRADED = """
    graded AS (
        SELECT {labelled} AS about, item_id AS item,
               max(grade) - min(grade) AS apart,
               min(confidence) FILTER (WHERE source IN ('llm', 'model')) AS sure,
               count(*) FILTER (WHERE source = 'human') AS people,
               bool_or(source = 'final') AS is_final
        FROM catalog_label AS label JOIN catalog_item AS item ON item.id = item_id
        WHERE kind = %(kind)s
          AND label.content_hash IN ('', item.content_hash) AND guideline IN ('', %(guideline)s)
        GROUP BY 1, 2
    )"""
# One grouping instead of joins, of whose sizes the planner would know nothing.
_FRAME = """
WITH {logged}, {graded}, disliked AS ({disliked}), found AS (
    SELECT about, item, sum(shown) AS shown, min(middle) AS middle,
           bool_or(is_disliked) AS disliked, max(apart) >= %(apart)s AS is_disputed,
           min(sure) < %(sure)s AS is_unsure
    FROM (
        SELECT about, item, shown, middle, false AS is_disliked, true AS is_seen,
               0 AS apart, 1::float8 AS sure, 0::bigint AS people, false AS is_final FROM logged
        UNION ALL
        SELECT about, item, 0, NULL, true, true, 0, 1, 0, false FROM disliked
        UNION ALL
        SELECT about, item, 0, NULL, false, apart >= %(apart)s, apart, coalesce(sure, 1), people,
               is_final FROM graded
    ) AS told
    GROUP BY about, item
    HAVING bool_or(is_seen) AND NOT bool_or(is_final) AND max(people) < %(wanted)s
)
SELECT about, item, shown, middle, is_disputed, is_unsure, disliked, catalog_item.content_hash
FROM found JOIN catalog_item ON catalog_item.id = found.item
WHERE NOT EXISTS (SELECT FROM catalog_judgingpair AS pair
                  WHERE pair.kind = %(kind)s AND pair.item_id = item AND {queued} = about)
  {only}
"""
_RELEVANCE = _FRAME.format(
    logged=_LOGGED.format(
        answers="kind = 'search' AND NOT is_typing AND normalized_query <> ''",
        key="normalized_query",
    ),
    graded=_GRADED.format(labelled="query"),
    disliked="""
        SELECT DISTINCT answers.normalized_query AS about, event.item_id AS item
        FROM catalog_event AS event JOIN answers USING (query_id)
        WHERE event.time >= %(since)s AND event.kind = ANY(%(unwanted)s)""",
    queued="pair.query",
    only="",
)
_FIT = _FRAME.format(
    logged=_LOGGED.format(
        answers="kind = 'recommend' AND surface LIKE 'home%%' AND person_id IS NOT NULL",
        key="person_id",
    ),
    graded=_GRADED.format(labelled="person_id"),
    disliked="""
        SELECT DISTINCT person_id AS about, item_id AS item FROM catalog_event
        WHERE time >= %(since)s AND kind = ANY(%(unwanted)s) AND person_id IS NOT NULL""",
    queued="pair.person_id",
    # Of somebody without a history nobody can say what fits.
    only="""AND EXISTS (SELECT FROM catalog_person WHERE id = about)
            AND EXISTS (SELECT FROM catalog_event AS event WHERE event.person_id = about)""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pair of the frame: about a query (text) or a person (key), and what is known of it."""

    about: str | int
    item: int
    shown: float
    is_middling: bool
    is_disputed: bool
    is_unsure: bool
    is_disliked: bool
    content_hash: str


# So near to the middle of its answer's scores a hit is an uncertain one.
MIDDLING = 0.15


def frame(kind: str, *, since: datetime, wanted: int) -> Iterator[Candidate]:
    """Every pair that could be drawn, in no order.

    Args:
        kind: Label.Kind.
        since: answers and events from then on.
        wanted: pairs with so many grades of people are left out.
    """
    given: dict[str, Any] = {
        "kind": kind, "guideline": guideline_of(kind).version, "since": since, "wanted": wanted,
        "answers": MOST_ANSWERS, "places": PLACES, "apart": APART, "sure": LEAST_SURE,
        "unwanted": [int(one) for one in UNWANTED],
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        # Of a worker or a command, whom nobody waits for.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_RELEVANCE if kind == Label.Kind.RELEVANCE else _FIT, given)
        for about, item, seen, middle, disputed, unsure, disliked, content in cursor:
            yield Candidate(
                about=about, item=item, shown=seen, content_hash=content,
                is_middling=middle is not None and middle <= MIDDLING,
                is_disputed=disputed, is_unsure=unsure, is_disliked=disliked,
            )  # fmt: skip
