"""The design of the sample: which pairs are asked, and with which chance each of them was drawn.

Stratified random sampling without replacement (W. G. Cochran, Sampling Techniques, 3rd ed., 1977,
ch. 5): each pair of the frame is in one stratum, a stratum gets a stated share of the sample, and
within it each pair has the same chance, n of N. That chance is kept, so that a mean over the frame
can be estimated from what was judged by weighing each pair by its reciprocal (D. G. Horvitz and
D. J. Thompson, JASA 47, 1952). The last stratum is all the rest: no pair has chance 0.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

from catalog.models import JudgingPair

Reason = JudgingPair.Reason
Key = TypeVar("Key", bound=Hashable)

# A pair belongs to the first that holds of it.
SHARES: Mapping[str, float] = {
    Reason.DISAGREEMENT: 0.30,
    Reason.DISLIKED: 0.20,
    Reason.UNCERTAIN: 0.20,
    Reason.SHOWN: 0.15,
    Reason.REST: 0.15,
}
PRIORITIES: Mapping[str, int] = {
    Reason.DISAGREEMENT: 3,
    Reason.DISLIKED: 2,
    Reason.UNCERTAIN: 1,
    Reason.SHOWN: 1,
    Reason.REST: 0,
}


@dataclass(frozen=True, slots=True)
class Drawn(Generic[Key]):
    """A pair that was drawn, and the chance that it had."""

    key: Key
    stratum: str
    propensity: float


def draw(strata: Mapping[str, Sequence[Key]], *, size: int, seed: str) -> list[Drawn[Key]]:
    """A sample of the strata's pairs; the same seed draws the same ones, whatever their order.

    Args:
        strata: keys by Reason, each key in one of them. Strata of no share are not drawn from.
        size: how many pairs; all, where there are fewer.
        seed: names the draw.
    """
    counts = {name: len(strata.get(name, ())) for name in SHARES}
    found = []
    for name, n in allocate(counts, size=size).items():
        chosen = sorted(strata.get(name, ()), key=lambda key: _dice(seed, key))[:n]
        found += [Drawn(key, name, n / counts[name]) for key in chosen]
    return found


def allocate(counts: Mapping[str, int], *, size: int) -> dict[str, int]:
    """How many are drawn of each stratum: its share, and what others lack pairs for.

    Args:
        counts: pairs by stratum, in the order of SHARES.
        size: how many there are to draw.
    """
    given = dict.fromkeys(counts, 0)
    while size > sum(given.values()):
        room = {name: counts[name] - given[name] for name in counts if counts[name] > given[name]}
        if not room:
            break
        left, weight = size - sum(given.values()), sum(SHARES[name] for name in room)
        for name, most in room.items():
            # At least one, so that it ends; never more than are left.
            fair = max(1, round(left * SHARES[name] / weight))
            given[name] += min(fair, most, size - sum(given.values()))
    return given


def _dice(seed: str, key: Hashable) -> bytes:
    return blake2b(f"{seed}\x1f{key!r}".encode(), digest_size=16).digest()
