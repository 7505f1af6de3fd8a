"""Places to start: what is offered where nothing was typed, another mix each day."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from catalog.profiles import current_profile
from catalog.types import QueryRecommendation
from search.answerable import still_answered
from search.cold_share import lot_of, with_cold, with_new
from search.languages import is_accepted
from search.query_candidates import COLUMNS, SHOWN, Candidate, read_candidate
from search.query_evidence import evidence_of_start
from search.query_sources.registry import names_on
from search.query_wording import hints
from search.text import normalize_query

CACHE_KEY = "search:places_to_start:4"
CACHE_SECONDS = 300
BEST_OF_RULE = 12
DOORS = 5
# Least and most telling rules apart: a bare genre is on the page already, as a way to browse.
RULES = (
    "country_category", "creator_category", "like", "country_category_decade",
    "category_category", "category_decade", "name_category", "creator", "collection_title",
    "searched", "category",
)  # fmt: skip
# How often the least shown of its categories was shown, for the share of cold ones.
SHOWN_CATEGORY = """
    (SELECT min(a.shown) FROM search_anchor a
     WHERE a.value = ANY(ranked.anchors) AND starts_with(a.value, 'category:')
       AND (a.is_new OR NOT ranked.is_of_new))"""
# Those of new categories apart: nobody wants them yet, and the popular ones would hide them.
BEST = f"""
    SELECT {COLUMNS}, is_of_new, {SHOWN_CATEGORY} FROM (
        SELECT *, row_number() OVER (
            PARTITION BY provenance ->> 'rule', is_of_new ORDER BY popularity DESC, id) AS place
        FROM (
            SELECT *, anchors && ARRAY(SELECT value FROM search_anchor WHERE is_new) AS is_of_new
            FROM search_query WHERE {SHOWN} AND provenance ->> 'rule' = ANY(%(rules)s)
        ) AS told
    ) AS ranked WHERE place <= {BEST_OF_RULE}"""  # noqa: S608  constants only


class _Place(NamedTuple):
    """A query to start with. `seen`: how often the least shown of its categories was shown."""

    candidate: Candidate
    is_of_new: bool
    seen: int | None


def places_to_start(
    *, k: int, off: Sequence[str] = (), languages: Sequence[str] = ()
) -> tuple[QueryRecommendation, ...]:
    """At most `k` popular queries that have little in common, each answered now.

    Args:
        k: how many at most.
        off: names of sources to leave out.
        languages: what the visitor reads, where that is known; where nothing is left, all count.
    """
    every = [place for place in _candidates() if place.candidate.source not in off]
    read = [place for place in every if is_accepted(place.candidate.language, languages)] or every
    candidates = [place.candidate for place in read]
    new = {n: place.seen or 0 for n, place in enumerate(read) if place.is_of_new}
    titles = still_answered([(each.normalized, each.witnesses) for each in candidates])
    shown = sorted(titles)
    best = _mix(candidates, [n for n in shown if n not in new], k)
    lot = lot_of(timezone.now().date().isoformat())
    if new:
        # In the order of the day, so that a new category is entered at another wide door tomorrow.
        widest = sorted((n for n in shown if n in new), key=lambda n: -candidates[n].answers)
        chosen = with_new(best, sorted(widest[:DOORS]), new, k, lot)
    else:
        waiting = _unlike(candidates, best, shown)
        chosen = with_cold(best, waiting, [place.seen for place in read], k, lot)
    lines = hints([(candidates[n], titles[n]) for n in chosen], current_profile())
    return tuple(
        QueryRecommendation(
            text=candidates[n].text,
            source=candidates[n].source,
            angle="new" if n in new or candidates[n].source == "log" else "angle",
            hint=line,
            score=round(candidates[n].popularity, 4),
            answers=candidates[n].answers,
            evidence=evidence_of_start(candidates[n], is_cold=n not in best),
        )
        for n, line in zip(chosen, lines, strict=True)
    )


def forget_places() -> None:
    """Read them again at the next call: queries were built or reviewed."""
    cache.delete(CACHE_KEY)


def _mix(candidates: list[Candidate], shown: list[int], k: int) -> list[int]:
    """Rule after rule, the first of each that repeats nothing chosen; then a second round."""
    chosen: list[int] = []
    spoken: set[str] = set()
    for _ in range(2):
        for rule in RULES:
            for n in shown:
                each = candidates[n]
                words = set(normalize_query(each.text).split())
                if each.rule == rule and n not in chosen and not words & spoken:
                    chosen.append(n)
                    spoken |= words
                    break
            if len(chosen) >= k:
                return chosen[:k]
    return chosen


def _unlike(candidates: list[Candidate], chosen: list[int], shown: list[int]) -> list[int]:
    """Those that were left out and repeat no word of the chosen ones, the most popular first."""
    spoken = {word for n in chosen for word in normalize_query(candidates[n].text).split()}
    left = [
        n
        for n in shown
        if n not in chosen and not spoken & set(normalize_query(candidates[n].text).split())
    ]
    return sorted(left, key=lambda n: (-candidates[n].popularity, candidates[n].normalized))


def _candidates() -> list[_Place]:
    """The most popular queries of each rule, in the order of the day; read once in a while."""
    rows = cache.get(CACHE_KEY)
    if rows is None:
        with connection.cursor() as cursor:
            cursor.execute(BEST, {"sources": names_on(), "rules": list(RULES)})
            rows = [list(row) for row in cursor.fetchall()]
        # Nothing yet is no answer to keep: the queries may be built in the next second.
        if rows:
            cache.set(CACHE_KEY, rows, CACHE_SECONDS)
    today = timezone.now().date().isoformat()
    on = names_on()
    found = [_Place(read_candidate(row), row[-2], row[-1]) for row in rows if row[3] in on]
    found.sort(
        key=lambda one: hashlib.blake2b((today + one.candidate.normalized).encode()).digest()
    )
    return found
