"""Queries worth trying next, ranked by a stated simple score.

    score = source * (0.25 coverage + 0.25 lift + 0.25 words * (1 + coverage) / 2
                      + 0.10 size + 0.15 popularity)

    coverage    share of the top hits that have everything the query speaks of, full at 40 %;
                COVERAGE_OF_LIKE for "films like" one of the hits
    lift        log of that share over the query's share of the catalog, full at a hundredfold
    words       share of the typed words that it keeps, rare words counting for more; half of it
                only where the hits bear it out
    size        log of how many items answer it, full at a hundred: one answer is no exploring;
                beyond a thousand it falls again, because that is browsing
    popularity  how wanted the answering items are
    source      SOURCE_WEIGHT

Then one after another the best is taken, its score lowered by up to half for what it repeats of
those already taken: at most MAX_OF_RULE of one rule and of all rules with a decade or a country
(one of those in ONCE),
and at most MAX_OF_ANGLE of one angle while other angles are left.
Never the query itself, its reordering or its correction, and nothing above an exact title.
A learned ranker takes this place later; candidates and rules of presentation stay.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
from search.query_meaning import (
    LEAST_SHARE_OF_SURNAME,
    PEOPLE,
    said_anchors,
    same_person,
)
from search.query_sources.base import anchor, is_switched_on, split_anchor
from search.query_sources.recent import NAME as RECENT
from search.query_sources.recent import Recent
from search.query_wording import hints
from search.query_words import covers, holds, overlap, same_words, words_of
from search.text import normalize_query

MAX_RECOMMENDED = 8
# Three decades in a row are one thing to explore, not three.
MAX_OF_RULE = 2
MAX_OF_ANGLE = 3
FRAMES = ("decade", "country")
# And a second likeness or a second bare genre adds little to the first.
ONCE = ("like", "category")
# How many of the best are checked and compared with one another, and how many of one rule: the
# facts that every hit has would leave no place for makers, lists and likenesses.
CHECKED = 32
CHECKED_OF_RULE = 6
SOURCE_WEIGHT = {"expansions": 1.0, "names": 1.0, "log": 0.9, "recent": 1.0, "titles": 0.6}
FULL_COVERAGE = 0.4
FULL_LIFT = 100
FULL_SIZE = 100
TOO_MANY = 1000
LEAST_SCORE = 0.35
# What a tenth of the hits do not share is chance, whoever it is.
LEAST_COVERAGE = 0.1
# "films like X", X being among the best hits: it answers none of them, and is about all of them.
COVERAGE_OF_LIKE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The query as it is understood."""

    words: tuple[str, ...]
    said: frozenset[str]  # anchors it names
    persons: frozenset[str]  # the same with people being one, whatever they did
    near: frozenset[str]  # decades beside those that it names
    unexplained: tuple[str, ...]  # words that no anchor explains
    weights: dict[str, float]  # its words, by how rare what they name is
    facts: HitFacts
    top_items: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: Candidate
    score: float
    coverage: float
    words: tuple[str, ...]
    persons: frozenset[str]
    adds: frozenset[str]  # what it speaks of and the query did not
    keeps_all: bool  # it means every word of the query, and more


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
    scored = [
        each for each in (_score(asked, one) for one in found) if _is_worth(each, asked, typed)
    ]
    scored.sort(key=lambda each: (-each.score, each.candidate.normalized))
    scored = _best_of_each_rule(scored)
    titles = still_answered([(s.candidate.normalized, s.candidate.witnesses) for s in scored])
    shown = {id(scored[n]): names for n, names in titles.items()}
    angled = [(each, _angle(asked, each)) for n, each in enumerate(scored) if n in titles]
    chosen = _diversify(angled, k)
    lines = hints([(each.candidate, shown[id(each)]) for each, _ in chosen], current_profile())
    return tuple(
        QueryRecommendation(
            text=each.candidate.text,
            source=each.candidate.source,
            angle=angle,
            hint=line,
            score=round(each.score, 4),
            answers=each.candidate.answers,
        )
        for (each, angle), line in zip(chosen, lines, strict=True)
    )


def _understand(normalized: str, top_item_ids: Sequence[int]) -> _Asked:
    words = words_of(normalized)
    facts = hit_facts(top_item_ids, current_profile().name_attributes)
    said = said_anchors(words, facts)
    unexplained = tuple(word for word in words if word not in said.explained)
    return _Asked(
        words=words,
        said=said.anchors,
        persons=same_person(said.anchors),
        near=frozenset(near for name in said.anchors for near in neighbouring_decades(name)),
        unexplained=unexplained,
        weights={
            word: log(2 + facts.items / max(1, facts.counts.get(said.explained.get(word, ""), 1)))
            for word in words
        },
        facts=facts,
        top_items=frozenset(top_item_ids),
    )


def _own(asked: _Asked, viewer: Viewer) -> list[Candidate]:
    """The viewer's own searches that share a word or a hit with this one."""
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
            popularity=1.0,  # with the one person who counts here
        )
        for own in Recent().of_viewer(viewer)
        if asked.top_items.intersection(own.witnesses)
        or any(holds(asked.words, word) for word in words_of(own.normalized))
    ]


def _score(asked: _Asked, candidate: Candidate) -> _Scored:
    words = words_of(candidate.normalized)
    coverage = _coverage(asked, candidate)
    fit = min(1.0, coverage / FULL_COVERAGE)
    lift = coverage * asked.facts.items / max(1, candidate.answers)
    meant = _words_meant(asked, candidate, words)
    kept = sum(weight for word, weight in asked.weights.items() if holds(meant, word))
    score = SOURCE_WEIGHT.get(candidate.source, 0.5) * (
        0.25 * fit
        + 0.25 * (min(1.0, log(lift) / log(FULL_LIFT)) if lift > 1 else 0.0)
        + 0.25 * kept / (sum(asked.weights.values()) or 1.0) * (1 + fit) / 2
        + 0.10 * _size(candidate.answers)
        + 0.15 * candidate.popularity
    )
    # Two queries about the person who was asked for repeat the question, not one another.
    persons = same_person(candidate.anchors)
    adds = persons - asked.persons if persons else frozenset(words) - frozenset(asked.words)
    keeps_all = covers(meant, asked.words)
    return _Scored(candidate, score, coverage, words, persons, adds, keeps_all)


def _words_meant(asked: _Asked, candidate: Candidate, words: tuple[str, ...]) -> tuple[str, ...]:
    """Its words without the names of people who have little to do with the hits.

    Arthur Space is in two of the hits for "space adventure"; that keeps no word of the question.
    """
    for name in candidate.anchors:
        kind, value = split_anchor(name)
        if kind in PEOPLE and asked.facts.share([name]) < LEAST_SHARE_OF_SURNAME:
            names = words_of(normalize_query(value))
            words = tuple(word for word in words if word not in names)
    return words


def _size(answers: int) -> float:
    """From one answer to enough to explore, and down again where it is half the catalog."""
    full = min(1.0, log(1 + answers) / log(1 + FULL_SIZE))
    return full if answers <= TOO_MANY else full * TOO_MANY / answers


def _coverage(asked: _Asked, candidate: Candidate) -> float:
    """Share of the hits that have all its anchors; without anchors, that are its witnesses."""
    if not candidate.anchors:
        return len(asked.top_items.intersection(candidate.witnesses)) / max(
            1, min(len(candidate.witnesses), asked.facts.hits)
        )
    if candidate.rule == "like":
        return COVERAGE_OF_LIKE
    rest = [name for name in candidate.anchors if name not in asked.near]
    # The decade next to the one that was named covers none of the hits, and is half as near.
    return asked.facts.share(rest) * (1.0 if len(rest) == len(candidate.anchors) else 0.5)


def _angle(asked: _Asked, scored: _Scored) -> str:
    adds_to_what_was_said = (
        scored.persons > asked.persons and asked.persons and not asked.unexplained
    )
    if scored.keeps_all:
        return "narrower"
    if _is_new(asked, scored.candidate):
        return "new"
    if (scored.persons and scored.persons <= asked.persons) or covers(asked.words, scored.words):
        return "broader"
    return "narrower" if adds_to_what_was_said else "angle"


def _is_new(asked: _Asked, candidate: Candidate) -> bool:
    latest = anchor("decade", decade(timezone.now().year))
    return candidate.is_fresh or (latest in candidate.anchors and latest not in asked.said)


def _is_worth(scored: _Scored, asked: _Asked, typed: tuple[str, ...]) -> bool:
    """Not the query again in other words, and not a title that is among the hits anyway."""
    candidate = scored.candidate
    says_the_same = (
        bool(scored.persons) and not asked.unexplained and scored.persons == asked.persons
    )
    is_a_hit = candidate.rule == "item_title" and asked.top_items.intersection(candidate.witnesses)
    return not (
        scored.score < LEAST_SCORE
        or (candidate.anchors and scored.coverage < LEAST_COVERAGE and not scored.keeps_all)
        or _is_namesake(asked, candidate)
        or says_the_same
        or is_a_hit
        or same_words(scored.words, asked.words)
        or same_words(scored.words, typed)
    )


def _is_namesake(asked: _Asked, candidate: Candidate) -> bool:
    """It names somebody who is among the hits for a word of the name: Arthur Space, for "space"."""
    for name in candidate.anchors:
        kind, value = split_anchor(name)
        if kind in PEOPLE and name not in asked.said:
            names = words_of(normalize_query(value))
            if any(holds(names, word) for word in asked.words):
                return True
    return False


def _best_of_each_rule(scored: Sequence[_Scored]) -> list[_Scored]:
    kept: list[_Scored] = []
    rules: Counter[str] = Counter()
    for each in scored:
        rules[each.candidate.rule] += 1
        if rules[each.candidate.rule] <= CHECKED_OF_RULE:
            kept.append(each)
    return kept[:CHECKED]


def _diversify(scored: Sequence[tuple[_Scored, str]], k: int) -> list[tuple[_Scored, str]]:
    """The best `k` that repeat one another least, angles mixed."""
    chosen: list[tuple[_Scored, str]] = []
    kinds: Counter[str] = Counter()
    angles: Counter[str] = Counter()
    for limit_angles in (True, False):
        taken = {id(each) for each, _ in chosen}
        # What each would be worth now: only ever lowered, by what has just been chosen.
        worth = {
            n: each.score * _novelty(each, [other for other, _ in chosen])
            for n, (each, _) in enumerate(scored)
            if id(each) not in taken
        }
        while worth and len(chosen) < k:
            best = max(worth, key=lambda n: worth[n])
            del worth[best]
            each, angle = scored[best]
            rule = each.candidate.rule
            shared = {rule, *(frame for frame in FRAMES if frame in rule)}
            full = any(kinds[one] >= (1 if one in ONCE else MAX_OF_RULE) for one in shared)
            if full or (limit_angles and angles[angle] >= MAX_OF_ANGLE):
                continue
            chosen.append((each, angle))
            kinds.update(shared)
            angles[angle] += 1
            for n in list(worth):
                other = scored[n][0]
                if same_words(other.words, each.words):
                    del worth[n]
                else:
                    worth[n] = min(worth[n], other.score * _novelty(other, [each]))
    return chosen


def _novelty(scored: _Scored, chosen: Sequence[_Scored]) -> float:
    repeats = max((overlap(scored.adds, other.adds) for other in chosen), default=0.0)
    return 1 - 0.5 * repeats
