"""What is compared: ways of recommending queries, over the very same answers."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings

from catalog.profiles import current_profile
from catalog.types import QueryRecommendation
from recs import registry
from search.answerable import still_answered
from search.placement import MOST, Signals, place
from search.query_candidates import find_candidates, hit_facts
from search.query_meaning import said_anchors
from search.query_mixing import CHECKED
from search.query_ranking import KIND
from search.query_recommendation import RecommendedQueries, RecommendOptions, recommend
from search.query_sources.registry import SOURCES
from search.query_words import same_words, words_of

Recommend = Callable[..., RecommendedQueries]
WHOLE, NO_PILLS = "the whole", "no pills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way. `recommend` stands in for search.query_recommendation.recommend().

    unavailable: why it cannot be run here, "" where it can.
    """

    name: str
    recommend: Recommend
    sources_off: tuple[str, ...] = ()
    unavailable: str = ""


def arms() -> list[Arm]:
    """All of them, the one without recommended queries first."""
    impersonal = partial(recommend, options=RecommendOptions(personal=False))
    unlearned = partial(recommend, options=RecommendOptions(ranker=False))
    has_ranker = registry.live(KIND) is not None
    return [
        Arm(name=NO_PILLS, recommend=no_pills),
        Arm(name=WHOLE, recommend=recommend),
        Arm(name="popularity order", recommend=by_popularity),
        *(
            Arm(name=f"without {source.name}", recommend=recommend, sources_off=(source.name,))
            for source in SOURCES
        ),
        Arm(name="personalisation off", recommend=impersonal),
        Arm(
            name="learned ranker off",
            recommend=unlearned,
            unavailable="" if has_ranker else "no ranker was learned here",
        ),
    ]


def no_pills(**asked: Any) -> RecommendedQueries:
    """Nothing."""
    return _placed(())


def by_popularity(
    *, normalized: str, top_item_ids: Any, exact_title: bool, **asked: Any
) -> RecommendedQueries:
    """The same candidates, most popular first: neither score nor rules of variety.

    It keeps the promises: each is answered, none is the query itself, none above an exact title.
    """
    if exact_title or not normalized:
        return _placed(())
    facts = hit_facts(top_item_ids, current_profile().name_attributes)
    words = words_of(normalized)
    said = said_anchors(words, facts).anchors
    found = find_candidates(facts=facts, said=said, words=normalized.split())
    found = [one for one in found if not same_words(words_of(one.normalized), words)]
    found.sort(key=lambda one: (-one.popularity, one.normalized))
    best = found[:CHECKED]
    answered = still_answered([(one.normalized, one.witnesses) for one in best])
    queries = tuple(
        QueryRecommendation(
            text=one.text, source=one.source, score=one.popularity, answers=one.answers
        )
        for place_of_it, one in enumerate(best)
        if place_of_it in answered
    )
    return _placed(queries[:MOST])


def _placed(queries: tuple[QueryRecommendation, ...]) -> RecommendedQueries:
    return RecommendedQueries(queries=queries, placement=place(Signals()))


@contextlib.contextmanager
def switched_off(sources: tuple[str, ...]) -> Iterator[None]:
    """As if SEARCH_QUERY_SOURCES_OFF named these too."""
    before = settings.SEARCH_QUERY_SOURCES_OFF
    settings.SEARCH_QUERY_SOURCES_OFF = [*before, *sources]
    try:
        yield
    finally:
        settings.SEARCH_QUERY_SOURCES_OFF = before
