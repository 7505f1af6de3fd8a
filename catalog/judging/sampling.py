"""Filling the queue: a draw from the log, of the pairs whose judgement teaches most.

A draw has a name. It is made once: asked for again, by whomever and at the same time, it adds
nothing. The chance of each pair is that within its draw.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from catalog.errors import InvalidInput
from catalog.judging.adjudication import find_disputed
from catalog.judging.design import PRIORITIES, Reason, draw
from catalog.judging.frame import Candidate, frame
from catalog.judging.stale import add_pairs, new_pair, requeue_stale
from catalog.locks import wait_for
from catalog.models import JudgingPair, Label

LOCK_SPACE = 7_140_391
WINDOW = timedelta(days=28)
# The tenth of the log that is looked at most is sampled apart from the rest.
OFTEN = 0.1
DRAW_CHARACTERS = 60
Key = tuple[str | int, int]


def sample_pairs(
    *, kind: str, size: int | None = None, name: str = "", since: datetime | None = None
) -> int:
    """Draw pairs of a kind into the queue; how many came.

    Args:
        kind: Label.Kind.
        size: how many; None fills the queue up to CATALOG_JUDGING_QUEUE open ones.
        name: of the draw, and its seed; today's date where it is empty.
        since: of the log; the last 28 days where it is None.

    Raises:
        InvalidInput: no such kind, or a name that is too long.
    """
    name = name or f"{timezone.now():%Y-%m-%d}"
    if kind not in Label.Kind.values or len(name) > DRAW_CHARACTERS:
        raise InvalidInput(f"'kind' is one of {', '.join(Label.Kind.values)}.", field="kind")
    with transaction.atomic():
        wait_for(LOCK_SPACE, kind)
        queue = JudgingPair.objects.filter(kind=kind)
        if queue.filter(draw=name).exists():
            return 0
        if size is None:
            open_now = queue.filter(state=JudgingPair.State.OPEN).count()
            size = settings.CATALOG_JUDGING_QUEUE - open_now
        if size <= 0:
            return 0
        return _draw(kind, size=size, name=name, since=since or timezone.now() - WINDOW)


def fill_queue(*, name: str = "") -> dict[str, int]:
    """What the night does: back into the queue what went stale, then a draw of each kind."""
    return {
        "stale": requeue_stale(),
        "disputed": find_disputed(),
        **{kind: sample_pairs(kind=kind, name=name) for kind in Label.Kind.values},
    }


def strata_of(candidates: Iterable[Candidate]) -> dict[str, list[Key]]:
    """Pairs by the first reason that holds of them (design.SHARES)."""
    found = list(candidates)
    seen = sorted((one.shown for one in found if one.shown), reverse=True)
    # Ties with the last of the tenth are of it; what was seen once in one place is not.
    often = seen[max(int(OFTEN * len(seen)) - 1, 0)] if seen and seen[0] > seen[-1] else None
    strata: dict[str, list[Key]] = {}
    for one in found:
        reason = next(
            name for name, holds in (
                (Reason.DISAGREEMENT, one.is_disputed),
                (Reason.DISLIKED, one.is_disliked),
                (Reason.UNCERTAIN, one.is_unsure or one.is_middling),
                (Reason.SHOWN, often is not None and one.shown >= often),
                (Reason.REST, True),
            ) if holds
        )  # fmt: skip
        strata.setdefault(reason, []).append((one.about, one.item))
    return strata


def _draw(kind: str, *, size: int, name: str, since: datetime) -> int:
    found = {
        (one.about, one.item): one
        for one in frame(kind, since=since, wanted=settings.CATALOG_JUDGES_PER_PAIR)
    }
    if kind == Label.Kind.RELEVANCE:
        public = _public({str(about) for about, _ in found})
        found = {key: one for key, one in found.items() if key[0] in public}
    is_query = kind == Label.Kind.RELEVANCE
    pairs = [
        new_pair(
            kind=kind, item_id=one.key[1], content_hash=found[one.key].content_hash,
            query=one.key[0] if is_query else "", person_id=None if is_query else one.key[0],
            reason=one.stratum, priority=PRIORITIES[one.stratum],
            draw=name, propensity=one.propensity,
        )
        for one in draw(strata_of(found.values()), size=size, seed=f"{kind} {name}")
    ]  # fmt: skip
    return add_pairs(pairs=pairs)


def _public(queries: set[str]) -> set[str]:
    """Queries that name nobody, as far as a text tells: no judge sees the others."""
    is_private: Callable[[str], bool] = import_string(settings.CATALOG_QUERY_SCREEN)
    return {query for query in queries if not is_private(query)}
