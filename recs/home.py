"""The rows of the home page, each with a title in plain words and its own query_id."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from catalog.answers import AnswerInput, log_answers
from catalog.category_names import category_words
from catalog.filters import ItemFilters
from catalog.models import Answer
from catalog.profiles import current_profile
from catalog.types import RankedItem, Viewer
from recs.compose import ALSO_LIKED, NEW, POPULAR, SIMILAR, FactBook, Step, compose
from recs.history import History, TasteItem, read_history
from recs.match_filter import FitFilter, fit_filter
from recs.recommenders.base import Ask, Candidate, Recommender
from recs.recommenders.content import similar
from recs.recommenders.popular import hidden_gems, loved_by_many
from recs.recommenders.user_model import Picking, picking
from recs.surfaces import CONTROL
from recs.unified import choosing
from recs.unified_source import UnifiedSource

ROW_LENGTH = 12
# A row of two or three looks broken; such a row is left out.
LEAST_IN_ROW = 6
MOST_ROWS = 7
SEEDS_TRIED = 4
SEED_ROWS = 2
CATEGORY_ROWS = 3
# How many of the nearest to a taste the newest are picked from.
NEAR_TASTE = 100
CATEGORIES_FROM = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRow:
    """One row: `title` and `why` are sentences for people; events carry `query_id`.

    `model_version`: of the model that chose the row, "" for the other rows.
    """

    key: str
    title: str
    why: str
    hits: tuple[RankedItem, ...]
    query_id: UUID
    model_version: str = ""
    # What the match filter left out of it, or would have, as the log keeps it.
    dropped: tuple[dict[str, object], ...] = ()


@dataclass(slots=True)
class _Page:
    """Rows so far; no item stands in two of them."""

    viewer: Viewer
    history: History
    picking: Picking
    fits: FitFilter | None = None
    facts: FactBook = field(default_factory=FactBook)
    rows: list[HomeRow] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def add(self, key: str, title: str, why: str, steps: Sequence[Step], ask: Ask) -> bool:
        """Add a row unless it would be too short or one too many; whether it was added."""
        if len(self.rows) >= MOST_ROWS:
            return False
        excluded = ask.excluded | self.history.seen | self.history.unwanted | self.used
        asked = replace(ask, excluded=frozenset(excluded))
        hits = compose(steps, asked, facts=self.facts, fits=self.fits)
        # A small catalog's only row may be short.
        if len(hits) < (LEAST_IN_ROW if self.rows else 1):
            return False
        dropped = tuple(self.fits.logged()) if self.fits else ()
        self.rows.append(
            HomeRow(key=key, title=title, why=why, hits=hits, query_id=uuid4(), dropped=dropped)
        )
        self.used.update(hit.item_id for hit in hits)
        return True


def picking_of(history: History, viewer: Viewer) -> Picking:
    """What picks for a viewer: the unified model where it answers, else the user model."""
    if not history.wanted:
        return Picking(fallback="no_history")
    chosen = choosing("home", viewer)
    if chosen.fallback:
        # The control group sees neither.
        found = Picking(fallback=CONTROL) if chosen.fallback == CONTROL else picking(history)
        return replace(found, match_filter=chosen.match_filter)
    source = UnifiedSource(chosen=chosen, surface="home", viewer=viewer, history=history)
    return Picking(source=source, model_version=chosen.name, match_filter=chosen.match_filter)


def home_rows(viewer: Viewer) -> list[HomeRow]:
    """Up to seven rows for this viewer, none empty, no item twice; logged in one go."""
    started = time.perf_counter()
    history = read_history(viewer=viewer)
    picked = picking_of(history, viewer)
    fits = fit_filter("home", history, picked.match_filter)
    page = _Page(viewer=viewer, history=history, picking=picked, fits=fits)
    if page.history.taste:
        _rows_for_somebody(page)
    else:
        _rows_for_nobody(page)
    if not page.rows:
        page.add("all", f"Our {_nouns()}", "Everything here.", (NEW(),), Ask(k=ROW_LENGTH))
    latency_ms = (time.perf_counter() - started) * 1000
    log_answers(
        answers=[
            AnswerInput(
                query_id=row.query_id,
                kind=Answer.Kind.RECOMMEND,
                surface=f"home:{row.key}"[:40],
                total=len(row.hits),
                viewer=viewer,
                hits=logged_hits(row.hits),
                latency_ms=latency_ms,
                model_version=row.model_version,
                fallback=page.picking.fallback,
                dropped=row.dropped,
            )
            for row in page.rows
        ]
    )
    return page.rows


def logged_hits(hits: Sequence[RankedItem]) -> list[dict[str, object]]:
    """Hits as the log of answers keeps them."""
    return [
        {"item": hit.item_id, "position": hit.position, "source": hit.source, "score": hit.score}
        for hit in hits
    ]


def _rows_for_somebody(page: _Page) -> None:
    taste = page.history.taste
    page.facts.read(item.item_id for item in taste)
    _picked_row(page)
    _seed_rows(page, taste[:1])
    page.add(
        "for-you",
        "People who like what you like",
        f"What others chose beside the {_nouns()} you chose, the latest counting most.",
        (ALSO_LIKED(), SIMILAR()),
        Ask(k=ROW_LENGTH, taste=taste),
    )
    page.add(
        "new-for-you",
        "New and close to your taste",
        f"The newest among the {_nouns()} most like the last ones you chose.",
        (Step(source=_newest_similar(page.facts), tier=0),),
        Ask(k=ROW_LENGTH, taste=taste),
    )
    _seed_rows(page, taste[1:SEEDS_TRIED])
    _popular_now(page)
    _hidden_gems(page)
    categories = Counter(page.facts.known[t.item_id].category for t in taste if _known(page, t))
    _category_rows(page, [name for name, _ in categories.most_common() if name][:1])


def _rows_for_nobody(page: _Page) -> None:
    page.add(
        "loved",
        "Loved by many",
        f"The {_nouns()} that most people chose.",
        (Step(source=loved_by_many, tier=0),),
        Ask(k=ROW_LENGTH),
    )
    page.add("new", "New here", f"The newest {_nouns()}.", (NEW(),), Ask(k=ROW_LENGTH))
    _popular_now(page)
    _category_rows(page, _loved_categories(page.facts))
    _hidden_gems(page)


def _picked_row(page: _Page) -> None:
    """What the model says comes next; no row where none answers."""
    picked = page.picking
    if picked.source is None:
        return
    added = page.add(
        "picked",
        "Picked for you",
        f"Chosen after everything you did so far, the latest {_nouns()} counting most.",
        (Step(source=picked.source, tier=0),),
        Ask(k=ROW_LENGTH, taste=page.history.taste),
    )
    if added:
        page.rows[-1] = replace(page.rows[-1], model_version=picked.model_version)


def _seed_rows(page: _Page, seeds: Sequence[TasteItem]) -> None:
    for seed in seeds:
        rows = sum(row.key.startswith("because") for row in page.rows)
        if rows < SEED_ROWS and _known(page, seed):
            page.add(
                f"because-{seed.item_id}",
                f"Because you {seed.verb} {page.facts.known[seed.item_id].title}",
                "What others chose beside it, then what is most like it.",
                (ALSO_LIKED(share=2 / 3), SIMILAR(share=1 / 3)),
                Ask(k=ROW_LENGTH, taste=(seed,)),
            )


def _popular_now(page: _Page) -> None:
    page.add(
        "popular",
        f"Popular {_nouns()} now",
        "Chosen most of late.",
        (POPULAR(),),
        Ask(k=ROW_LENGTH),
    )


def _hidden_gems(page: _Page) -> None:
    page.add(
        "gems",
        "Hidden gems",
        "Rated highly by the few who found them.",
        (Step(source=hidden_gems, tier=0),),
        Ask(k=ROW_LENGTH),
    )


def _category_rows(page: _Page, categories: Sequence[str]) -> None:
    for category in categories:
        page.add(
            f"category-{category}",
            f"Loved in {category_words(category)}",
            f"The {_nouns()} of this {current_profile().category_noun} that most people chose.",
            (Step(source=loved_by_many, tier=0),),
            Ask(k=ROW_LENGTH, filters=ItemFilters(category=(category,))),
        )


def _loved_categories(facts: FactBook) -> list[str]:
    """The main categories of what is loved most."""
    loved = [candidate.item_id for candidate in loved_by_many(Ask(k=CATEGORIES_FROM))]
    facts.read(loved)
    counts = Counter(facts.known[item_id].category for item_id in loved if item_id in facts.known)
    return [name for name, _ in counts.most_common() if name][:CATEGORY_ROWS]


def _newest_similar(facts: FactBook) -> Recommender:
    """The newest of those near to the taste: by year, else by when they came in (their id)."""

    def newest(ask: Ask) -> list[Candidate]:
        near = similar(replace(ask, k=NEAR_TASTE))
        facts.read(candidate.item_id for candidate in near)

        def age(candidate: Candidate) -> tuple[int, int]:
            known = facts.known.get(candidate.item_id)
            return -(known.year or 0) if known else 0, -candidate.item_id

        latest = sorted(near, key=age)[: ask.k]
        return sorted(latest, key=lambda found: (-found.score, found.item_id))

    return newest


def _known(page: _Page, item: TasteItem) -> bool:
    return item.item_id in page.facts.known


def _nouns() -> str:
    return current_profile().item_noun_plural
