"""Content of all modalities as the rows of numbers a network reads: centred, decorrelated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# A direction in which items differ less than this share of the strongest one is noise.
LEAST_SPREAD = 1e-3
# Neither is a variance of unit vectors that rounding alone can give.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ContentMap:
    """Whitening of each modality, fitted once, so that a new item is mapped like the old ones.

    Source: Zhang et al., Are ID Embeddings Necessary? Whitening Pre-trained Text Embeddings for
        Effective Sequential Recommendation, ICDE 2024.
    Differs from the paper: one whitening for each modality, cut to its strongest directions.

    `means`: by modality (D_m,) float32. `axes`: by modality (D_m, W_m) float32, scaled.
    """

    means: Mapping[str, Floats]
    axes: Mapping[str, Floats]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names in the order in which they stand in a row."""
        return tuple(sorted(self.means))

    @property
    def width(self) -> int:
        """W, numbers of all modalities together."""
        return sum(axes.shape[1] for axes in self.axes.values())

    def apply(self, vectors: Mapping[str, Floats], rows: int) -> Floats:
        """Mapped content.

        Args:
            vectors: by modality (rows, D_m) float32; a row of zeros where an item lacks it; a
                modality that is not given is lacking everywhere.
            rows: how many items.

        Returns:
            (rows, W) float32, zeros in place of what an item lacks.

        Raises:
            ValueError: where a value is not finite.
        """
        parts = []
        for name in self.modalities:
            if name not in vectors:
                parts.append(np.zeros((rows, self.axes[name].shape[1]), np.float32))
                continue
            table = vectors[name]
            _check(name, table)
            mapped = (_unit(table) - self.means[name]) @ self.axes[name]
            mapped[~(table != 0).any(axis=1)] = 0.0
            parts.append(mapped.astype(np.float32))
        return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), np.float32)

    def to_arrays(self) -> dict[str, Floats]:
        """For an artifact."""
        means = {f"map_mean.{name}": mean for name, mean in self.means.items()}
        return means | {f"map_axes.{name}": axes for name, axes in self.axes.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "ContentMap":
        """What to_arrays() gave; other names are passed over."""
        names = [n.removeprefix("map_mean.") for n in arrays if n.startswith("map_mean.")]
        return cls(
            means={n: np.asarray(arrays[f"map_mean.{n}"], np.float32) for n in names},
            axes={n: np.asarray(arrays[f"map_axes.{n}"], np.float32) for n in names},
        )


def fit_content_map(
    vectors: Mapping[str, Floats], *, width: int, available: Bools | None = None
) -> ContentMap:
    """The whitening of these items' content.

    Args:
        vectors: by modality (N, D_m) float32; a row of zeros means that the item lacks it.
        width: most directions kept of a modality.
        available: (N,) bool, items that existed at the moment of fitting; None for all.

    Raises:
        ValueError: where a value is not finite.
    """
    means, axes = {}, {}
    for name, table in vectors.items():
        _check(name, table)
        has = (table != 0).any(axis=1)
        kept = has if available is None else has & available
        if kept.sum() < 2:
            continue
        units = _unit(table[kept]).astype(np.float64)
        mean = units.mean(axis=0)
        spread, directions = np.linalg.eigh(np.atleast_2d(np.cov(units - mean, rowvar=False)))
        strongest = np.argsort(-spread)[: min(width, int(kept.sum()) - 1)]
        strongest = strongest[spread[strongest] > max(LEAST_SPREAD * spread.max(), ROUNDING)]
        if not len(strongest):
            continue
        means[name] = mean.astype(np.float32)
        axes[name] = (directions[:, strongest] / np.sqrt(spread[strongest])).astype(np.float32)
    return ContentMap(means=means, axes=axes)


def _check(name: str, table: Floats) -> None:
    if not np.isfinite(table).all():
        raise ValueError(f"Some vectors of {name} are not finite.")


def _unit(table: Floats) -> Floats:
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.where(lengths > 0, lengths, 1.0), np.float32)
