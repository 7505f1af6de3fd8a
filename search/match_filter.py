"""What the match filter does to a search: after ranking, once for the whole candidate set.

It decides on the set, before anything of it is counted, and looks neither at filters nor at the
page: so a total never changes between pages and a facet's count stays what choosing it yields. Of a
set the first LOOKED_AT in the order before any model are looked at, which is nobody's own order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recs import embeddings
from recs.errors import NoLiveVersion
from recs.match_filter import ON, Filtering, filtering
from recs.match_items import ReadItems, read_items
from recs.ml.match.relevance_features import AGREEING, Asked
from search.finding import LEAST_CHARACTERS_FOR_MEANING, Found
from search.types import HitSource, SearchRequest

SURFACE = "search"
LOOKED_AT = 100
# Asked for by name, or put there by an editor: never left out.
KEPT = (HitSource.EXACT_TITLE, HitSource.PINNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """What came of it. `scores`: of what was looked at; `bad`: of that what is too likely bad.

    `left_out`: of those what the set is without; nothing in the mode "shadow".
    """

    filtering: Filtering | None = None
    scores: Mapping[int, float] = field(default_factory=dict)
    bad: Mapping[int, float] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()

    def logged(self) -> list[dict[str, object]]:
        """What is, or would be, left out, as the log of answers keeps it."""
        return self.filtering.logged(self.bad) if self.filtering else []


NOTHING = Filtered()


def judge(found: Found, request: SearchRequest) -> Filtered:
    """What the live filter says of a set that the rules went over; nothing where none is live.

    Not while somebody types, for half a word says little; nor word for word, which is the way
    round it. A set of which nothing would be left stays as it is.
    """
    if request.is_typing or request.verbatim or not found.scored:
        return NOTHING
    live = filtering(SURFACE, found.learned.match_filter)
    if live is None:
        return NOTHING
    looked_at = _looked_at(found)
    scores = scores_of(live, found, looked_at)
    bad = {item_id: score for item_id, score in scores.items() if score >= live.threshold}
    is_whole = len(bad) == len(found.scored) and not found.more
    leaves = live.mode == ON and not is_whole
    return Filtered(
        filtering=live,
        scores=scores,
        bad={} if is_whole else bad,
        left_out=frozenset(bad) if leaves else frozenset(),
    )


def scores_of(live: Filtering, found: Found, item_ids: list[int]) -> dict[int, float]:
    """The chance of each of these to be a bad match; read in one statement."""
    asked, read = asked_of(found, item_ids)
    return live.relevance(asked, read)


def asked_of(found: Found, item_ids: list[int]) -> tuple[Asked, ReadItems]:
    """The query and these items as the filter reads them: learning and serving alike."""
    nearest = [match.item_id for match in found.near[:AGREEING]]
    read = read_items(list(dict.fromkeys([*item_ids, *nearest])))
    meaning = found.reading.meaning
    vector = None
    if len(meaning) >= LEAST_CHARACTERS_FOR_MEANING:
        try:
            # What the search itself encoded a moment ago.
            vector = embeddings.query_vector(meaning)
        except NoLiveVersion:
            vector = None
    asked = Asked(
        text=found.reading.query.asked or found.reading.query.text,
        vector=vector,
        near=read.take(nearest).vectors,
    )
    return asked, read.take(item_ids)


def _looked_at(found: Found) -> list[int]:
    """The items that are judged: what only a model found, then the best before any model."""
    rest = {
        one.candidate.item_id: one.source for one in found.scored if one.source not in KEPT
    }  # fmt: skip
    pins = found.rules.pins()
    fused = [item_id for item_id in found.fused if item_id in rest]
    known = set(fused)
    added = sorted(item_id for item_id in rest if item_id not in known)
    return [item_id for item_id in [*added, *fused] if item_id not in pins][:LOOKED_AT]
