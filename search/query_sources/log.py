"""What people searched: finished queries that several people typed and that found something.

An instant search logs a row for each pause in typing, so most of its rows are prefixes. A row is
finished when it was submitted, or when it ends its typing chain and its text is one that people
finish (search.finished; without a live version the end of the chain is enough: search.typed). A
corrected query is left out (its correction is known already), and so is one that was picked from a
recommendation, or the system would listen to itself.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from catalog.models import Profile
from search.personal_data import private_among
from search.query_sources import facts
from search.query_sources.base import MAX_WITNESSES, CandidateQuery, presentable
from search.typed import FINISHED, IS_LIKELY, TYPED

NAME = "log"
LOG_DAYS = 90
# One person who typed a query says more than one who wanted an item that happens to answer it.
WEIGHT_OF_A_PERSON = 10

COUNTED = f"""
    WITH typed AS ({TYPED} AND time > now() - make_interval(days => %(days)s)),
    finished AS ({FINISHED})
    SELECT normalized_query, mode() WITHIN GROUP (ORDER BY query), count(DISTINCT viewer),
           (array_agg(total ORDER BY time DESC))[1],
           (array_agg(hits ORDER BY time DESC))[1]
    FROM finished
    WHERE viewer IS NOT NULL AND corrected_query = '' AND picked_from = '' AND {IS_LIKELY}
    GROUP BY normalized_query HAVING count(DISTINCT viewer) >= %(people)s
    ORDER BY normalized_query"""  # noqa: S608
# The scale of POPULARITY in search/query_sources/facts.py.
SCALE = f"{facts.ITEMS} SELECT ln(2.0 + coalesce(sum(weight), 0)) FROM items"  # noqa: S608


class Log:
    """What at least settings.SEARCH_MIN_PEOPLE_PER_QUERY people searched in LOG_DAYS days."""

    name = NAME

    def candidates(self, profile: Profile) -> Iterator[CandidateQuery]:
        """One query for each normal form, worded as most people wrote it."""
        [(scale,)] = facts.rows(SCALE, profile)
        people = settings.SEARCH_MIN_PEOPLE_PER_QUERY
        counted = list(facts.rows(COUNTED, profile, days=LOG_DAYS, people=people))
        private = private_among((row[1], row[0]) for row in counted)
        for normalized, text, people, total, hits in counted:
            fit = presentable(text)
            if fit is None or fit[1] != normalized or normalized in private:
                continue
            witnesses = witnesses_of(hits)
            if not witnesses:
                continue
            yield CandidateQuery(
                text=fit[0],
                normalized=normalized,
                source=NAME,
                provenance={"rule": "searched", "days": LOG_DAYS},
                answers_estimate=total,
                popularity=min(1.0, math.log1p(WEIGHT_OF_A_PERSON * people) / float(scale)),
                witnesses=witnesses,
                people=people,
            )


def witnesses_of(logged: str | list[dict[str, Any]]) -> list[int]:
    """The first items of a logged answer, as the driver returns it: parsed or not."""
    hits = json.loads(logged) if isinstance(logged, str) else logged
    found = [hit.get("item") for hit in hits if hit.get("source") != "related"]
    return [item for item in found if isinstance(item, int)][:MAX_WITNESSES]
