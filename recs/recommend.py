"""What to show next: one function for pages and API, on every surface."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from catalog.answers import AnswerInput, log_answer
from catalog.errors import InvalidInput
from catalog.filters import ItemFilters
from catalog.models import Answer
from catalog.types import RankedItem, Viewer
from recs import home
from recs.compose import ALSO_LIKED, NEW, POPULAR, SIMILAR, FactBook, Step, compose, of_category
from recs.history import History, TasteItem, history_of_items, read_history
from recs.home import HomeRow
from recs.match_filter import FitFilter, fit_filter
from recs.recommenders.base import Ask
from recs.recommenders.popular import popular
from recs.recommenders.user_model import Picking
from recs.unified import choosing
from recs.unified_source import UnifiedSource

SURFACES = ("home", "item", "session")
MAX_K = 100
# Why no model chose, in answers. The last four are of the surface's switch (recs/surfaces.py).
FALLBACKS = (
    "not_asked", "no_history", "unknown_items", "no_live_version", "unusable_version",
    "switched_off", "control", "not_better", "not_better_for_strangers",
)  # fmt: skip

FOR_SOMEBODY = (ALSO_LIKED(share=5 / 6), SIMILAR(share=1 / 6), POPULAR(), NEW())
FOR_NOBODY = (POPULAR(share=3 / 4), NEW(share=1 / 4))
FOR_SESSION = (ALSO_LIKED(share=2 / 3), SIMILAR(share=1 / 3), POPULAR(), NEW())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendRequest:
    """What is asked. `session_item_ids` stand in the order in which they were looked at."""

    surface: str
    viewer: Viewer = field(default_factory=Viewer)
    item_id: int | None = None
    session_item_ids: tuple[int, ...] = ()
    k: int = 12
    filters: ItemFilters = field(default_factory=ItemFilters)
    exclude_seen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendations:
    """The answer; events carry its `query_id`.

    `model_version`: of the model that chose among the hits, the unified one or on the home page the
    user model, else "". `fallback`: the code of why none did, one of FALLBACKS.
    """

    query_id: UUID
    surface: str
    hits: tuple[RankedItem, ...]
    model_version: str = ""
    fallback: str = ""


def recommend(request: RecommendRequest) -> Recommendations:
    """Items for a surface, best first, each with its source and a reason; logged.

    Fewer than k come back only where fewer visible items pass the filters and are not excluded.

    Raises:
        InvalidInput: names what is missing or cannot be read.
    """
    _check(request)
    started = time.perf_counter()
    history = read_history(viewer=request.viewer)
    picked = _picking(request, history)
    # Only the home surface is about the viewer's taste as a whole.
    is_home = request.surface == "home" or (
        request.surface == "session" and not request.session_item_ids
    )
    fits = fit_filter("home", history, picked.match_filter) if is_home else None
    hits = _hits(request, history, picked, fits)
    answer = Recommendations(
        query_id=uuid4(),
        surface=request.surface,
        hits=hits,
        model_version=picked.model_version,
        fallback=picked.fallback,
    )
    log_answer(
        answer=AnswerInput(
            query_id=answer.query_id,
            kind=Answer.Kind.RECOMMEND,
            surface=request.surface,
            total=len(hits),
            viewer=request.viewer,
            filters=_logged_filters(request),
            about_item=request.item_id if request.surface == "item" else None,
            hits=home.logged_hits(hits),
            latency_ms=(time.perf_counter() - started) * 1000,
            model_version=answer.model_version,
            fallback=answer.fallback,
            dropped=fits.logged() if fits else (),
        )
    )
    return answer


def home_rows(viewer: Viewer) -> list[HomeRow]:
    """Up to seven rows of the home page for this viewer; none is empty. Logged."""
    return home.home_rows(viewer)


def more_like(item_id: int, viewer: Viewer, k: int = 12) -> Recommendations | None:
    """What hangs below an item on its page, logged; None where the unified model does not answer.

    What the viewer chose before stays in: who looks at an item may want to find it again.
    """
    chosen = choosing("similar", viewer)
    # Who it is matters only where strangers are answered otherwise.
    if chosen.why_not_with(History()) and chosen.why_not_with(read_history(viewer=viewer)):
        return None
    return recommend(
        RecommendRequest(surface="item", viewer=viewer, item_id=item_id, k=k, exclude_seen=False)
    )


def also_liked(item_id: int, k: int = 12) -> tuple[RankedItem, ...]:
    """What people who wanted the item wanted as well; empty where nobody did."""
    return _of_item((ALSO_LIKED(),), item_id, k)


def similar_by_meaning(item_id: int, k: int = 12) -> tuple[RankedItem, ...]:
    """Items whose texts are near to the item's; empty until it is encoded."""
    return _of_item((SIMILAR(),), item_id, k)


def _of_item(steps: Sequence[Step], item_id: int, k: int) -> tuple[RankedItem, ...]:
    ask = Ask(k=k, taste=(TasteItem(item_id=item_id, weight=1.0),), excluded=frozenset({item_id}))
    return compose(steps, ask, facts=FactBook(), of_item=True)


def _check(request: RecommendRequest) -> None:
    if request.surface not in SURFACES:
        raise InvalidInput(f"'surface' is one of: {', '.join(SURFACES)}.", field="surface")
    if not 1 <= request.k <= MAX_K:
        raise InvalidInput(f"'k' is a number from 1 to {MAX_K}.", field="k")
    if request.surface == "item" and request.item_id is None:
        raise InvalidInput("The surface 'item' needs 'item_id'.", field="item_id")


def _picking(request: RecommendRequest, history: History) -> Picking:
    """What a model chooses; a session without items is answered like the home page."""
    viewer = request.viewer
    if request.surface == "item":
        return _unified("similar", viewer, history, request.item_id)
    if request.session_item_ids:
        # What was looked at just now stands for everything that the viewer did.
        session = history_of_items(request.session_item_ids)
        return _unified("home", Viewer(), session)
    return home.picking_of(history, viewer)


def _unified(surface: str, viewer: Viewer, history: History, item_id: int | None = None) -> Picking:
    """The unified model, or why it does not answer."""
    chosen = choosing(surface, viewer)
    if reason := chosen.why_not_with(history):
        return Picking(fallback=reason)
    source = UnifiedSource(
        chosen=chosen, surface=surface, viewer=viewer, history=history, item_id=item_id
    )
    return Picking(source=source, model_version=chosen.name)


def _hits(
    request: RecommendRequest, history: History, picked: Picking, fits: FitFilter | None
) -> tuple[RankedItem, ...]:
    excluded = history.unwanted | (history.seen if request.exclude_seen else frozenset())
    ask = Ask(k=request.k, filters=request.filters, excluded=excluded, taste=history.taste)
    facts = FactBook()
    if request.surface == "item" and request.item_id is not None:
        facts.read([request.item_id])
        ask = replace(
            ask,
            taste=(TasteItem(item_id=request.item_id, weight=1.0),),
            excluded=excluded | {request.item_id},
        )
        rest = _below_item(facts, request.item_id)
        return compose(_first(picked, rest), ask, facts=facts, of_item=True)
    if request.surface == "session" and request.session_item_ids:
        session = history_of_items(request.session_item_ids)
        taste = tuple(t for t in session.taste if t.item_id not in history.unwanted)
        ask = replace(ask, taste=taste, excluded=excluded | session.seen)
        return compose(_first(picked, FOR_SESSION), ask, facts=facts)
    steps = _first(picked, FOR_SOMEBODY if ask.taste else FOR_NOBODY)
    return compose(steps, ask, facts=facts, fits=fits)


def _first(picked: Picking, steps: Sequence[Step]) -> Sequence[Step]:
    """The model alone where it can fill the places, for its order is what the gate measured."""
    if picked.source is None:
        return steps
    above = 1 + max(step.tier for step in steps)
    return (
        Step(source=picked.source, tier=above),
        *(replace(step, share=0.0) for step in steps),
    )


def _below_item(facts: FactBook, item_id: int) -> list[Step]:
    known = facts.known.get(item_id)
    near = [ALSO_LIKED(share=2 / 3), SIMILAR(share=1 / 3)]
    if known and known.category:
        near.append(POPULAR(source=of_category(popular, known.category)))
    # One tier lower, so that what is popular in the category stays above what is popular at all.
    return [*(replace(step, tier=step.tier + 1) for step in near), POPULAR(), NEW()]


def _logged_filters(request: RecommendRequest) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    for facet, value in request.filters.as_params():
        filters.setdefault(facet, []).append(value)
    return filters
