"""The unified model over what words and meaning found: a personal order, with the reasons it had.

What matches the words stays, and a title typed in full stays first: the model puts the rest in
order, and adds what it finds near itself where the words are not what decides. Where the version
has a cut of its own (recs.match_cut), that one decides what is near enough to be part of the set.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.errors import ProjectError
from catalog.filters import ItemFilters
from catalog.models import Item
from recs import match_cut
from recs.history import History, TasteItem, read_history
from recs.ml.unified.match_cut import MatchCut
from recs.models import ModelVersion
from recs.surfaces import Mixing, mixing
from recs.unified import Choosing, Ranking, UnifiedAsk, choosing, sentence
from search.candidates import load_candidates
from search.fusion import BANDS, Scored
from search.hits import Told
from search.tsquery import ParsedQuery, excluded_terms
from search.types import HitSource, SearchRequest

SURFACE = "search"
# Found by nearness alone: what a cut decides about.
BY_NEARNESS = HitSource.DENSE
# The best by fusion so many are ranked anew; the others follow in their order.
RANKED = 500
# So many that only the model finds may join the candidates.
MOST_ADDED = 20
# Scores at and above it belong to titles that were typed in full.
TITLES_FROM = BANDS["exact"][0]
# While somebody types, a title that begins so is what is meant most often.
TITLES_FROM_TYPING = BANDS["prefix"][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """What lies near a query in meaning.

    `ids`: the nearest, uncut. `beyond`: gives those beyond the floors of nearness, as candidates.
    `is_settled`: the set is known already, and nothing joins or leaves it.
    """

    ids: Sequence[int] = ()
    beyond: Callable[[], list[Scored]] = list
    is_settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The candidates in the model's order, or as they were with the code of why.

    `places`: of the ranking, by item.
    """

    scored: list[Scored]
    model_version: str = ""
    fallback: str = ""
    ranking: Ranking | None = None
    places: Mapping[int, int] = field(default_factory=dict)
    taste: Sequence[TasteItem] = ()
    # The live match filter (search.match_filter).
    match_filter: ModelVersion | None = None

    def told(self, item_ids: Sequence[int]) -> dict[int, Told]:
        """A sentence and the numbers for each of these that the model ranked."""
        if self.ranking is None:
            return {}
        known = [item_id for item_id in item_ids if item_id in self.places]
        reasons = self.ranking.reasons([self.places[item_id] for item_id in known], self.taste)
        seeds = [reason.seed.item_id for reason in reasons if reason.seed]
        titles = dict(Item.objects.visible().filter(pk__in=seeds).values_list("pk", "title"))
        return {
            item_id: Told(sentence(reason, titles), reason.explanation)
            for item_id, reason in zip(known, reasons, strict=True)
        }


NOTHING_NEAR = Near()


def reorder(
    scored: list[Scored],
    query: ParsedQuery,
    request: SearchRequest,
    *,
    within: ItemFilters | None = None,
    near: Near = NOTHING_NEAR,
    answering: Choosing | None = None,
) -> Learned:
    """The candidates by the unified model, where it answers this viewer's searches.

    `within`: what all of them pass, and what the model finds beside them must pass. `near`: what
    the version's cut decides about. `answering`: what answers in place of what the switch says.
    """
    chosen = answering or choosing(SURFACE, request.viewer)
    found = _ordered(chosen, scored, query, request, within or ItemFilters(), near)
    return replace(found, match_filter=chosen.match_filter)


def _ordered(
    chosen: Choosing,
    scored: list[Scored],
    query: ParsedQuery,
    request: SearchRequest,
    within: ItemFilters,
    near: Near,
) -> Learned:
    if chosen.fallback:
        return Learned(scored=scored, fallback=chosen.fallback)
    history = read_history(viewer=request.viewer)
    cut = match_cut.cut_of(chosen.version) if chosen.version and not near.is_settled else None
    beyond = near.beyond() if cut and _is_open(scored, query) else []
    asked = [*(one.candidate.item_id for one in scored[:RANKED]), *(near.ids if cut else ())]
    try:
        ask = _ask(scored, query, request, history, within)
        ranking = chosen.rank(replace(ask, also=list(dict.fromkeys(asked))))
        kept = _Kept(ranking=ranking, cut=cut, nearest=near.ids)
        matching = [*kept.of(scored), *kept.of(beyond)]
        added = _added(matching, kept, query, request) if _is_open(matching, query) else []
        joined = [*matching, *added]
        if reason := chosen.why_not_with(history):
            # The set that everybody is shown, in the order in which words and meaning found it.
            as_found = sorted(joined, key=lambda one: -one.score)
            return Learned(scored=as_found, fallback=reason)
        return _reordered(joined, query, request, ranking, history)
    except ProjectError as error:
        return Learned(scored=scored, fallback=error.code)


def _is_open(scored: list[Scored], query: ParsedQuery) -> bool:
    """Whether what only the model finds may join the candidates."""
    return not query.phrases and not any(one.source is HitSource.EXACT_TITLE for one in scored)


def _ask(
    scored: list[Scored],
    query: ParsedQuery,
    request: SearchRequest,
    history: History,
    within: ItemFilters,
) -> UnifiedAsk:
    return UnifiedAsk(
        surface=SURFACE,
        viewer=request.viewer,
        history=history,
        text=query.text,
        filters=within,
        excluded=history.unwanted,
        only_also=not _is_open(scored, query),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What of a ranking is part of the set though it lacks words.

    A version without a cut of its own leaves the floors of nearness alone, and bounds what it adds.
    """

    ranking: Ranking
    cut: MatchCut | None
    nearest: Sequence[int]

    def of(self, scored: Sequence[Scored]) -> list[Scored]:
        """These, without those that are near and not near enough."""
        if self.cut is None:
            return list(scored)
        tail = [one.candidate.item_id for one in scored if one.source == BY_NEARNESS]
        passing = self.passing(tail)
        return [
            one for one in scored
            if one.source != BY_NEARNESS or one.candidate.item_id in passing
        ]  # fmt: skip

    def passing(self, item_ids: Sequence[int]) -> Collection[int]:
        """Those whose chance of being a good match clears the version's threshold."""
        places = {item_id: place for place, item_id in enumerate(self.ranking.ids)}
        known = [item_id for item_id in item_ids if item_id in places]
        if self.cut is None or not known:
            return frozenset()
        read = match_cut.features_of(
            self.ranking, [places[item_id] for item_id in known], self.nearest
        )
        passes = self.cut.keeps(read).tolist()
        return frozenset(item_id for item_id, is_in in zip(known, passes, strict=True) if is_in)

    def fitting(self) -> list[int]:
        """What the model found and is good enough, best first.

        By the version's cut, or as well as three of four things that were chosen before.
        """
        ids, ranking = self.ranking.ids, self.ranking
        if self.cut is not None:
            passing = self.passing(ids)
            return [item_id for item_id in ids if item_id in passing]
        cutoff = ranking.model.cutoffs.get(SURFACE)
        if cutoff is None:
            return []
        fits = (ranking.vectors @ ranking.question.stranger[0] >= cutoff).tolist()
        return [item_id for item_id, is_in in zip(ids, fits, strict=True) if is_in]


def _reordered(
    joined: list[Scored],
    query: ParsedQuery,
    request: SearchRequest,
    ranking: Ranking,
    history: History,
) -> Learned:
    places = {item_id: place for place, item_id in enumerate(ranking.ids)}
    bound = TITLES_FROM_TYPING if request.is_typing else TITLES_FROM
    titled = [one for one in joined if one.score >= bound]
    rest = [one for one in joined if one.score < bound]
    known = [one for one in rest if one.candidate.item_id in places]
    known.sort(key=lambda one: (_is_beside(one, query), places[one.candidate.item_id]))
    known = _mixed(known, ranking, places, mixing(SURFACE))
    unknown = [one for one in rest if one.candidate.item_id not in places]
    return Learned(
        scored=[*titled, *_rescored([*known, *unknown], bound)],
        model_version=ranking.version.name,
        ranking=ranking,
        places=places,
        taste=history.taste,
    )


def _is_beside(one: Scored, query: ParsedQuery) -> bool:
    """Whether it stands behind what a synonym finds: editors said what the words mean."""
    return bool(query.also) and not one.source.is_lexical


def _added(
    scored: list[Scored], kept: _Kept, query: ParsedQuery, request: SearchRequest
) -> list[Scored]:
    """What only the model found, where it fits as well as things that were chosen before.

    Whether it fits is asked of the request as a stranger's: taste puts in order what the words
    ask for, and brings in nothing else.
    """
    # Letters that mean nothing have neighbours too: the model adds to what words or meaning found.
    if not query.asked or not scored:
        return []
    there = {one.candidate.item_id for one in scored}
    near = [item_id for item_id in kept.fitting() if item_id not in there][:MOST_ADDED]
    facts = load_candidates(near, excluded=excluded_terms(query), filters=request.filters)
    return [Scored(facts[item_id], HitSource.UNIFIED, 0.0) for item_id in near if item_id in facts]


def _mixed(
    known: list[Scored], ranking: Ranking, places: Mapping[int, int], mix: Mixing
) -> list[Scored]:
    """The first of them mixed as the surface wants it."""
    if mix.is_off or not known:
        return known
    order = [places[one.candidate.item_id] for one in known]
    part = replace(
        ranking,
        ids=tuple(ranking.ids[place] for place in order),
        logits=ranking.logits[order],
        features=ranking.features[order],
        vectors=ranking.vectors[order],
        rows=ranking.rows[order],
    )
    first = part.mixed(mix, min(len(known), 100))
    picked = set(first)
    return [
        *(known[place] for place in first),
        *(one for place, one in enumerate(known) if place not in picked),
    ]


def _rescored(ordered: list[Scored], bound: float) -> list[Scored]:
    """Scores that fall with the order, below those of titles."""
    count = max(1, len(ordered))
    return [
        replace(one, score=round(bound * (1.0 - (place + 1) / (count + 1)), 6))
        for place, one in enumerate(ordered)
    ]
