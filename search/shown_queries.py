"""What became of recommended queries: each showing, with what was read of it, and its label.

A showing is one query of one logged answer to somebody who is known at least by a cookie; lists
beside half-typed words are left out, as nobody read them. It was picked where the same viewer began
a search with those words from a recommendation within PICKED_MINUTES. It led to something
where an event that says so (search.analytics: played, liked, added, bought, well rated) followed
the search that was picked, with its `query_id`, within a day. It was typed where the viewer wrote
the words instead.

The features are those that were served and logged, so they know nothing of what came later.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from catalog.event_kinds import LEAST_GOOD_RATING, EventKind
from recs.ml.query_ranking.features import NAMES, PLACE
from recs.ml.query_ranking.fit import ShownRows
from search.analytics.statements import EARLY, FOLLOWS, TAKEN

Ints = npt.NDArray[np.int64]
DoubleFloats = npt.NDArray[np.float64]

PICKED_MINUTES = 10
# The strongest of these is the label of which there is enough.
WANTED, PICKED, TYPED = LABELS = ("wanted", "picked", "typed")
MOST_LISTS = 200_000
# A search that was picked or typed is what became of the newest list of its viewer that showed it.
SHOWINGS = f"""
    WITH answers AS MATERIALIZED (
        SELECT query_id, time, query, normalized_query, picked_from, is_typing,
            query_recommendations,
            coalesce('p' || person_id, 'a' || nullif(anonymous_id, '')) AS viewer
        FROM catalog_answer
        WHERE kind = 'search' AND page = 1 AND time < %(as_of)s
          AND (person_id IS NOT NULL OR anonymous_id <> '')
    ), lists AS (
        SELECT * FROM answers
        WHERE NOT is_typing AND jsonb_typeof(query_recommendations) = 'array'
          AND query_recommendations <> '[]'
        ORDER BY time DESC, query_id LIMIT {MOST_LISTS}
    ), shown AS MATERIALIZED (
        SELECT lists.query_id, lists.time, lists.viewer, one, one ->> 'text' AS text
        FROM lists, LATERAL jsonb_array_elements(query_recommendations) AS one
        WHERE jsonb_array_length(one -> 'features') = %(features)s
    ), later AS (
        SELECT answers.*, shown.query_id AS list, shown.time AS list_time, shown.text
        FROM answers JOIN shown ON shown.viewer = answers.viewer AND shown.text = answers.query
        WHERE answers.picked_from <> ''
        UNION ALL
        SELECT answers.*, shown.query_id, shown.time, shown.text
        FROM answers JOIN shown ON shown.viewer = answers.viewer
            AND lower(shown.text) = answers.normalized_query
        WHERE answers.picked_from = '' AND NOT answers.is_typing
    ), went AS (
        SELECT DISTINCT ON (query_id) query_id, time, picked_from, list, text
        FROM later
        WHERE time > list_time AND time < list_time + interval '{PICKED_MINUTES} minutes'
        ORDER BY query_id, list_time DESC
    ), ends AS (
        SELECT list, text, bool_or(picked_from <> '') AS is_picked,
               bool_or(picked_from <> '' AND EXISTS (
            SELECT FROM catalog_event event
            WHERE event.query_id = went.query_id
              AND event.time >= went.time - {EARLY}
              AND event.time < least(went.time + {FOLLOWS}, %(as_of)s)
              AND (event.kind = ANY(%(taken)s)
                   OR event.kind = {EventKind.RATING.value} AND event.value >= %(good)s)
        )) AS is_wanted
        FROM went GROUP BY list, text
    )
    SELECT shown.query_id, shown.time, shown.viewer, (one ->> 'place')::int, one -> 'features',
           (one ->> 'stated')::float8, one ->> 'situation',
           coalesce(ends.is_wanted, false), coalesce(ends.is_picked, false), ends.list IS NOT NULL
    FROM shown LEFT JOIN ends ON ends.list = shown.query_id AND ends.text = shown.text
    ORDER BY shown.time, shown.query_id, (one ->> 'place')::int"""  # noqa: S608  constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class Showings:
    """R shown queries in L lists, in the order of time.

    `rows`: features, labels and lists. `stated`: (R,) the stated score; `people`: (R,) whose, as
    numbers; `places`: (R,); `situations`: R; `times`: (R,) seconds since 1970. `label`: what a good
    end is, one of LABELS.
    """

    rows: ShownRows
    stated: DoubleFloats
    people: Ints
    places: Ints
    times: DoubleFloats
    situations: tuple[str, ...]
    label: str

    def take(self, mask: npt.NDArray[np.bool_]) -> "Showings":
        """Those that are marked."""
        return Showings(
            rows=self.rows.take(mask),
            stated=self.stated[mask],
            people=self.people[mask],
            places=self.places[mask],
            times=self.times[mask],
            situations=tuple(np.array(self.situations, dtype=object)[mask].tolist()),
            label=self.label,
        )


def read_showings(*, as_of: datetime, least_wanted: int) -> Showings:
    """Every showing before a moment, with what followed until then.

    Args:
        as_of: exclusive upper bound of lists and of what followed.
        least_wanted: where fewer led to something, to have been picked is the label instead, and
            where those are as few, to have been picked or typed: weaker ones, which the version
            tells of.
    """
    params: dict[str, Any] = {
        "as_of": as_of, "features": len(NAMES), "good": LEAST_GOOD_RATING,
        "taken": [int(kind) for kind in TAKEN],
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(SHOWINGS, params)
        found = cursor.fetchall()
    columns = [np.array([row[7 + n] for row in found], np.float64) for n in range(len(LABELS))]
    enough = [n for n, column in enumerate(columns) if column.sum() >= least_wanted]
    best = enough[0] if enough else len(LABELS) - 1
    return _showings(found, columns[best], LABELS[best])


def _showings(found: list[tuple[Any, ...]], labels: DoubleFloats, label: str) -> Showings:
    lists: dict[Any, int] = {}
    people: dict[str, int] = {}
    features = np.array([_numbers(row[4]) for row in found], np.float32)
    features = features.reshape(len(found), len(NAMES))
    places = np.array([row[3] for row in found], np.int64)
    features[:, PLACE] = np.log(np.maximum(places, 1))
    return Showings(
        rows=ShownRows(
            features=features,
            labels=labels,
            lists=np.array([lists.setdefault(row[0], len(lists)) for row in found], np.int64),
        ),
        stated=np.array([row[5] or 0.0 for row in found], np.float64),
        people=np.array([people.setdefault(row[2], len(people)) for row in found], np.int64),
        places=places,
        times=np.array([row[1].timestamp() for row in found], np.float64),
        situations=tuple(row[6] or "" for row in found),
        label=label,
    )


def _numbers(logged: Any) -> list[float]:
    """As the driver returns JSON: parsed, or its text."""
    if isinstance(logged, str):
        return [float(each) for each in logged.strip("[] ").split(",")]
    return [float(each) for each in logged]
