"""A list that does not say one thing twice: marginal relevance over the model's own vectors."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Of a list its best so many are compared with each other; what is below follows as it was.
LOOKED_AT = 100


def diversify(
    scores: Floats,
    vectors: Floats,
    *,
    strength: float,
    k: int,
    groups: Sequence[Sequence[Collection[str]]] = (),
    most: Sequence[int] = (),
) -> list[int]:
    """Places of k items, each picked for its score and for being unlike those before it.

    An item's worth is (1 - strength) times its score, brought to 0 to 1 within the list, less
    strength times its highest cosine with what was picked. A group that has its most is passed
    over until nothing else is left, so that the list is never shorter than it could be.

    Source: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking, SIGIR 1998.

    Args:
        scores: (C,) float32, best first.
        vectors: (C, D) float32 of unit length.
        strength: 0 leaves the order as it is, 1 looks at likeness alone.
        k: how many.
        groups: for each kind of group (creators, categories) what each item belongs to.
        most: for each kind how many of one group; 0 for no limit.
    """
    width = min(len(scores), max(LOOKED_AT, k))
    left = list(range(width))
    spread = float(scores[0] - scores[width - 1]) if width else 0.0
    worth = (scores[:width] - scores[width - 1]) / spread if spread > 0 else np.zeros(width)
    alike = np.zeros(width, np.float64)
    counts: list[dict[str, int]] = [{} for _ in groups]
    picked: list[int] = []
    while left and len(picked) < k:
        allowed = [place for place in left if not _is_full(place, groups, counts, most)] or left
        values = (1.0 - strength) * worth[allowed] - strength * alike[allowed]
        best = allowed[int(np.argmax(values))]
        picked.append(best)
        left.remove(best)
        for kind, count in zip(groups, counts, strict=True):
            for name in kind[best]:
                count[name] = count.get(name, 0) + 1
        if strength > 0:
            alike = np.maximum(alike, vectors[:width] @ vectors[best])
    return picked


def _is_full(
    place: int,
    groups: Sequence[Sequence[Collection[str]]],
    counts: Sequence[dict[str, int]],
    most: Sequence[int],
) -> bool:
    return any(
        limit and any(count.get(name, 0) >= limit for name in kind[place])
        for kind, count, limit in zip(groups, counts, most, strict=True)
    )
