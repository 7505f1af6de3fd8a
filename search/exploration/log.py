"""Finished searches as the log tells them, each with whether it was exploratory."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection

from catalog.event_kinds import WANTED
from search.analytics.scope import Scope
from search.analytics.statements import ATTENDED, rows
from search.exploration.definition import BROAD, QueryFacts, is_exploratory
from search.exploration.lookups import most_have, naming_one, things_of
from search.text import normalize_query

FIRST_HITS = 10
# The newest of a period: each different query is looked up in the catalog.
MOST_SEARCHES = 5_000
# Titles and names change rarely, and are looked up one by one.
NAMES_SECONDS = 3_600
SEARCHES = f"""
SELECT searches.query_id, coalesce(viewer, '') AS viewer, day, searches.time,
    searches.normalized_query AS normalized, answer.corrected_query AS corrected,
    searches.picked_from, searches.total, coalesce(led.is_taken, false) AS is_taken,
    EXISTS (
        SELECT 1 FROM acts JOIN catalog_event AS event ON event.id = acts.id
            AND event.time = acts.time
        WHERE acts.search = searches.query_id
          AND event.kind IN ({", ".join(str(int(kind)) for kind in WANTED)})
    ) AS is_wanted,
    ARRAY(
        SELECT (hit ->> 'item')::bigint
        FROM jsonb_array_elements(answer.hits) WITH ORDINALITY AS listed (hit, n)
        WHERE coalesce(hit ->> 'source', '') <> 'related' ORDER BY n LIMIT {FIRST_HITS}
    ) AS items,
    ARRAY(SELECT item_id FROM choices WHERE choices.search = searches.query_id) AS chosen
FROM searches
JOIN catalog_answer AS answer USING (query_id)
LEFT JOIN led ON led.search = searches.query_id
ORDER BY searches.time DESC, searches.query_id LIMIT {MOST_SEARCHES}"""  # noqa: S608  constants only
# When somebody first attended to something of a category or by a creator.
FIRST_TIMES = """
SELECT {who}, thing.value, min(event.time)
FROM catalog_event AS event
JOIN catalog_item AS item ON item.id = event.item_id
CROSS JOIN LATERAL (
    SELECT 'category:' || unnest(item.categories)
    UNION ALL SELECT 'creator:' || unnest(item.creators)
) AS thing (value)
WHERE {who} = ANY(%(who)s) AND event.kind = ANY(%(kinds)s) AND event.time < %(end)s
  {only}
GROUP BY 1, 2"""
Times = Mapping[str, Mapping[str, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One finished search.

    viewer: "" for nobody. is_wanted: an act says that an item was wanted (catalog.event_kinds).
    is_taken: a conversion. items: its first hits. new_categories: those of items attended to after
    it that the viewer had never attended to before.
    """

    viewer: str
    day: str
    query: str
    picked_from: str
    is_exploratory: bool
    is_wanted: bool
    is_taken: bool
    items: tuple[int, ...] = ()
    chosen: tuple[int, ...] = ()
    new_categories: frozenset[str] = frozenset()

    @property
    def words(self) -> int:
        """How many words the query has."""
        return len(self.query.split())


def read_searches(scope: Scope) -> list[Search]:
    """The newest finished searches of a scope, told with what the catalog and histories say."""
    found = rows(SEARCHES, scope, is_newest=True)
    named = _named({_meant(row) for row in found if row["total"]})
    few = [row for row in found if 0 < row["total"] < BROAD and _meant(row) not in named]
    things = things_of(
        {item for row in few for item in row["items"]}
        | {item for row in found for item in row["chosen"]}
    )
    times = _first_times({row["viewer"] for row in found}, scope)
    return [_search(row, named, things, times.get(row["viewer"], {})) for row in found]


def _search(
    row: Mapping[str, Any],
    named: set[str],
    things: Mapping[int, frozenset[str]],
    times: Mapping[str, datetime],
) -> Search:
    asked_at = datetime.fromisoformat(row["time"])
    had = frozenset(thing for thing, time in times.items() if time < asked_at)
    facts = QueryFacts(
        answers=row["total"],
        names_one=_meant(row) in named,
        leads_to=most_have(row["items"], things) if row["total"] < BROAD else frozenset(),
    )
    of_chosen = {thing for item in row["chosen"] for thing in things.get(item, ())}
    return Search(
        viewer=row["viewer"],
        day=row["day"],
        query=row["normalized"],
        picked_from=row["picked_from"],
        is_exploratory=is_exploratory(facts, had),
        is_wanted=row["is_wanted"],
        is_taken=row["is_taken"],
        items=tuple(row["items"]),
        chosen=tuple(row["chosen"]),
        new_categories=frozenset(
            thing for thing in of_chosen - had if had and thing.startswith("category:")
        ),
    )


def _named(texts: set[str]) -> set[str]:
    """Those that name one thing, each looked up at most once in an hour of the clock."""
    key = f"exploration:names:{int(time.time() // NAMES_SECONDS)}"
    known: dict[str, bool] = cache.get(key) or {}
    missing = texts - known.keys()
    if missing:
        found = naming_one(missing)
        known |= {text: text in found for text in missing}
        cache.set(key, known, NAMES_SECONDS)  # one value, which a cache that is away forgives
    return {text for text in texts if known[text]}


def _meant(row: Mapping[str, Any]) -> str:
    """The query after its correction, normalized."""
    return normalize_query(row["corrected"]) if row["corrected"] else row["normalized"]


def _first_times(viewers: Iterable[str], scope: Scope) -> dict[str, dict[str, datetime]]:
    """By viewer and thing; a viewer is "p" and a person's key, or "a" and a visitor's id."""
    kinds = [int(kind) for kind in ATTENDED]
    asked: tuple[tuple[str, list[Any], str, str], ...] = (
        ("person_id", [int(one[1:]) for one in viewers if one.startswith("p")], "p", ""),
        (
            "anonymous_id",
            [one[1:] for one in viewers if one.startswith("a")],
            "a",
            "AND person_id IS NULL",
        ),
    )
    found: dict[str, dict[str, datetime]] = {}
    with connection.cursor() as cursor:
        for column, who, letter, only in (one for one in asked if one[1]):
            cursor.execute(
                FIRST_TIMES.format(who=f"event.{column}", only=only),
                {"who": who, "kinds": kinds, "end": scope.period.end},
            )
            for viewer, thing, time in cursor.fetchall():
                found.setdefault(f"{letter}{viewer}", {})[thing] = time
    return found
