"""Several sources into one list: shares, order, no creator too often. No database."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recs.recommenders.base import Candidate

# Places one creator may take of a row of twelve, as long as there is anything else.
ROW = 12
MOST_OF_ONE_CREATOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one source proposes, best first.

    `tier`: a candidate of a higher tier always scores above one of a lower. `share`: part of the
    places that is kept for this source as long as it has candidates.
    """

    candidates: Sequence[Candidate]
    tier: int
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A candidate that was taken, with a score that compares across sources."""

    candidate: Candidate
    score: float


def blend(
    offers: Sequence[Offer], *, k: int, creators: Mapping[int, Sequence[str]]
) -> list[Placed]:
    """At most k of the offers' candidates, none twice, by falling score (0 to 1).

    Places are given in three passes: each source its share, then whoever comes first, both with
    no creator above its limit; then, rather than leave a place empty, without that limit.
    """
    tiers = 1 + max((offer.tier for offer in offers), default=0)
    taken: dict[int, Placed] = {}
    used: Counter[str] = Counter()
    limit = MOST_OF_ONE_CREATOR * math.ceil(k / ROW)
    quotas = [(offer, round(offer.share * k), limit) for offer in offers if offer.share]
    passes = [*quotas, *((offer, k, limit) for offer in offers), *((o, k, k) for o in offers)]
    for offer, quota, most in passes:
        room = min(quota, k - len(taken))
        for candidate in offer.candidates:
            if room <= 0:
                break
            names = creators.get(candidate.item_id, ())
            if candidate.item_id in taken or any(used[name] >= most for name in names):
                continue
            score = (offer.tier + min(1.0, max(0.0, candidate.score))) / tiers
            taken[candidate.item_id] = Placed(candidate=candidate, score=score)
            used.update(names)
            room -= 1
    return sorted(taken.values(), key=lambda placed: (-placed.score, placed.candidate.item_id))
