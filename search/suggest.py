"""Completion at each keystroke: queries and titles that begin, or nearly begin, like this.

A prefix of the whole query comes before a prefix of a later word ("hitch" finds Alfred
Hitchcock); where few are found, a typing error is forgiven. Both are ordered by popularity. For an
empty field: the viewer's own searches, then places to start.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from catalog.models import Item
from catalog.profiles import current_profile
from catalog.types import QueryRecommendation, Viewer
from search.answerable import still_answered
from search.bans import current_bans
from search.facet_words import Said, beginning
from search.languages import LATIN, go_together, is_accepted, language_of
from search.places_to_start import places_to_start
from search.query_candidates import COLUMNS, SHOWN, Candidate, read_candidate
from search.query_sources.base import is_switched_on
from search.query_sources.recent import NAME as RECENT
from search.query_sources.recent import Recent
from search.query_sources.registry import names_on
from search.query_wording import hints
from search.text import clean_query, normalize_query

MAX_SUGGESTED = 20
MAX_ITEMS = 3
MAX_VALUES = 2
MAX_RECENT = 3
MAX_PREFIX_CHARACTERS = 100
FETCHED = 24
# A prefix of the whole query is worth this much popularity more than one of a later word.
WHOLE_PREFIX_BONUS = 0.15
# Below this many, a typing error is looked for; shorter prefixes are like everything.
FEW = 3
LEAST_TYPO_CHARACTERS = 4
LEAST_TRIGRAM_CHARACTERS = 3
# Completions about the same thing: "French drama", "French comedy", ...
MAX_ALIKE = 4

# How far down the most popular queries a later word is looked for before the trigrams are asked:
# a word that many queries hold is met early, and one that few hold is cheap to look up.
WALKED = 1500
# So many found on the way are enough to choose from.
ENOUGH = 16

_COMPLETIONS = f"""
    SELECT {COLUMNS}, found.bonus FROM ({{parts}}) AS found
    JOIN search_query USING (id)"""  # noqa: S608  constants only
_WHOLE = f"""
    (SELECT id, {WHOLE_PREFIX_BONUS}::float8 AS bonus FROM search_query
     WHERE {SHOWN} AND {{titles}} AND normalized LIKE %(whole)s
     ORDER BY popularity DESC LIMIT {FETCHED})"""  # noqa: S608
_LATER = f"""
    (SELECT id, 0::float8 AS bonus FROM (
        SELECT id, normalized, popularity FROM search_query WHERE {SHOWN} AND {{titles}}
        ORDER BY popularity DESC LIMIT {WALKED}) AS walked
     WHERE normalized LIKE %(later)s ORDER BY popularity DESC LIMIT {FETCHED})"""  # noqa: S608
_TITLES_OR_NOT = ("source <> 'titles'", "source = 'titles'")
BY_PREFIX = _COMPLETIONS.format(
    parts=" UNION ALL ".join(
        part.format(titles=titles) for titles in _TITLES_OR_NOT for part in (_WHOLE, _LATER)
    )
)
# OFFSET 0 keeps the planner from walking all queries by popularity instead.
BY_LATER_WORD = _COMPLETIONS.format(
    parts=f"""
    SELECT id, 0::float8 AS bonus FROM (
        SELECT id, popularity FROM search_query
        WHERE {SHOWN} AND normalized LIKE %(later)s OFFSET 0) AS held
    ORDER BY popularity DESC LIMIT {2 * FETCHED}"""  # noqa: S608
)
BY_SIMILARITY = f"""
    SELECT {COLUMNS}, word_similarity(%(typed)s, normalized)::float8 AS bonus FROM search_query
    WHERE {SHOWN} AND %(typed)s <%% normalized
    ORDER BY bonus DESC, popularity DESC LIMIT {FETCHED}"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What to offer below the search field: queries to run, items and lists to go to."""

    queries: tuple[QueryRecommendation, ...] = ()
    items: tuple[Item, ...] = ()
    creators: tuple[Said, ...] = ()
    categories: tuple[Said, ...] = ()


def suggest(
    *, prefix: str, viewer: Viewer, k: int = 8, languages: Sequence[str] = ()
) -> Suggestions:
    """At most `k` queries and a few items for what has been typed so far.

    Every one of them is answered by a visible item at this moment, and none of another language
    than what was typed; where that tells none, than those that the visitor reads (`languages`).
    """
    k = max(0, min(k, MAX_SUGGESTED))
    normalized = normalize_query(prefix[: MAX_PREFIX_CHARACTERS * 2])[:MAX_PREFIX_CHARACTERS]
    own = _own(normalized, viewer)
    if not normalized:
        if clean_query(prefix):
            # Punctuation alone begins nothing.
            return Suggestions()
        shown = _checked(own)[:k]
        taken = {query.text for query in shown}
        more = (
            query for query in places_to_start(k=k, languages=languages) if query.text not in taken
        )
        return Suggestions(queries=(*shown, *more)[:k])
    typed = language_of(prefix)
    found = [each for each in _find(normalized) if _is_readable(each, typed, languages)]
    titles = [each for each in found if each.rule == "item_title"]
    values = beginning(prefix, ["creator", "category"], k=MAX_VALUES)
    if titles or values:
        bans = current_bans()
        titles = [each for each in titles if not bans.holds(each.normalized)]
        values = {
            facet: [said for said in of_it if not bans.holds(normalize_query(said.value))]
            for facet, of_it in values.items()
        }
    items = _items(titles[: MAX_ITEMS + 1])
    as_items = {item.pk for item in items}
    queries = [*own[:MAX_RECENT], *(each for each in found if not _leads_to(each, as_items))]
    return Suggestions(
        queries=tuple(_checked(_spread(queries)[: 2 * k])[:k]),
        items=items,
        creators=tuple(values.get("creator", ())),
        categories=tuple(values.get("category", ())),
    )


def _is_readable(candidate: Candidate, typed: str, languages: Sequence[str]) -> bool:
    """A language that the words tell decides, before what the browser says."""
    told = typed not in ("", LATIN)
    accepted = told or is_accepted(candidate.language, languages)
    return accepted and go_together(typed, candidate.language)


def _own(normalized: str, viewer: Viewer) -> list[Candidate]:
    if viewer.is_nobody or not is_switched_on(RECENT):
        return []
    return [
        Candidate(
            text=own.text,
            normalized=own.normalized,
            source=RECENT,
            rule=RECENT,
            answers=own.answers,
            witnesses=own.witnesses,
        )
        for own in Recent().of_viewer(viewer)
        if _begins(own.normalized, normalized) and own.normalized != normalized
    ]


def _begins(text: str, prefix: str) -> bool:
    return text.startswith(prefix) or f" {prefix}" in text


def _leads_to(candidate: Candidate, items: set[int]) -> bool:
    """Whether it is the title of an item that is offered as such."""
    return candidate.rule == "item_title" and candidate.witnesses[0] in items


def _find(normalized: str) -> list[Candidate]:
    """Completions, best first: by prefix, then by a later word, then by likeness."""
    # Normal forms hold letters, figures, symbols and spaces: no wildcard, nothing to escape.
    params = {"whole": f"{normalized}%", "later": f"% {normalized}%", "typed": normalized}
    found = _ranked(BY_PREFIX, params)
    has_trigrams = len(normalized) >= LEAST_TRIGRAM_CHARACTERS and normalized[:3].isalnum()
    if len(found) < ENOUGH and has_trigrams:
        found = _ranked(BY_LATER_WORD, params, found)
    if len(found) < FEW and len(normalized) >= LEAST_TYPO_CHARACTERS:
        likes = _ranked(BY_SIMILARITY, params)
        known = {each.normalized for each in found}
        found += [each for each in likes if each.normalized not in known]
    return found


def _ranked(sql: str, params: dict[str, str], found: Sequence[Candidate] = ()) -> list[Candidate]:
    """The rows of a statement and those found before, each once, best first."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"sources": names_on(), **params})
        scored = [(read_candidate(row), row[-1]) for row in cursor.fetchall()]
    scored += [(each, _bonus(each, params["typed"])) for each in found]
    best: dict[str, tuple[float, Candidate]] = {}
    for candidate, bonus in scored:
        score = candidate.popularity + bonus
        if candidate.normalized not in best or best[candidate.normalized][0] < score:
            best[candidate.normalized] = (score, candidate)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[1].normalized))
    return [candidate for _, candidate in ranked]


def _bonus(candidate: Candidate, prefix: str) -> float:
    return WHOLE_PREFIX_BONUS if candidate.normalized.startswith(prefix) else 0.0


def _spread(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Each once; those beyond MAX_ALIKE that begin with the same thing go to the end."""
    first: list[Candidate] = []
    rest: list[Candidate] = []
    alike: Counter[str] = Counter()
    seen: set[str] = set()
    for each in candidates:
        if each.normalized in seen:
            continue
        seen.add(each.normalized)
        about = each.anchors[0].partition(":")[2] if each.anchors else each.normalized
        alike[about] += 1
        (first if alike[about] <= MAX_ALIKE else rest).append(each)
    return first + rest


def _items(titles: list[Candidate]) -> tuple[Item, ...]:
    """The visible items behind titles, in the same order."""
    ids = [each.witnesses[0] for each in titles]
    found = Item.objects.visible().for_cards().in_bulk(ids) if ids else {}
    return tuple(found[key] for key in ids if key in found)[:MAX_ITEMS]


def _checked(candidates: list[Candidate]) -> list[QueryRecommendation]:
    titles = still_answered([(each.normalized, each.witnesses) for each in candidates])
    shown = [(each, titles[n]) for n, each in enumerate(candidates) if n in titles]
    lines = hints(shown, current_profile())
    return [
        QueryRecommendation(
            text=each.text,
            source=each.source,
            angle="angle",
            hint=line,
            score=round(each.popularity, 4),
            answers=each.answers,
        )
        for (each, _), line in zip(shown, lines, strict=True)
    ]
