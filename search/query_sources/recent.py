"""The viewer's own recent searches: read from the log of answers, never stored again.

So they are seen by nobody else, and they are gone the moment the history is deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from catalog.types import Viewer
from search.query_sources.base import MAX_WITNESSES, presentable
from search.query_sources.log import witnesses_of
from search.typed import FINISHED, TYPED

NAME = "recent"
RECENT_DAYS = 90
ROWS_READ = 120
OWN = f"""
    WITH typed AS (
        {TYPED} AND {{whose}} AND time > now() - interval '{RECENT_DAYS} days'
        ORDER BY time DESC LIMIT {ROWS_READ}
    ), finished AS ({FINISHED})
    SELECT coalesce(nullif(corrected_query, ''), query), time, total,
           jsonb_path_query_array(hits, '$[0 to {MAX_WITNESSES - 1}]')
    FROM finished ORDER BY time DESC"""  # noqa: S608  constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentQuery:
    """One finished search of the viewer's own, the latest of its normal form."""

    text: str
    normalized: str
    answers: int
    witnesses: list[int]
    time: datetime


class Recent:
    """The viewer's own finished searches, newest first."""

    name = NAME

    def candidates(self, profile: object) -> tuple[()]:
        """Nothing: this source has only an online part."""
        return ()

    def of_viewer(self, viewer: Viewer, *, k: int = 20) -> list[RecentQuery]:
        """At most `k` different searches of the viewer, newest first; none for nobody."""
        if viewer.is_nobody:
            return []
        found: dict[str, RecentQuery] = {}
        for text, time, total, hits in _rows(viewer):
            fit = presentable(text)
            if fit is None or fit[1] in found:
                continue
            found[fit[1]] = RecentQuery(
                text=fit[0],
                normalized=fit[1],
                answers=total,
                witnesses=witnesses_of(hits),
                time=time,
            )
            if len(found) == k:
                break
        return list(found.values())


def _rows(viewer: Viewer) -> list[tuple[Any, ...]]:
    whose, key = (
        ("person_id = %s", viewer.person_id)
        if viewer.person_id is not None
        else ("person_id IS NULL AND anonymous_id = %s", viewer.anonymous_id)
    )
    with connection.cursor() as cursor:
        cursor.execute(OWN.format(whose=whose), [key])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
