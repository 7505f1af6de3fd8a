"""How good semantic IDs are: codebook use, collisions, what is lost, who shares a prefix."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.semantic_ids import NO_CODE

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

SAMPLED_ITEMS = 1000
NEIGHBOURS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReport:
    """One codebook: how its codes are used."""

    codes: int
    used: int
    smallest: int  # items of the least used code, of those in use
    median: float
    largest: int
    # exp of the entropy: so many codes used equally often would be as telling.
    perplexity: float
    # Mean square of what is left after this level, as a share of what there was before the first.
    error: float | None
    # Share of an item's nearest ten that share its codes up to this level, and of any other items.
    neighbours_sharing: float
    anybody_sharing: float

    @property
    def dead(self) -> int:
        """Codes of no item."""
        return self.codes - self.used


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReport:
    """Semantic IDs of one catalogue."""

    items: int
    without_content: int
    different_ids: int
    # Share of items whose codes another item has too: the collision column tells them apart.
    collision_rate: float
    largest_collision: int
    levels: tuple[LevelReport, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, `dead` included."""
        levels = [{**asdict(level), "dead": level.dead} for level in self.levels]
        return {**asdict(self), "levels": levels}


def report(
    points: Floats,
    codes: Ints,
    sizes: tuple[int, ...],
    *,
    reconstructed: tuple[Floats, ...] = (),
    seed: int = 0,
) -> CodeReport:
    """What there is to know of these codes.

    Linear in the items: neighbours are looked up for `SAMPLED_ITEMS` of them.

    Args:
        points: (N, D) float32, the content (ContentSpace.embed).
        codes: (N, L) int64; `NO_CODE` where an item has none.
        sizes: codes of each level.
        reconstructed: for each level (N, D) float32, what the codes up to it say; empty where that
            means nothing (random codes).
        seed: of the sample.
    """
    has = (codes != NO_CODE).all(axis=1)
    points, kept = points[has], codes[has]
    left = [((points - part[has]) ** 2).sum() for part in reconstructed]
    error = [float(square / max(float((points**2).sum()), 1e-12)) for square in left]
    near, anybody = _sharing(points, kept, seed)
    levels = tuple(
        _level(kept[:, n], size, error[n] if error else None, near[n], anybody[n])
        for n, size in enumerate(sizes)
    )
    _, counts = np.unique(kept, axis=0, return_counts=True) if len(kept) else (None, np.zeros(0))
    return CodeReport(
        items=len(codes),
        without_content=int((~has).sum()),
        different_ids=len(counts),
        collision_rate=float(counts[counts > 1].sum() / max(len(kept), 1)),
        largest_collision=int(counts.max(initial=0)),
        levels=levels,
    )


def _level(
    column: Ints, size: int, error: float | None, near: float, anybody: float
) -> LevelReport:
    counts = np.bincount(column, minlength=size)
    used = counts[counts > 0]
    shares = used / max(used.sum(), 1)
    return LevelReport(
        codes=size,
        used=len(used),
        smallest=int(used.min(initial=len(column))),
        median=float(np.median(used)) if len(used) else 0.0,
        largest=int(used.max(initial=0)),
        perplexity=float(np.exp(-(shares * np.log(shares)).sum())) if len(used) else 0.0,
        error=error,
        neighbours_sharing=near,
        anybody_sharing=anybody,
    )


def _sharing(points: Floats, codes: Ints, seed: int) -> tuple[list[float], list[float]]:
    """For each level: share of nearest neighbours, and of all others, with the same prefix."""
    levels = codes.shape[1]
    if len(codes) < 2:
        return [0.0] * levels, [0.0] * levels
    rows, neighbours = _nearest(points, seed)
    near, anybody = [], []
    for level in range(1, levels + 1):
        _, prefix, counts = np.unique(
            codes[:, :level], axis=0, return_inverse=True, return_counts=True
        )
        prefix = prefix.reshape(-1)
        near.append(float((prefix[neighbours] == prefix[rows][:, None]).mean()))
        pairs = float((counts * (counts - 1.0)).sum())
        anybody.append(pairs / (len(codes) * (len(codes) - 1.0)))
    return near, anybody


def _nearest(points: Floats, seed: int) -> tuple[Ints, Ints]:
    """Some items, (S,), and the nearest others of each by cosine, (S, K)."""
    rng = np.random.default_rng([seed, 4])
    chosen = rng.choice(len(points), min(SAMPLED_ITEMS, len(points)), replace=False)
    rows = np.sort(chosen).astype(np.int64)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    units = points / np.where(lengths > 0, lengths, 1.0)
    k = min(NEIGHBOURS, len(points) - 1)
    found = np.zeros((len(rows), k), np.int64)
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        scores = units[part] @ units.T  # (R, N)
        scores[np.arange(len(part)), part] = -np.inf
        found[start : start + 100] = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return rows, found
