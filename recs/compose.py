"""Steps of sources into ranked items with their reasons; used by recommend and by the home rows."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from catalog.models import Item
from catalog.types import RankedItem
from recs.blend import Offer, blend
from recs.match_filter import FitFilter
from recs.recommenders import content, neighbours, new, popular, user_model
from recs.recommenders.base import Ask, Candidate, Recommender

# Candidates asked of a source for each place: some fall to the limit on creators.
SPARE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A source, its tier and its share (recs/blend.py)."""

    source: Recommender
    tier: int
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What blending and reasons need to know of an item."""

    title: str
    creators: tuple[str, ...]
    category: str
    year: int | None


@dataclass(slots=True)
class FactBook:
    """Facts of items, each read once in a request."""

    known: dict[int, ItemFacts] = field(default_factory=dict)

    def read(self, item_ids: Iterable[int]) -> None:
        """Read those that are not known yet, in one query; a hidden item's title is told nobody."""
        missing = set(item_ids) - self.known.keys()
        if not missing:
            return
        rows = Item.objects.visible().filter(pk__in=missing).order_by()
        for pk, title, creators, paths, year in rows.values_list(
            "pk", "title", "creators", "category_paths", "year"
        ):
            category = paths[0].split("/")[0] if paths else ""
            self.known[pk] = ItemFacts(
                title=title, creators=tuple(creators), category=category, year=year
            )


def compose(
    steps: Sequence[Step],
    ask: Ask,
    *,
    facts: FactBook,
    of_item: bool = False,
    fits: FitFilter | None = None,
) -> tuple[RankedItem, ...]:
    """At most `ask.k` items from these sources, best first.

    Sources without a share are asked only while candidates are missing, so the last ones, which
    reach every item of the catalog, see to it that a filter never answers too few.

    Args:
        steps: sources in order.
        ask: as each source gets it, but with room to spare and without what others proposed.
        facts: of the items; grows.
        of_item: the list hangs below an item, so that reasons speak of it and not of the viewer.
        fits: leaves out what does not fit the viewer, as long as others fill its place.
    """
    offers: list[Offer] = []
    found: set[int] = set()
    for step in steps:
        if len(found) >= ask.k and not step.share:
            continue
        candidates = step.source(
            replace(ask, k=ask.k * SPARE, excluded=ask.excluded | frozenset(found))
        )
        offers.append(Offer(candidates=candidates, tier=step.tier, share=step.share))
        found.update(candidate.item_id for candidate in candidates)
    if fits is not None:
        offers = _fitting(offers, fits, ask.k)
    seeds = {
        candidate.because.item_id
        for offer in offers
        for candidate in offer.candidates
        if candidate.because
    }
    facts.read(found | seeds)
    creators = {item_id: facts.known[item_id].creators for item_id in found & facts.known.keys()}
    return tuple(
        RankedItem(
            item_id=placed.candidate.item_id,
            position=position,
            score=round(placed.score, 6),
            source=placed.candidate.source,
            reason=reason(placed.candidate, facts, of_item=of_item),
            explanation=placed.candidate.explanation,
        )
        for position, placed in enumerate(blend(offers, k=ask.k, creators=creators), start=1)
    )


def _fitting(offers: Sequence[Offer], fits: FitFilter, k: int) -> list[Offer]:
    left_out = fits.without([one for offer in offers for one in offer.candidates], k)
    return [
        replace(offer, candidates=[one for one in offer.candidates if one.item_id not in left_out])
        for offer in offers
    ]


def reason(candidate: Candidate, facts: FactBook, *, of_item: bool) -> str:
    """A short sentence that is true of this candidate."""
    if candidate.because:
        seed = facts.known.get(candidate.because.item_id)
        return _because(candidate, candidate.because.verb, seed, of_item=of_item)
    if candidate.source == user_model.SOURCE:
        return "Fits what you chose lately"
    if candidate.source == popular.SOURCE:
        people = "one person" if candidate.people == 1 else f"{candidate.people} people"
        return f"Popular with {people}"
    return candidate.reason or _newness(facts.known.get(candidate.item_id))


def _because(candidate: Candidate, verb: str, seed: ItemFacts | None, *, of_item: bool) -> str:
    title = seed.title if seed else "something that is gone"
    if candidate.source == content.SOURCE:
        return f"Similar to {title} in theme and words"
    if of_item and candidate.source == neighbours.SOURCE:
        return f"{candidate.people} people liked both"
    return f"Because you {verb} {title}"


def _newness(facts: ItemFacts | None) -> str:
    return f"New, from {facts.year}" if facts and facts.year else "New here"


def of_category(source: Recommender, category: str) -> Recommender:
    """The same source within one category, where the ask does not name one itself."""

    def within(ask: Ask) -> list[Candidate]:
        if ask.filters.category:
            return []
        return source(replace(ask, filters=replace(ask.filters, category=(category,))))

    return within


# Tiers from the most to the least personal. The shares: on the home page a sixth, below an item a
# third is kept for what nobody has found yet, so that new items are seen at all.
ALSO_LIKED = functools.partial(Step, source=neighbours.also_liked, tier=3)
SIMILAR = functools.partial(Step, source=content.similar, tier=2)
POPULAR = functools.partial(Step, source=popular.popular, tier=1)
NEW = functools.partial(Step, source=new.new, tier=0)
