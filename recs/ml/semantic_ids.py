"""Semantic IDs: codes of items by their content, so that items alike share the first of them.

Source: residual codes by K-means: Deng et al., OneRec, 2025 and Ju et al., GRID, 2025 (RK-means);
the flat ID: Chen et al., A Multi-modal Modeling Framework for Cold-start Short-video
Recommendation, RecSys 2024 (K-means, about 1,000 clusters).
Differs from the papers: the sizes follow the catalogue's, which is clustered along its main axes
where it is small; modalities are centred and scaled before they are put together; an item of which
nothing is known gets no code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.content_space import ContentSpace, Vectors, fit_space
from recs.ml.kmeans import fit_centroids, nearest_centroids

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NO_CODE = -1
# A small catalogue is clustered along its main axes only, one for so many items: with more, what a
# level leaves over is as good as noise, and one code of the next level takes nearly everything.
ITEMS_PER_AXIS = 24
LEAST_AXES = 8
AXES = "axes"
FLAT_PREFIX = "flat."
LEVEL_PREFIX = "level."


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticIdConfig:
    """How many codes there are; None follows the number of items."""

    levels: int = 3
    codes: int | None = None
    flat: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.levels < 1 or any(
            size is not None and size < 1 for size in (self.codes, self.flat)
        ):
            raise ValueError("levels, codes and flat count from 1.")


def codes_for(items: int) -> int:
    """C of each level for so many items: 10 for 42, 59 for 1,374, 211 for 17,472, at most 256."""
    return int(np.clip(round(1.6 * items**0.5), 4, 256))


def flat_codes_for(items: int) -> int:
    """K of the flat ID for so many items: about twelve items for each, 4 to 1,000."""
    return int(np.clip(round(items / 12), 4, 1000))


@dataclass(frozen=True, slots=True)
class Codebooks:
    """L levels of centroids; each but the first is of what the levels before it left over.

    With one level this is the flat ID. Assigning never changes them, so what is added later never
    changes the codes of what was there.

    `space`: how content becomes points. `levels`: L arrays (C_l, A) float32. `axes`: (A, D)
    float32, orthonormal, along which points are compared; None compares them as they are, A = D.
    """

    space: ContentSpace
    levels: tuple[Floats, ...]
    axes: Floats | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes of each level."""
        return tuple(len(level) for level in self.levels)

    def assign(self, vectors: Vectors) -> Ints:
        """The codes of items, by the nearest centroid of each level in turn.

        Args:
            vectors: by modality (N, D_m) float32; a row of zeros where an item lacks it.

        Returns:
            (N, L) int64, from 0; `NO_CODE` (-1) at all levels for an item without any content.

        Raises:
            ValueError: where a modality has other dimensions than fitted.
        """
        points = self.space.embed(vectors)
        codes = np.full((len(points), len(self.levels)), NO_CODE, np.int64)
        known = self.space.known(vectors)
        if known.any() and self.levels:
            codes[known] = assign_points(along(points[known], self.axes), self.levels)
        return codes

    def reconstruct(self, codes: Ints) -> Floats:
        """What the codes say of the points.

        Args:
            codes: (N, L') int64 with L' <= L: the first levels alone do too.

        Returns:
            (N, D) float32 in the space of `space`; zeros where there is no code.
        """
        size = self.space.dimensions if self.axes is None else len(self.axes)
        points = np.zeros((len(codes), size), np.float32)
        for level, column in zip(self.levels, codes.T, strict=False):
            has = column != NO_CODE
            points[has] += level[column[has]]
        return points if self.axes is None else points @ self.axes


@dataclass(frozen=True, slots=True)
class SemanticIds:
    """Both IDs of an item: the flat one and the residual codes, fitted in the same space."""

    flat: Codebooks
    residual: Codebooks

    def to_arrays(self) -> dict[str, Floats]:
        """For an artifact; from_arrays() reads them without torch."""
        return {
            **self.residual.space.to_arrays(),
            f"{FLAT_PREFIX}0": self.flat.levels[0],
            **{f"{LEVEL_PREFIX}{n}": level for n, level in enumerate(self.residual.levels)},
            **({} if self.residual.axes is None else {AXES: self.residual.axes}),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "SemanticIds":
        """What to_arrays() gave.

        Raises:
            KeyError: where an array is missing.
        """
        space = ContentSpace.from_arrays(arrays)
        count = sum(name.startswith(LEVEL_PREFIX) for name in arrays)
        levels = [np.asarray(arrays[f"{LEVEL_PREFIX}{n}"], np.float32) for n in range(count)]
        flat = np.asarray(arrays[f"{FLAT_PREFIX}0"], np.float32)
        axes = np.asarray(arrays[AXES], np.float32) if AXES in arrays else None
        return cls(flat=Codebooks(space, (flat,)), residual=Codebooks(space, tuple(levels), axes))


def fit_semantic_ids(
    vectors: Vectors,
    *,
    config: SemanticIdConfig,
    seed: int,
    available: Bools | None = None,
) -> SemanticIds:
    """Both IDs; see fit_flat() and fit_residual()."""
    space = fit_space(vectors, available)
    flat = fit_flat(vectors, k=config.flat, seed=seed, available=available, space=space)
    residual = fit_residual(vectors, config=config, seed=seed, available=available, space=space)
    return SemanticIds(flat=flat, residual=residual)


def fit_flat(
    vectors: Vectors,
    *,
    k: int | None = None,
    seed: int,
    available: Bools | None = None,
    space: ContentSpace | None = None,
) -> Codebooks:
    """The flat ID: one level of K clusters (M3CSR).

    Args:
        vectors: by modality (N, D_m) float32; a row of zeros where an item lacks it.
        k: clusters; None follows the number of items.
        seed: equal ones give equal centroids.
        available: (N,) bool, the items that existed at the moment of fitting; None for all.
        space: fitted already; None fits it.

    Returns:
        Codebooks of one level.

    Raises:
        ValueError: where no available item has content, or a value is not finite.
    """
    space = space or fit_space(vectors, available)
    points = _fitted_points(vectors, available, space)
    k = k or flat_codes_for(len(points))
    rng = np.random.default_rng([seed, 0])
    return Codebooks(space, (fit_centroids(points, k, generator=rng),))


def fit_residual(
    vectors: Vectors,
    *,
    config: SemanticIdConfig,
    seed: int,
    available: Bools | None = None,
    space: ContentSpace | None = None,
) -> Codebooks:
    """Residual codes: K-means at each level on what the levels before left over.

    Fewer than `ITEMS_PER_AXIS` items for each dimension are compared along their main axes.

    Args:
        vectors: by modality (N, D_m) float32; a row of zeros where an item lacks it.
        config: levels L and codes of each.
        seed: equal ones give equal centroids.
        available: (N,) bool, the items that existed at the moment of fitting; None for all.
        space: fitted already; None fits it.

    Returns:
        Codebooks of L levels.

    Raises:
        ValueError: where no available item has content, or a value is not finite.
    """
    space = space or fit_space(vectors, available)
    left = _fitted_points(vectors, available, space)
    size = config.codes or codes_for(len(left))
    axes = _main_axes(left)
    left = along(left, axes)
    levels = []
    for number in range(config.levels):
        rng = np.random.default_rng([seed, 1, number])
        level = fit_centroids(left, size, generator=rng)
        left = left - level[nearest_centroids(left, level)]
        levels.append(level)
    return Codebooks(space, tuple(levels), axes)


def along(points: Floats, axes: Floats | None) -> Floats:
    """Points (N, D) along the axes (A, D): (N, A) float32; as they are without any.

    In double precision, so that a point does not depend on those it is asked together with.
    """
    if axes is None:
        return points
    return np.asarray(points.astype(np.float64) @ axes.T.astype(np.float64), np.float32)


def assign_points(points: Floats, levels: Sequence[Floats]) -> Ints:
    """Codes of points.

    Args:
        points: (N, D) float32.
        levels: L arrays (C_l, D) float32.

    Returns:
        (N, L) int64.
    """
    codes = np.zeros((len(points), len(levels)), np.int64)
    left = points
    for number, level in enumerate(levels):
        codes[:, number] = nearest_centroids(left, level)
        left = left - level[codes[:, number]]
    return codes


def collisions(codes: Ints, taken: Mapping[tuple[int, ...], Iterable[int]] | None = None) -> Ints:
    """The last column of an ID: tells items of the same codes apart.

    Args:
        codes: (N, L) int64, in the order of the items' ids: then a rebuild gives the same.
        taken: for codes that items outside these have already, their numbers.

    Returns:
        (N,) int64: 0 for the first item of some codes, then 1, and so on, past what is taken.
    """
    following = {key: max(numbers, default=-1) + 1 for key, numbers in (taken or {}).items()}
    found = np.zeros(len(codes), np.int64)
    for row, key in enumerate(map(tuple, codes.tolist())):
        found[row] = following.get(key, 0)
        following[key] = int(found[row]) + 1
    return found


def random_codes(items: int, sizes: Sequence[int], *, seed: int) -> Ints:
    """The control: codes that say nothing, of the same sizes.

    Returns:
        (N, L) int64, uniform over each level.
    """
    rng = np.random.default_rng([seed, 2])
    return np.stack([rng.integers(size, size=items) for size in sizes], axis=1).astype(np.int64)


def shuffled_codes(codes: Ints, *, seed: int) -> Ints:
    """The sharper control: the same codes, as often as they are, given to other items.

    Returns:
        (N, L) int64; an item without a code stays without.
    """
    shuffled = codes.copy()
    has = np.flatnonzero((codes != NO_CODE).all(axis=1))
    shuffled[has] = codes[np.random.default_rng([seed, 3]).permutation(has)]
    return shuffled


def _main_axes(points: Floats) -> Floats | None:
    """The axes (A, D) along which the points (P, D) vary most; None where all of them serve."""
    wanted = max(LEAST_AXES, len(points) // ITEMS_PER_AXIS)
    if wanted >= points.shape[1]:
        return None
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)  # the weakest first
    return np.ascontiguousarray(axes[:, ::-1][:, :wanted].T, np.float32)


def _fitted_points(vectors: Vectors, available: Bools | None, space: ContentSpace) -> Floats:
    known = space.known(vectors)
    if available is not None:
        known &= available
    if not known.any():
        raise ValueError("No item has content to make codes of.")
    return space.embed({name: table[known] for name, table in vectors.items()})
