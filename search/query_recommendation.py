"""Queries worth trying next, ranked by a stated simple score.

    score = source * (0.40 coverage + 0.20 lift + 0.20 words + 0.10 size + 0.10 popularity)

    coverage    share of the top hits that have everything the query speaks of, full at 40 %
    lift        log of that share over the query's share of the catalog, full at a hundredfold
    words       share of the typed words that it keeps
    size        log of how many items answer it, full at a hundred: one answer is no exploring
    popularity  how wanted the answering items are
    source      SOURCE_WEIGHT

Then one after another the best is taken, its score lowered by up to half for what it repeats of
those already taken: at most MAX_OF_KIND of one rule, and of one angle while other angles are left.
Never the query itself, its reordering or its correction, and nothing above an exact title.
A learned ranker takes this place later; candidates and rules of presentation stay.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log

from django.utils import timezone

from catalog.derive import decade
from catalog.profiles import current_profile
from catalog.types import QueryRecommendation, Viewer
from search.answerable import still_answered
from search.places_to_start import places_to_start
from search.query_candidates import (
    Candidate,
    HitFacts,
    find_candidates,
    hit_facts,
    neighbouring_decades,
)
from search.query_meaning import said_anchors, same_person
from search.query_sources.base import anchor, is_switched_on
from search.query_sources.recent import NAME as RECENT
from search.query_sources.recent import Recent
from search.query_words import covers, holds, overlap, same_words, words_of
from search.query_wording import hint
from search.text import normalize_query

MAX_RECOMMENDED = 8
MAX_OF_KIND = 3
# How many of the best are checked and compared with one another.
CHECKED = 40
SOURCE_WEIGHT = {"expansions": 1.0, "names": 1.0, "log": 0.9, "recent": 0.8, "titles": 0.6}
FULL_COVERAGE = 0.4
FULL_LIFT = 100
FULL_SIZE = 100
FRESH_DAYS = 14
LEAST_SCORE = 0.12


@dataclass(frozen=True, slots=True)
class _Asked:
    """The query as it is understood."""

    words: tuple[str, ...]
    said: frozenset[str]  # anchors it names
    unexplained: tuple[str, ...]  # words that no anchor explains
    facts: HitFacts
    top_items: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: Candidate
    score: float
    angle: str
    words: tuple[str, ...]


def recommend_queries(
    *,
    query: str,
    normalized: str,
    top_item_ids: Sequence[int],
    exact_title: bool,
    viewer: Viewer,
    k: int = MAX_RECOMMENDED,
) -> tuple[QueryRecommendation, ...]:
    """At most `k` queries worth trying after this one, best first.

    Args:
        query: what was typed.
        normalized: the normal form of what was searched, after correction.
        top_item_ids: the hits, best first.
        exact_title: the query is the title of one thing: nothing is put above it.
        viewer: whose recent searches may be among them.
        k: how many at most.

    Returns:
        Each of them answered by a visible item. For an empty query: places to start.
    """
    if exact_title:
        return ()
    k = max(0, min(k, MAX_RECOMMENDED))
    if not normalized:
        return places_to_start(k=k)
    asked = _understand(normalized, top_item_ids)
    found = find_candidates(facts=asked.facts, said=asked.said, words=normalized.split())
    found += _own(asked, viewer)
    typed = words_of(normalize_query(query))
    scored = [each for each in (_score(asked, one) for one in found) if _is_worth(each, asked, typed)]
    scored.sort(key=lambda each: (-each.score, each.candidate.normalized))
    scored = scored[:CHECKED]
    titles = still_answered([(s.candidate.normalized, s.candidate.witnesses) for s in scored])
    shown = {id(scored[n]): names for n, names in titles.items()}
    chosen = _diversify([each for n, each in enumerate(scored) if n in titles], k)
    profile = current_profile()
    return tuple(
        QueryRecommendation(
            text=each.candidate.text,
            source=each.candidate.source,
            angle=each.angle,
            hint=hint(each.candidate, shown[id(each)], profile),
            score=round(each.score, 4),
            answers=each.candidate.answers,
        )
        for each in chosen
    )


def _understand(normalized: str, top_item_ids: Sequence[int]) -> _Asked:
    words = words_of(normalized)
    facts = hit_facts(top_item_ids, current_profile().name_attributes)
    said, unexplained = said_anchors(words, facts)
    return _Asked(words, said, unexplained, facts, frozenset(top_item_ids))


def _own(asked: _Asked, viewer: Viewer) -> list[Candidate]:
    """The viewer's own searches that share a word or a hit with this one."""
    if viewer.is_nobody or not is_switched_on(RECENT):
        return []
    return [
        Candidate(
            text=own.text,
            normalized=own.normalized,
            source=RECENT,
            answers=own.answers,
            witnesses=own.witnesses,
        )
        for own in Recent().of_viewer(viewer)
        if asked.top_items.intersection(own.witnesses)
        or any(holds(asked.words, word) for word in words_of(own.normalized))
    ]


def _score(asked: _Asked, candidate: Candidate) -> _Scored:
    words = words_of(candidate.normalized)
    coverage = _coverage(asked, candidate)
    lift = coverage * asked.facts.items / max(1, candidate.answers)
    kept = sum(holds(words, word) for word in asked.words) / max(1, len(asked.words))
    score = SOURCE_WEIGHT.get(candidate.source, 0.5) * (
        0.40 * min(1.0, coverage / FULL_COVERAGE)
        + 0.20 * min(1.0, max(0.0, log(lift) / log(FULL_LIFT) if lift > 1 else 0.0))
        + 0.20 * kept
        + 0.10 * min(1.0, log(1 + candidate.answers) / log(1 + FULL_SIZE))
        + 0.10 * candidate.popularity
    )
    return _Scored(candidate, score, _angle(asked, candidate, words), words)


def _coverage(asked: _Asked, candidate: Candidate) -> float:
    """Share of the hits that have all its anchors; without anchors, that are its witnesses."""
    if not candidate.anchors:
        return len(asked.top_items.intersection(candidate.witnesses)) / max(
            1, min(len(candidate.witnesses), asked.facts.hits)
        )
    near = {d for name in asked.said for d in neighbouring_decades(name)}
    rest = [name for name in candidate.anchors if name not in near]
    # The decade next to the one that was named covers none of the hits, and is half as near.
    return asked.facts.share(rest) * (1.0 if len(rest) == len(candidate.anchors) else 0.5)


def _angle(asked: _Asked, candidate: Candidate, words: tuple[str, ...]) -> str:
    said = same_person(asked.said)
    speaks_of = same_person(candidate.anchors)
    if covers(words, asked.words):
        return "narrower"
    if _is_new(asked, candidate):
        return "new"
    if speaks_of > said and said and not asked.unexplained:
        return "narrower"
    if (speaks_of and speaks_of <= said) or covers(asked.words, words):
        return "broader"
    return "angle"


def _is_new(asked: _Asked, candidate: Candidate) -> bool:
    now = timezone.now()
    if candidate.source == "log" and candidate.created_at:
        return candidate.created_at > now - timedelta(days=FRESH_DAYS)
    latest = anchor("decade", decade(now.year))
    return latest in candidate.anchors and latest not in asked.said


def _is_worth(scored: _Scored, asked: _Asked, typed: tuple[str, ...]) -> bool:
    """Not the query again in other words, and not a title that is among the hits anyway."""
    candidate = scored.candidate
    speaks_of = same_person(candidate.anchors)
    says_the_same = bool(speaks_of) and not asked.unexplained and speaks_of == same_person(asked.said)
    is_a_hit = candidate.rule == "item_title" and asked.top_items.intersection(candidate.witnesses)
    return not (
        scored.score < LEAST_SCORE
        or says_the_same
        or is_a_hit
        or same_words(scored.words, asked.words)
        or same_words(scored.words, typed)
    )


def _diversify(scored: Sequence[_Scored], k: int) -> list[_Scored]:
    """The best `k` that repeat one another least, angles mixed."""
    chosen: list[_Scored] = []
    for limit_angles in (True, False):
        left = [each for each in scored if each not in chosen]
        while left and len(chosen) < k:
            kinds = Counter(each.candidate.rule for each in chosen)
            angles = Counter(each.angle for each in chosen)
            left = [
                each
                for each in left
                if kinds[each.candidate.rule] < MAX_OF_KIND
                and not (limit_angles and angles[each.angle] >= MAX_OF_KIND)
                and not any(same_words(each.words, other.words) for other in chosen)
            ]
            if left:
                best = max(left, key=lambda each: _worth(each, chosen))
                chosen.append(best)
                left.remove(best)
    return chosen


def _worth(scored: _Scored, chosen: Sequence[_Scored]) -> float:
    repeats = max((overlap(scored.words, other.words) for other in chosen), default=0.0)
    return scored.score * (1 - 0.5 * repeats)
