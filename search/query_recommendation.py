"""Queries worth trying next: candidates, features, order, mixture, and a place on the page.

    candidates   search.query_candidates, each with its stated score (search.query_scoring)
    order        the live ranker's chance that it is picked and leads to something wanted
                 (search.query_ranking, docs/query-recommendations.md), else the stated score
    mixture      narrower, broader, sideways, another category (search.query_mixing), with a share
                 for categories that are hardly known yet (search.cold_share)
    how many     search.placement

Never the query itself, its reordering or its correction, and nothing above an exact title. What
has no answer now is not shown (search.answerable).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from django.utils import timezone

from catalog.profiles import current_profile
from catalog.types import QueryEvidence, QueryRecommendation, Viewer
from search.answerable import still_answered
from search.cold_share import evidence, lot_of, with_cold, with_new
from search.placement import MOST, START, Placement, Signals, place
from search.places_to_start import places_to_start
from search.query_candidates import Candidate, find_candidates
from search.query_evidence import evidence_of
from search.query_features import PageFacts, live_features, spread
from search.query_mixing import Way, angle_of, best_of_each_rule, best_of_new, categories, diversify
from search.query_ranking import Orderer, orderer
from search.query_scoring import (
    Asked,
    Scored,
    is_worth,
    leads_back,
    own_candidates,
    own_queries,
    score,
    understand,
)
from search.query_sources.base import is_switched_on
from search.query_sources.onward import NAME as ONWARD
from search.query_sources.onward import neighbours
from search.query_sources.recent import NAME as RECENT
from search.query_sources.recent import RecentQuery
from search.query_taste import LEAST_SHARE, leads_of, worth_to
from search.query_wording import hints
from search.query_words import words_of
from search.text import normalize_query

__all__ = ("PageFacts", "RecommendOptions", "RecommendedQueries", "recommend")

MAX_RECOMMENDED = MOST
NO_PAGE = PageFacts()
# A reload shows the same; the next hour draws lots anew.
LOT_FORMAT = "%Y-%m-%dT%H"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendOptions:
    """Switches, so that each part can be taken away and measured.

    `sources_off`: names of sources. `ranker`: whether the live version orders. `personal`: whether
    the viewer counts at all. `cold`: whether places are kept for cold categories.
    """

    sources_off: Sequence[str] = ()
    ranker: bool = True
    personal: bool = True
    cold: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendedQueries:
    """The queries, where they belong on the page, and who ordered them.

    `version`: of the ranker, or "" with the code of why not in `fallback`.
    """

    queries: tuple[QueryRecommendation, ...]
    placement: Placement
    version: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One call with everything that its stages read."""

    asked: Asked
    viewer: Viewer
    page: PageFacts
    options: RecommendOptions
    typed: tuple[str, ...]
    own: dict[str, RecentQuery] = field(default_factory=dict)

    def is_off(self, source: str) -> bool:
        """Whether a source is off, here or everywhere."""
        return source in self.options.sources_off or not is_switched_on(source)


def recommend(  # noqa: PLR0913  what is asked, by whom, for which page, with which switches
    *,
    query: str,
    normalized: str,
    top_item_ids: Sequence[int],
    exact_title: bool,
    viewer: Viewer,
    k: int = MAX_RECOMMENDED,
    page: PageFacts = NO_PAGE,
    options: RecommendOptions | None = None,
) -> RecommendedQueries:
    """At most `k` queries worth trying after this one, best first.

    Args:
        query: what was typed.
        normalized: the normal form of what was searched, after correction.
        top_item_ids: the hits, best first.
        exact_title: the query is the title of one thing: nothing is put above it.
        viewer: whose recent searches may be among them.
        k: how many at most; the rule of search.placement may want fewer.
        page: what is known of the page that they are for.
        options: switches.

    Returns:
        Each of them answered by a visible item. For an empty query: places to start.
    """
    options = options or RecommendOptions()
    k = max(0, min(k, MAX_RECOMMENDED))
    if exact_title or not k:
        return RecommendedQueries(queries=(), placement=place(Signals(exact_title=exact_title)))
    if not normalized:
        placement = place(Signals(surface=START))
        queries = places_to_start(k=min(k, placement.count), off=options.sources_off)
        return RecommendedQueries(queries=queries, placement=placement)
    by = orderer(is_on=options.ranker)
    request = _request(query, normalized, top_item_ids, (viewer, page, options))
    placement = place(_signals(request), by.counts)
    queries = _recommended(request, by, normalized, min(k, placement.count))
    return RecommendedQueries(
        queries=queries, placement=placement, version=by.version, fallback=by.fallback
    )


def _request(
    query: str,
    normalized: str,
    top_item_ids: Sequence[int],
    who: tuple[Viewer, PageFacts, RecommendOptions],
) -> _Request:
    viewer, page, options = who
    is_known = options.personal and not viewer.is_nobody
    viewer = viewer if is_known else Viewer()
    request = _Request(
        asked=understand(normalized, top_item_ids),
        viewer=viewer,
        page=page,
        options=options,
        typed=words_of(normalize_query(query)),
    )
    if is_known and not request.is_off(RECENT):
        request.own.update(own_queries(viewer))
    return request


def _signals(request: _Request) -> Signals:
    page, ranking = request.page, request.page.ranking
    evenness, count, shared = spread(request.asked)
    has_best = ranking is not None and bool(len(ranking.ids))
    return Signals(
        surface=page.surface,
        is_typing=page.is_typing,
        hits=page.total,
        holds_words=page.holds_words,
        best_chance=ranking.chance(0) if has_best and ranking is not None else None,
        breadth=evenness,
        categories=count,
        shared=shared,
    )


def _recommended(
    request: _Request, by: Orderer, normalized: str, k: int
) -> tuple[QueryRecommendation, ...]:
    asked = request.asked
    found = _candidates(request, normalized)
    scored = [
        each
        for each in (score(asked, one) for one in found)
        if is_worth(each, asked, request.typed) and not leads_back(each, asked, request.page.total)
    ]
    features = live_features(
        asked, scored, page=request.page, own=request.own, is_nobody=request.viewer.is_nobody
    )
    worth, scored, features, leads = _worth(request, by, scored, features)
    kept = best_of_each_rule(scored, worth, best_of_new(asked, scored, leads, _hour()))
    titles = still_answered(
        [(scored[n].candidate.normalized, scored[n].candidate.witnesses) for n in kept]
    )
    shown = {kept[place]: names for place, names in titles.items()}
    ways = [Way(scored[n], worth[n], angle_of(asked, scored[n])) for n in kept if n in shown]
    places = [n for n in kept if n in shown]
    # Queries of new categories come in by the places that are kept for them, and by no others.
    known = [m for m, way in enumerate(ways) if not way.scored.is_of_new]
    best = [known[m] for m in diversify([ways[m] for m in known], k)]
    chosen = _with_cold(request, ways, best, k)
    lines = hints([(ways[m].scored.candidate, shown[places[m]]) for m in chosen], current_profile())
    groups = by.explain(features[[places[m] for m in chosen]], among=features)
    facts = [
        replace(
            _evidence(request, ways[m].scored),
            is_cold=m not in best,
            version=by.version,
            groups=parts,
        )
        for m, parts in zip(chosen, groups, strict=True)
    ]
    return tuple(
        _query(ways[m], line, features[places[m]], known)
        for m, line, known in zip(chosen, lines, facts, strict=True)
    )


def _evidence(request: _Request, scored: Scored) -> QueryEvidence:
    asked, candidate = request.asked, scored.candidate
    own = request.own.get(candidate.normalized)
    return replace(
        evidence_of(candidate, asked.facts, asked.hits, own=own, at=timezone.now()),
        keeps="all" if scored.keeps_all else "some" if scored.kept else "none",
        is_near=any(name in asked.near for name in candidate.anchors),
        surface=request.page.surface,
    )


def _worth(
    request: _Request, by: Orderer, scored: list[Scored], features: npt.NDArray[np.float32]
) -> tuple[list[float], list[Scored], npt.NDArray[np.float32], list[float] | None]:
    """What each is worth to who asks, without those that lead them to nothing; their leads."""
    stated = [each.score for each in scored]
    if by.served is not None:
        return by.worth(features, stated), scored, features, None
    leads = leads_of(request.viewer, [each.candidate for each in scored])
    if leads is None:
        return stated, scored, features, None
    stay = [n for n, each in enumerate(scored) if each.is_of_new or leads[n] >= LEAST_SHARE]
    worth = [worth_to(leads[n], stated[n]) for n in stay]
    return worth, [scored[n] for n in stay], features[stay], [leads[n] for n in stay]


def _query(
    way: Way, hint: str, features: npt.NDArray[np.float32], evidence: QueryEvidence
) -> QueryRecommendation:
    candidate = way.scored.candidate
    return QueryRecommendation(
        text=candidate.text,
        source=candidate.source,
        angle=way.angle,
        hint=hint,
        score=round(way.worth, 4),
        answers=candidate.answers,
        stated=round(way.scored.score, 4),
        features=tuple(round(float(each), 4) for each in features),
        evidence=evidence,
    )


def _candidates(request: _Request, normalized: str) -> list[Candidate]:
    """Of every source that is on; of two that say the same the viewer's own stays."""
    asked, ranking = request.asked, request.page.ranking
    is_near = ranking is not None and not request.is_off(ONWARD)
    found = find_candidates(
        facts=asked.facts,
        said=asked.said,
        words=normalized.split(),
        neighbours=neighbours(ranking.model, normalized) if ranking and is_near else {},
        off=request.options.sources_off,
    )
    return found + own_candidates(asked, request.own)


def _with_cold(request: _Request, ways: Sequence[Way], chosen: list[int], k: int) -> list[int]:
    if not request.options.cold:
        return chosen
    asked = request.asked
    seen = [_seen(asked, way.scored) for way in ways]
    waiting = [n for n in range(len(ways)) if n not in chosen]
    lot = lot_of(_hour(), *asked.words)
    new = {n: seen[n] or 0 for n, way in enumerate(ways) if way.scored.is_of_new}
    # Who is still typing is not led elsewhere: there it stands last, as what is cold does.
    if new and not request.page.is_typing:
        return with_new(chosen, waiting, new, k, lot)
    return with_cold(chosen, waiting, seen, k, lot)


def _hour() -> str:
    return timezone.now().strftime(LOT_FORMAT)


def _seen(asked: Asked, scored: Scored) -> int | None:
    """How often the category that it is to make known was shown."""
    named = categories(scored.candidate.anchors)
    new = [name for name in named if name in asked.facts.new]
    return evidence(new or named, asked.facts.shown)
