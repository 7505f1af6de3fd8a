"""Candidates for query recommendations against what was asked: the stated score, and what is out.

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

Never the query itself, its reordering or its correction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from catalog.profiles import current_profile
from catalog.types import Viewer
from search.query_candidates import Candidate, HitFacts, hit_facts, neighbouring_decades
from search.query_meaning import LEAST_SHARE_OF_SURNAME, PEOPLE, said_anchors, same_person
from search.query_sources.base import split_anchor
from search.query_sources.recent import NAME as RECENT
from search.query_sources.recent import Recent, RecentQuery
from search.query_words import covers, holds, same_words, words_of
from search.text import normalize_query

SOURCE_WEIGHT = {
    "expansions": 1.0, "names": 1.0, "onward": 0.95, "log": 0.9, "recent": 1.0,
    "llm": 0.8, "titles": 0.6,
}  # fmt: skip
FULL_COVERAGE = 0.4
FULL_LIFT = 100
FULL_SIZE = 100
TOO_MANY = 1000
LEAST_SCORE = 0.35
# What a tenth of the hits do not share is chance, whoever it is.
LEAST_COVERAGE = 0.1
# "films like X", X being among the best hits: it answers none of them, and is about all of them.
COVERAGE_OF_LIKE = 0.25
# Sets that differ by no more than this in size, of which the hits fit both, are one.
SAME_SIZE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The query as it is understood."""

    words: tuple[str, ...]
    said: frozenset[str]  # anchors it names
    persons: frozenset[str]  # the same with people being one, whatever they did
    near: frozenset[str]  # decades beside those that it names
    unexplained: tuple[str, ...]  # words that no anchor explains
    weights: dict[str, float]  # its words, by how rare what they name is
    facts: HitFacts
    top_items: tuple[int, ...]

    @property
    def hits(self) -> frozenset[int]:
        """The same in no order."""
        return frozenset(self.top_items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate, its stated score, and what that was made of."""

    candidate: Candidate
    score: float
    coverage: float
    lift: float
    kept: float  # share of the typed words, rare ones counting for more
    words: tuple[str, ...]
    persons: frozenset[str]
    adds: frozenset[str]  # what it speaks of and the query did not
    keeps_all: bool  # it means every word of the query, and more
    is_of_new: bool = False  # it speaks of a category that is new to everybody


def understand(normalized: str, top_item_ids: Sequence[int]) -> Asked:
    """The query with what its best hits share."""
    words = words_of(normalized)
    facts = hit_facts(top_item_ids, current_profile().name_attributes)
    said = said_anchors(words, facts)
    unexplained = tuple(word for word in words if word not in said.explained)
    return Asked(
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
        top_items=tuple(top_item_ids),
    )


def own_candidates(asked: Asked, own: Mapping[str, RecentQuery]) -> list[Candidate]:
    """The viewer's own searches that share a word or a hit with this one."""
    hits = asked.hits
    return [
        Candidate(
            text=one.text,
            normalized=one.normalized,
            source=RECENT,
            rule=RECENT,
            answers=one.answers,
            witnesses=one.witnesses,
            first_hits=one.witnesses,
            popularity=1.0,  # with the one person who counts here
        )
        for one in own.values()
        if hits.intersection(one.witnesses)
        or any(holds(asked.words, word) for word in words_of(one.normalized))
    ]


def own_queries(viewer: Viewer) -> dict[str, RecentQuery]:
    """The viewer's own searches by their normal form, newest first; nobody has none."""
    return {one.normalized: one for one in Recent().of_viewer(viewer)}


def score(asked: Asked, candidate: Candidate) -> Scored:
    """The stated score: see the head of this file."""
    words = words_of(candidate.normalized)
    coverage = _coverage(asked, candidate)
    fit = min(1.0, coverage / FULL_COVERAGE)
    lift = coverage * asked.facts.items / max(1, candidate.answers)
    meant = _words_meant(asked, candidate, words)
    kept = sum(weight for word, weight in asked.weights.items() if holds(meant, word))
    kept /= sum(asked.weights.values()) or 1.0
    stated = SOURCE_WEIGHT.get(candidate.source, 0.5) * (
        0.25 * fit
        + 0.25 * (min(1.0, log(lift) / log(FULL_LIFT)) if lift > 1 else 0.0)
        + 0.25 * kept * (1 + fit) / 2
        + 0.10 * _size(candidate.answers)
        + 0.15 * candidate.popularity
    )
    # Two queries about the person who was asked for repeat the question, not one another.
    persons = same_person(candidate.anchors)
    return Scored(
        candidate=candidate,
        score=stated,
        coverage=coverage,
        lift=lift,
        kept=kept,
        words=words,
        persons=persons,
        adds=persons - asked.persons if persons else frozenset(words) - frozenset(asked.words),
        keeps_all=covers(meant, asked.words),
        is_of_new=any(name in asked.facts.new for name in candidate.anchors),
    )


def _words_meant(asked: Asked, candidate: Candidate, words: tuple[str, ...]) -> tuple[str, ...]:
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


def _coverage(asked: Asked, candidate: Candidate) -> float:
    """Share of the hits that have all its anchors; without anchors, that are its witnesses."""
    if not candidate.anchors:
        return len(asked.hits.intersection(candidate.witnesses)) / max(
            1, min(len(candidate.witnesses), asked.facts.hits)
        )
    if candidate.rule == "like":
        return COVERAGE_OF_LIKE
    rest = [name for name in candidate.anchors if name not in asked.near]
    # The decade next to the one that was named covers none of the hits, and is half as near.
    return asked.facts.share(rest) * (1.0 if len(rest) == len(candidate.anchors) else 0.5)


def is_worth(scored: Scored, asked: Asked, typed: tuple[str, ...]) -> bool:
    """Not the query again in other words, and not a title that is among the hits anyway."""
    candidate = scored.candidate
    says_the_same = (
        bool(scored.persons) and not asked.unexplained and scored.persons == asked.persons
    )
    is_a_hit = candidate.rule == "item_title" and asked.hits.intersection(candidate.witnesses)
    return not (
        (scored.score < LEAST_SCORE and not candidate.onward and not scored.is_of_new)
        or (
            candidate.anchors
            and scored.coverage < LEAST_COVERAGE
            and not scored.keeps_all
            and not candidate.onward
            and not scored.is_of_new
        )
        or _is_namesake(asked, candidate)
        or says_the_same
        or is_a_hit
        or same_words(scored.words, asked.words)
        or same_words(scored.words, typed)
    )


def leads_back(scored: Scored, asked: Asked, total: int) -> bool:
    """It finds what one looks at: every hit fits it, and it finds as many as there are.

    "romance comedy" beside "romantic comedy" is another word, and no other films. What says less
    than the query stays, as one does not see that it finds no more.

    Args:
        scored: one with anchors, else nothing is known of the hits.
        asked: with the facts of the first hits.
        total: hits in all, 0 where nobody knows.
    """
    candidate = scored.candidate
    return (
        bool(total and candidate.anchors)
        and not asked.said.issuperset(candidate.anchors)
        and asked.facts.share(candidate.anchors) == 1.0
        and abs(candidate.answers - total) <= SAME_SIZE * total
    )


def _is_namesake(asked: Asked, candidate: Candidate) -> bool:
    """It names somebody who is among the hits for a word of the name: Arthur Space, for "space"."""
    for name in candidate.anchors:
        kind, value = split_anchor(name)
        if kind in PEOPLE and name not in asked.said:
            names = words_of(normalize_query(value))
            if any(holds(names, word) for word in asked.words):
                return True
    return False
