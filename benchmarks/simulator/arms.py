"""What is compared: ways of recommending queries, over the very same answers."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from catalog.profiles import current_profile
from catalog.types import QueryRecommendation, Viewer
from search import query_recommendation
from search.answerable import still_answered
from search.query_candidates import find_candidates, hit_facts
from search.query_meaning import said_anchors
from search.query_recommendation import recommend_queries
from search.query_sources.registry import SOURCES
from search.query_words import same_words, words_of

Recommend = Callable[..., tuple[QueryRecommendation, ...]]
MOST = query_recommendation.MAX_RECOMMENDED
WHOLE, NO_PILLS = "the whole", "no pills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way. `recommend` stands in for search.query_recommendation.recommend_queries().

    unavailable: why it cannot be run with this code, "" where it can.
    """

    name: str
    recommend: Recommend
    sources_off: tuple[str, ...] = ()
    unavailable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """The switches of recommend_queries(), where it has any."""

    switches: Mapping[str, Any] = field(default_factory=dict)

    def missing(self) -> str:
        """Why they cannot be used."""
        kind = getattr(query_recommendation, "RecommendOptions", None)
        names = set(getattr(kind, "__dataclass_fields__", {}))
        lacking = sorted(set(self.switches) - names)
        return f"recommend_queries() has no switch '{lacking[0]}'" if lacking else ""

    def recommend(self, **asked: Any) -> tuple[QueryRecommendation, ...]:
        """recommend_queries() with these switches."""
        kind: Any = getattr(query_recommendation, "RecommendOptions", None)
        return recommend_queries(**{**asked, "options": kind(**self.switches)})


def arms() -> list[Arm]:
    """All of them, the one without recommended queries first."""
    unlearned = _Options(switches={"ranker": False})
    impersonal = _Options(switches={"personal": False})
    has_personal = not impersonal.missing()
    return [
        Arm(name=NO_PILLS, recommend=no_pills),
        Arm(name=WHOLE, recommend=recommend_queries),
        Arm(name="popularity order", recommend=by_popularity),
        *(
            Arm(name=f"without {source.name}", recommend=recommend_queries,
                sources_off=(source.name,))
            for source in SOURCES
        ),
        Arm(
            name="personalisation off",
            recommend=impersonal.recommend if has_personal else as_nobody,
        ),
        Arm(
            name="learned ranker off",
            recommend=unlearned.recommend,
            unavailable=unlearned.missing(),
        ),
    ]  # fmt: skip


def no_pills(**asked: Any) -> tuple[QueryRecommendation, ...]:
    """Nothing."""
    return ()


def as_nobody(**asked: Any) -> tuple[QueryRecommendation, ...]:
    """What somebody unknown would be recommended."""
    return recommend_queries(**{**asked, "viewer": Viewer()})


def by_popularity(
    *, normalized: str, top_item_ids: Any, exact_title: bool, **asked: Any
) -> tuple[QueryRecommendation, ...]:
    """The same candidates, most popular first: neither score nor rules of variety.

    It keeps the promises: each is answered, none is the query itself, none above an exact title.
    """
    if exact_title or not normalized:
        return ()
    facts = hit_facts(top_item_ids, current_profile().name_attributes)
    words = words_of(normalized)
    said = said_anchors(words, facts).anchors
    found = find_candidates(facts=facts, said=said, words=normalized.split())
    found = [one for one in found if not same_words(words_of(one.normalized), words)]
    found.sort(key=lambda one: (-one.popularity, one.normalized))
    best = found[: query_recommendation.CHECKED]
    answered = still_answered([(one.normalized, one.witnesses) for one in best])
    return tuple(
        QueryRecommendation(
            text=one.text, source=one.source, score=one.popularity, answers=one.answers
        )
        for place, one in enumerate(best)
        if place in answered
    )[:MOST]


@contextlib.contextmanager
def switched_off(sources: tuple[str, ...]) -> Iterator[None]:
    """As if SEARCH_QUERY_SOURCES_OFF named these too."""
    before = settings.SEARCH_QUERY_SOURCES_OFF
    settings.SEARCH_QUERY_SOURCES_OFF = [*before, *sources]
    try:
        yield
    finally:
        settings.SEARCH_QUERY_SOURCES_OFF = before
