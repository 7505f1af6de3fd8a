"""Why a query is recommended, as facts: from what its choice was made of, with no statement more.

What may not be told is not among them: how many people typed a query is 0 below
settings.SEARCH_MIN_PEOPLE_PER_QUERY, and where people went on to is known of as many (the links,
search.query_sources.onward).
"""

from datetime import datetime

from catalog.types import QueryEvidence
from search.query_candidates import Candidate, HitFacts
from search.query_sources.base import split_anchor
from search.query_sources.log import NAME as LOG
from search.query_sources.onward import NAME as ONWARD
from search.query_sources.recent import NAME as RECENT
from search.query_sources.recent import RecentQuery

# Kinds of anchors that name somebody.
PEOPLE = ("creator", "name")
SECONDS_A_DAY = 86_400.0


def evidence_of(
    candidate: Candidate,
    facts: HitFacts,
    hits: frozenset[int],
    *,
    own: RecentQuery | None = None,
    at: datetime | None = None,
) -> QueryEvidence:
    """What speaks for one candidate, as far as its store and the hits tell.

    Args:
        candidate: the query.
        facts: what the best hits share.
        hits: these, by key.
        own: the viewer's own search of the same words, None where there is none.
        at: the moment of the answer.
    """
    people = [name for name in candidate.anchors if split_anchor(name)[0] in PEOPLE]
    return QueryEvidence(
        sources=sources_of(candidate, is_own=own is not None),
        rule=candidate.rule,
        people=candidate.people_told,
        hits=facts.hits,
        shared=_shared(candidate, facts, hits),
        made=max((_held(facts, [name]) for name in people), default=0),
        went_on=candidate.onward,
        nearness=candidate.neighbour,
        own_days=_days(own, at),
    )


def evidence_of_start(candidate: Candidate, *, is_cold: bool) -> QueryEvidence:
    """What speaks for a place to start, where nothing was asked."""
    return QueryEvidence(
        sources=sources_of(candidate, is_own=False),
        rule=candidate.rule,
        people=candidate.people_told,
        is_cold=is_cold,
        surface="start",
    )


def sources_of(candidate: Candidate, *, is_own: bool) -> tuple[str, ...]:
    """Every source that offers it: that of the store, and those that point at it."""
    pairs = (
        (candidate.source, True),
        (candidate.stored, bool(candidate.stored)),
        (LOG, candidate.people_told > 0),
        (ONWARD, candidate.onward > 0 or candidate.neighbour > 0),
        (RECENT, is_own),
    )
    return tuple(dict.fromkeys(name for name, is_so in pairs if is_so))


def _days(own: RecentQuery | None, at: datetime | None) -> float | None:
    if own is None or at is None:
        return None
    return max(0.0, (at - own.time).total_seconds() / SECONDS_A_DAY)


def _held(facts: HitFacts, names: list[str]) -> int:
    return round(facts.share(names) * facts.hits)


def _shared(candidate: Candidate, facts: HitFacts, hits: frozenset[int]) -> int:
    """How many of the best hits have all that it speaks of; without anchors, answer it best."""
    if not candidate.anchors:
        return len(hits.intersection(candidate.witnesses))
    return _held(facts, list(candidate.anchors))
