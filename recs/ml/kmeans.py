"""K-means that gives the same centroids for the same points, whatever the points are like."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MAX_ITERATIONS = 25
# More points move the centroids of a few hundred clusters no further, and cost time.
MAX_FITTED_POINTS = 50_000
# Rows that are compared with all centroids at once: bounds the memory, changes no result.
CHUNK_ROWS = 4096


def fit_centroids(
    points: Floats,
    k: int,
    *,
    generator: np.random.Generator,
    iterations: int = MAX_ITERATIONS,
) -> Floats:
    """Centroids of at most k clusters: Lloyd's iterations from a k-means++ start.

    Linear in the points. Clusters that run empty are filled from the farthest points. Beyond
    `MAX_FITTED_POINTS` points a sample of that size is used.

    Args:
        points: (P, D) float32, P >= 1.
        k: clusters wanted, >= 1.
        generator: where the start is drawn from; equal ones give equal centroids.
        iterations: at most so many.

    Returns:
        (C, D) float32. C is k, or the number of different points where that is smaller.

    Raises:
        ValueError: without points, for a k below 1, and for values that are not finite.
    """
    if len(points) == 0 or k < 1:
        raise ValueError(f"{len(points)} points cannot make {k} clusters.")
    if not np.isfinite(points).all():
        raise ValueError("Some points are not finite.")
    points = _sample(points, generator)
    different = _distinct(points)
    if len(different) <= k:
        return different
    return _lloyd(points, k, generator, iterations)


def nearest_centroids(points: Floats, centroids: Floats) -> Ints:
    """The nearest centroid of each point, the first of equally near ones.

    In double precision, so that a point gets the same centroid whatever it is asked together with.

    Args:
        points: (P, D) float32.
        centroids: (C, D) float32, C >= 1.

    Returns:
        (P,) int64, 0 to C - 1.
    """
    table = centroids.astype(np.float64)
    lengths = np.einsum("cd,cd->c", table, table)  # (C,)
    found = np.zeros(len(points), np.int64)
    for rows in _chunks(len(points)):
        products = points[rows].astype(np.float64) @ table.T  # (R, C)
        found[rows] = np.argmin(lengths - 2.0 * products, axis=1)
    return found


def _lloyd(points: Floats, k: int, generator: np.random.Generator, iterations: int) -> Floats:
    # Imported here: it takes a second, and only a fit needs it.
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    fit = KMeans(
        n_clusters=k,
        n_init=1,
        max_iter=iterations,
        random_state=int(generator.integers(2**31)),
    )
    # With several threads the sums come in another order at each run.
    with threadpool_limits(limits=1):
        fit.fit(np.ascontiguousarray(points, dtype=np.float32))
    return np.asarray(fit.cluster_centers_, dtype=np.float32)


def _sample(points: Floats, generator: np.random.Generator) -> Floats:
    if len(points) <= MAX_FITTED_POINTS:
        return points
    rows = generator.choice(len(points), MAX_FITTED_POINTS, replace=False)
    return points[np.sort(rows)]


def _distinct(points: Floats) -> Floats:
    """Each different row once, in the order of first appearance."""
    first: dict[bytes, int] = {}
    for row, point in enumerate(np.ascontiguousarray(points + 0.0)):  # + 0.0 makes -0.0 equal 0.0
        first.setdefault(point.tobytes(), row)
    return points[list(first.values())]


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK_ROWS) for start in range(0, rows, CHUNK_ROWS))
