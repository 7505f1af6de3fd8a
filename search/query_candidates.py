"""Candidates for query recommendations: a bounded number, in two statements.

From what the top hits share (search.query_candidates.hit_facts): every combination of their
strongest anchors is looked up by the hash of its set, and queries of the rarest anchors by GIN
overlap. From what was typed: queries that contain all its words, and logged ones that share one.
And those that people went on to from here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from math import log
from typing import Any

from django.conf import settings
from django.db import connection

from catalog.prepared import int_array, prepared_cursor
from search.languages import go_together, language_of
from search.query_sources.base import anchor, meaning, split_anchor
from search.query_sources.expansions import NAME as EXPANSIONS
from search.query_sources.expansions import RULES
from search.query_sources.onward import MOST_LINKS
from search.query_sources.onward import NAME as ONWARD
from search.query_sources.registry import names_on

HITS_READ = 30
# How many anchors of a kind are combined; the combinations stay below 250.
STRONGEST = {
    "creator": 4, "category": 5, "country": 3, "decade": 4, "name": 5, "like": 8, "collection": 3,
}  # fmt: skip
# Kinds whose every value is rare enough to fetch all its queries.
RARE_KINDS = ("creator", "name", "collection")
RARE_ANCHORS = 4
BY_OVERLAP, BY_WORDS, BY_LOG, BY_NEW = 40, 20, 20, 24
# A logged query that several people typed for the first time is news for that long.
FRESH_DAYS = 14
MAX_WORDS = 6

HIT_FACTS = """
    WITH hits AS (
        SELECT h.n, i.id, i.creators, i.categories, i.countries, i.year, i.attributes
        FROM unnest(%(items)s::bigint[]) WITH ORDINALITY AS h(id, n)
        JOIN catalog_item i ON i.id = h.id
    ), facts AS (
        SELECT n, 'creator:' || v AS value FROM hits, unnest(creators) AS v
        UNION SELECT n, 'category:' || v FROM hits, unnest(categories) AS v
        UNION SELECT n, 'country:' || v FROM hits, unnest(countries) AS v
        UNION SELECT n, 'decade:' || (year / 10 * 10) || 's' FROM hits WHERE year IS NOT NULL
        UNION SELECT n, 'name:' || (name #>> '{}')
            FROM hits, unnest(%(name_attributes)s::text[]) AS attribute,
                LATERAL jsonb_array_elements(
                    CASE jsonb_typeof(attributes -> attribute)
                        WHEN 'array' THEN attributes -> attribute
                        WHEN 'string' THEN jsonb_build_array(attributes -> attribute)
                        ELSE '[]'::jsonb END) AS name
        UNION SELECT n, 'collection:' || e.collection_id
            FROM hits JOIN catalog_collectionitem e ON e.item_id = hits.id
        UNION SELECT n, 'like:' || id FROM hits WHERE n <= 8
    ), shared AS (
        SELECT left(value, 320) AS value, array_agg(n) AS hits FROM facts GROUP BY value
        HAVING count(*) > 1 OR NOT starts_with(value, 'name:')
    )
    -- One look-up by key for each anchor; a join would read the whole table of anchors.
    SELECT shared.value, shared.hits,
           (SELECT items FROM search_anchor a WHERE a.value = shared.value),
           (SELECT shown FROM search_anchor a WHERE a.value = shared.value),
           (SELECT items FROM search_anchor WHERE value = '')
    FROM shared
    -- And the new categories, whatever was found.
    UNION ALL SELECT value, NULL, items, shown, NULL FROM search_anchor WHERE is_new"""
# Of what a model wrote its items are known to the store, and what it finds to the check alone.
ANSWERS = (
    "CASE WHEN source = 'llm' AND found > 0 AND checked_version <> '' THEN found ELSE answers END"
    " AS answers"
)
COLUMNS = (
    f"id, text, normalized, source, anchors, witnesses, {ANSWERS}, people, popularity,"
    " provenance ->> 'rule' AS rule, provenance ->> 'year' AS year,"
    f" source = 'log' AND created_at > now() - interval '{FRESH_DAYS} days' AS is_fresh, language,"
    " first_hits"
)
SHOWN = "review = 'approved' AND answers > 0 AND held_back = '' AND source = ANY(%(sources)s)"
# Each part repeats the conditions of the partial index that answers it.
BY_MEANING_SQL = f"""
    SELECT {COLUMNS} FROM search_query
    WHERE {SHOWN} AND meaning <> 0 AND meaning = ANY(%(meanings)s)"""  # noqa: S608  constants only
BY_OVERLAP_SQL = f"""
    (SELECT {COLUMNS} FROM search_query WHERE {SHOWN} AND anchors && %(rare)s::varchar[]
        ORDER BY popularity DESC, id LIMIT {BY_OVERLAP})"""  # noqa: S608
# Of new categories, which hits cannot lead to: first what also speaks of something that hits have.
BY_NEW_SQL = f"""
    (SELECT {COLUMNS} FROM search_query
        WHERE {SHOWN} AND source = '{EXPANSIONS}' AND anchors && %(new)s::varchar[]
        ORDER BY anchors && %(around)s::varchar[] DESC, answers DESC, id LIMIT {BY_NEW})"""  # noqa: S608
# Without a second sort key, so that frequent words are met by walking down from the most popular.
# Titles that hold the words are among the hits already.
BY_WORDS_SQL = f"""
    (SELECT {COLUMNS} FROM search_query WHERE {SHOWN} AND source <> 'titles' AND {{all_words}}
        ORDER BY popularity DESC LIMIT {BY_WORDS})"""  # noqa: S608
# Where people went on to from here (search.query_sources.onward): one array, so that the index on
# the normal form is asked; with OR all queries were read.
BY_ONWARD_SQL = f"""
    SELECT {COLUMNS} FROM search_query WHERE {SHOWN} AND normalized = ANY(
        %(near)s::varchar[] || ARRAY(
            SELECT next FROM search_onwardlink WHERE query = %(here)s AND people >= %(least)s
            ORDER BY people DESC, next LIMIT {MOST_LINKS}))"""  # noqa: S608
# With the share of people who went on to it from here, whoever else offers it.
WITH_SHARES = """
    SELECT part.*, link.share FROM ({parts}) AS part
    LEFT JOIN search_onwardlink link ON link.query = %(here)s AND link.next = part.normalized
        AND link.people >= %(least)s"""
BY_LOG_SQL = f"""
    (SELECT {COLUMNS} FROM search_query WHERE {SHOWN} AND source = 'log' AND ({{any_word}})
        ORDER BY popularity DESC, id LIMIT {BY_LOG})"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stored query, or one of the viewer's own, that might be recommended."""

    text: str
    normalized: str
    source: str
    answers: int
    witnesses: Sequence[int]
    # What kind of query it is: the rule that made it.
    rule: str
    anchors: tuple[str, ...] = ()
    people: int = 0
    popularity: float = 0.0
    year: str | None = None
    is_fresh: bool = False
    language: str = ""
    # What its search shows first; its witnesses where it was not tried yet.
    first_hits: Sequence[int] = ()
    # The share of people who went on to it from here, and how near it is to what they chose.
    onward: float = 0.0
    neighbour: float = 0.0
    # Of the store, where it is pointed at by another; "" where it is not in the store.
    stored: str = ""

    @property
    def people_told(self) -> int:
        """How many people typed it, 0 where they are too few to be told of."""
        return self.people if self.people >= settings.SEARCH_MIN_PEOPLE_PER_QUERY else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HitFacts:
    """What the top hits have, and how common that is in the catalog."""

    hits: int
    items: int  # of the whole catalog
    holders: dict[str, frozenset[int]]  # anchor -> places of the hits that have it
    counts: dict[str, int]  # anchor -> visible items of the catalog that have it
    # anchor -> how often queries that speak of it were shown of late
    shown: dict[str, int] = field(default_factory=dict)
    # Categories of the catalog that hardly anybody has wanted anything of yet, with their items.
    new: Mapping[str, int] = field(default_factory=dict)

    def share(self, anchors: Iterable[str]) -> float:
        """Share of the hits that have all these anchors."""
        held = [self.holders.get(each, frozenset()) for each in anchors]
        return len(frozenset.intersection(*held)) / self.hits if held and self.hits else 0.0

    def strength(self, name: str) -> float:
        """How much an anchor says about the hits: its share there, times the log of its lift."""
        share = self.share([name])
        return share * log(1 + share * self.items / max(1, self.counts[name]))

    def strongest(self, kind: str) -> list[str]:
        """The strongest anchors of a kind."""
        of_kind = [name for name in self.holders if split_anchor(name)[0] == kind]
        of_kind.sort(key=lambda name: (-self.strength(name), name))
        return of_kind[: STRONGEST[kind]]


def hit_facts(item_ids: Sequence[int], name_attributes: Sequence[str]) -> HitFacts:
    """What the first hits share."""
    read = list(item_ids[:HITS_READ])
    holders: dict[str, frozenset[int]] = {}
    counts: dict[str, int] = {}
    shown: dict[str, int] = {}
    new: dict[str, int] = {}
    items = len(read)
    if read:
        with prepared_cursor() as cursor:
            cursor.execute(
                HIT_FACTS, {"items": int_array(read), "name_attributes": list(name_attributes)}
            )
            for name, places, count, seen, total in cursor.fetchall():
                if seen is not None:
                    shown[name] = seen
                if places is None:
                    new[name] = count
                    continue
                holders[name] = frozenset(places)
                counts[name] = count or len(places)
                items = total or items
    return HitFacts(
        hits=len(read), items=items, holders=holders, counts=counts, shown=shown, new=new
    )


def find_candidates(
    *,
    facts: HitFacts,
    said: frozenset[str],
    words: Sequence[str],
    neighbours: Mapping[str, float] | None = None,
    off: Sequence[str] = (),
) -> list[Candidate]:
    """Stored queries near the hits or the words, and those people went on to, each once.

    Args:
        facts: what the hits share.
        said: the anchors that the query itself names; they are always combined.
        words: the words that were typed.
        neighbours: near queries in the space of the unified model, 0 to 1 by normal form.
        off: names of sources to leave out.
    """
    sources = [name for name in names_on() if name not in off]
    sql, params = _statement(words, with_onward=ONWARD in sources, with_new=bool(facts.new))
    params |= {
        "sources": sources,
        "here": " ".join(words),
        "meanings": [meaning(combination) for combination in _combinations(facts, said)],
        "rare": _rare(facts, said),
        "near": list(neighbours or {}),
        # Links are counted in the background; what a raised setting forbids holds now.
        "least": settings.SEARCH_MIN_PEOPLE_PER_QUERY,
        "new": list(facts.new),
        "around": [*said, *facts.holders],
    }
    found: dict[int, Candidate] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for row in cursor.fetchall():
            # The last part is of those whom people went on to; the others know it for their own.
            if row[0] not in found:
                *_, is_onward, share = row
                known = read_candidate(row)
                found[row[0]] = replace(
                    known,
                    source=ONWARD if is_onward else known.source,
                    onward=share or 0.0,
                    neighbour=(neighbours or {}).get(known.normalized, 0.0),
                )
    typed = language_of(" ".join(words))
    return [each for each in found.values() if go_together(typed, each.language)]


def _statement(
    words: Sequence[str], *, with_onward: bool, with_new: bool
) -> tuple[str, dict[str, Any]]:
    """The statement for these words: LIKE ALL and ANY of a list would not use the indexes."""
    # A word of one letter is in every query. Normal forms hold no LIKE wildcards.
    patterns = {f"w{n}": f"%{word}%" for n, word in enumerate(words[:MAX_WORDS]) if len(word) > 1}
    parts = [BY_MEANING_SQL, BY_OVERLAP_SQL, *([BY_NEW_SQL] if with_new else [])]
    if patterns:
        likes = [f"normalized LIKE %({name})s" for name in patterns]
        parts.append(BY_WORDS_SQL.format(all_words=" AND ".join(likes)))
        parts.append(BY_LOG_SQL.format(any_word=" OR ".join(likes)))
    parts = [f"SELECT part.*, false AS is_onward FROM ({part}) AS part" for part in parts]  # noqa: S608
    if not with_onward:
        joined = " UNION ALL ".join(parts)
        return f"SELECT part.*, 0::float8 FROM ({joined}) AS part", dict(patterns)  # noqa: S608
    parts.append(f"SELECT part.*, true AS is_onward FROM ({BY_ONWARD_SQL}) AS part")  # noqa: S608
    return WITH_SHARES.format(parts=" UNION ALL ".join(parts)), dict(patterns)


def read_candidate(row: Sequence[Any]) -> Candidate:
    """A candidate from a row of COLUMNS."""
    return Candidate(
        text=row[1],
        normalized=row[2],
        source=row[3],
        stored=row[3],
        anchors=tuple(row[4]),
        witnesses=row[5],
        answers=row[6],
        people=row[7],
        popularity=row[8],
        rule=row[9] or row[3],
        year=row[10],
        is_fresh=row[11],
        language=row[12],
        first_hits=row[13] or row[5],
    )


def neighbouring_decades(name: str) -> list[str]:
    """The decades before and after: a near angle on a query that names one."""
    kind, value = split_anchor(name)
    if kind != "decade" or not value[:-1].isdigit():
        return []
    return [anchor("decade", f"{int(value[:-1]) + step}s") for step in (-10, 10)]


def _combinations(facts: HitFacts, said: frozenset[str]) -> Iterator[tuple[str, ...]]:
    pools = {kind: _pool(facts, kind, said) for kind in STRONGEST}
    for rule in RULES:
        if len(set(rule.kinds)) < len(rule.kinds):
            yield from combinations(pools[rule.kinds[0]], len(rule.kinds))
        else:
            yield from product(*(pools[kind] for kind in rule.kinds))
    for kind in ("creator", "name", "like", "collection"):
        yield from ((name,) for name in pools[kind])


def _pool(facts: HitFacts, kind: str, said: frozenset[str]) -> list[str]:
    named = sorted(name for name in said if split_anchor(name)[0] == kind)
    near = [decade for name in named for decade in neighbouring_decades(name)]
    return list(dict.fromkeys([*named, *near, *facts.strongest(kind)]))


def _rare(facts: HitFacts, said: frozenset[str]) -> list[str]:
    rare = [name for kind in RARE_KINDS for name in facts.strongest(kind)]
    rare.sort(key=lambda name: (name not in said, -facts.strength(name), name))
    return rare[:RARE_ANCHORS]
