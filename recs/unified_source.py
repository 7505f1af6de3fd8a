"""The unified model as a source of recommendations: candidates with the reasons it had."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.types import Viewer
from recs.history import History, TasteItem
from recs.recommenders.base import Ask, Candidate
from recs.recommenders.neighbours import also_liked
from recs.surfaces import mixing
from recs.unified import PLAIN, SOURCE, Choosing, UnifiedAsk
from recs.unified_index import LIKE


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedSource:
    """A Recommender for one viewer on one surface; `chosen` has no fallback.

    `history`: of the viewer, or of a session that stands for one.
    """

    chosen: Choosing
    surface: str
    viewer: Viewer
    history: History
    item_id: int | None = None

    def __call__(self, ask: Ask) -> list[Candidate]:
        """The best by the ranker, mixed as the surface wants it, each with its reason."""
        also: Sequence[int] = ()
        if self.item_id is not None:
            also = liked_by_the_same(self.item_id, replace(ask, k=LIKE))
        ranking = self.chosen.rank(
            UnifiedAsk(
                surface=self.surface,
                viewer=self.viewer,
                history=self.history,
                item_id=self.item_id,
                filters=ask.filters,
                excluded=ask.excluded,
                also=also,
            )
        )
        places = ranking.mixed(mixing(self.surface), ask.k)
        reasons = ranking.reasons(places, self.history.taste)
        return [
            Candidate(
                item_id=ranking.ids[place],
                score=1.0 - number / ask.k,
                source=SOURCE,
                because=reason.seed,
                reason="" if reason.seed else PLAIN[reason.group],
                explanation=reason.explanation,
            )
            for number, (place, reason) in enumerate(zip(places, reasons, strict=True))
        ]


def liked_by_the_same(item_id: int, ask: Ask) -> Sequence[int]:
    """The first `ask.k` of what people wanted who wanted the item."""
    about_it = replace(ask, taste=(TasteItem(item_id=item_id, weight=1.0),))
    return [one.item_id for one in also_liked(about_it)]
