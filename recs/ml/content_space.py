"""One vector for all that is known of an item: every modality weighs the same, none is missing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

Vectors = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class ContentSpace:
    """How vectors of several modalities become one.

    Each is scaled to unit length, centred, and divided by what makes its mean square 1, so that
    no modality outweighs another by its size or its number of dimensions. What an item lacks
    enters as the mean of those that have it.

    `means`: by modality (D_m,) float32. `scales`: by modality, > 0.
    """

    means: Mapping[str, Floats]
    scales: Mapping[str, float]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names in the order in which they stand in a vector."""
        return tuple(sorted(self.means))

    @property
    def dimensions(self) -> int:
        """D, those of all modalities together."""
        return sum(len(mean) for mean in self.means.values())

    def embed(self, vectors: Vectors) -> Floats:
        """Points of this space.

        Args:
            vectors: by modality (N, D_m) float32, a row of zeros where an item lacks it. A
                modality that was not fitted is passed over; one that is not given is lacking.

        Returns:
            (N, D) float32; zeros for items of which nothing is known.

        Raises:
            ValueError: where a modality has other dimensions or lengths than fitted.
        """
        rows = _rows(vectors)
        parts = [self._part(name, vectors.get(name), rows) for name in self.modalities]
        return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), np.float32)

    def known(self, vectors: Vectors) -> Bools:
        """(N,) bool: items that have at least one of the fitted modalities."""
        known = np.zeros(_rows(vectors), np.bool_)
        for name in self.modalities:
            if name in vectors:
                known |= _has(vectors[name])
        return known

    def to_arrays(self) -> dict[str, Floats]:
        """For an artifact."""
        found: dict[str, Floats] = {}
        for name in self.modalities:
            found[f"mean.{name}"] = self.means[name]
            found[f"scale.{name}"] = np.array([self.scales[name]], np.float32)
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "ContentSpace":
        """What to_arrays() gave; other names are passed over."""
        names = [name.removeprefix("mean.") for name in arrays if name.startswith("mean.")]
        return cls(
            means={name: np.asarray(arrays[f"mean.{name}"], np.float32) for name in names},
            scales={name: float(np.asarray(arrays[f"scale.{name}"])[0]) for name in names},
        )

    def _part(self, name: str, table: Floats | None, rows: int) -> Floats:
        size = len(self.means[name])
        if table is None:
            return np.zeros((rows, size), np.float32)
        if table.shape[1] != size:
            raise ValueError(f"{name} has {table.shape[1]} dimensions, {size} were fitted.")
        centred = (_unit(table) - self.means[name]) / np.float32(self.scales[name])
        centred[~_has(table)] = 0.0
        return np.asarray(centred, np.float32)


def fit_space(vectors: Vectors, available: Bools | None = None) -> ContentSpace:
    """The space of these items.

    Args:
        vectors: by modality (N, D_m) float32; a row of zeros means that the item lacks it.
        available: (N,) bool, the items that existed at the moment of fitting; None for all.

    Returns:
        A space of the modalities that at least one available item has.

    Raises:
        ValueError: for values that are not finite and tables of different lengths.
    """
    rows = _rows(vectors)
    means, scales = {}, {}
    for name, table in vectors.items():
        if not np.isfinite(table).all():
            raise ValueError(f"Some vectors of {name} are not finite.")
        kept = _has(table) & (np.ones(rows, np.bool_) if available is None else available)
        if not kept.any():
            continue
        units = _unit(table[kept]).astype(np.float64)
        mean = units.mean(axis=0)
        square = float(((units - mean) ** 2).sum(axis=1).mean())
        means[name] = mean.astype(np.float32)
        # One item, or the same vector for all: nothing to scale.
        scales[name] = float(np.float32(np.sqrt(square))) if square > 1e-12 else 1.0
    return ContentSpace(means=means, scales=scales)


def _rows(vectors: Vectors) -> int:
    lengths = {len(table) for table in vectors.values()}
    if len(lengths) > 1:
        raise ValueError(f"Modalities of different numbers of items: {sorted(lengths)}.")
    return lengths.pop() if lengths else 0


def _has(table: Floats) -> Bools:
    return np.asarray((table != 0).any(axis=1))


def _unit(table: Floats) -> Floats:
    lengths = np.linalg.norm(table.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(table / np.where(lengths > 0, lengths, 1.0), np.float32)
