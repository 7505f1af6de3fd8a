import numpy as np
import pytest

from recs.ml import kmeans
from recs.ml.kmeans import fit_centroids, nearest_centroids


def blobs(seed=0, clusters=5, each=40, dimensions=8, spread=0.05):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, dimensions))
    points = np.repeat(centres, each, axis=0) + spread * rng.normal(
        size=(clusters * each, dimensions)
    )
    return points.astype(np.float32), centres.astype(np.float32)


def fit(points, k, seed=0):
    return fit_centroids(points, k, generator=np.random.default_rng(seed))


def test_finds_clusters_that_are_there():
    points, centres = blobs()
    found = fit(points, 5)
    distances = np.linalg.norm(found[:, None] - centres[None], axis=2)
    assert distances.min(axis=0).max() < 0.1


def test_the_same_seed_gives_the_same_centroids_and_another_one_others():
    points = np.random.default_rng(1).normal(size=(500, 16)).astype(np.float32)
    assert np.array_equal(fit(points, 20), fit(points, 20))
    assert not np.array_equal(fit(points, 20), fit(points, 20, seed=1))


def test_no_cluster_is_empty():
    points, _ = blobs(clusters=3, each=100, spread=0.01)
    points[0] = 50.0  # far from everything
    used = np.bincount(nearest_centroids(points, fit(points, 30)), minlength=30)
    assert (used > 0).all()


def test_fewer_different_points_than_clusters_gives_each_its_own():
    points = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    found = fit(points, 8)
    assert found.shape == (3, 3)
    assert np.array_equal(np.sort(nearest_centroids(points, found)), np.repeat([0, 1, 2], 10))


def test_negative_zero_is_no_point_of_its_own():
    assert len(fit(np.array([[0.0, 0.0], [-0.0, 0.0]], np.float32), 2)) == 1


def test_nearest_equals_the_obvious_loop():
    rng = np.random.default_rng(2)
    points, centroids = rng.normal(size=(50, 6)), rng.normal(size=(7, 6))
    slow = [int(np.argmin([((p - c) ** 2).sum() for c in centroids])) for p in points]
    fast = nearest_centroids(points.astype(np.float32), centroids.astype(np.float32))
    assert fast.tolist() == slow


def test_a_point_gets_the_same_centroid_alone_and_among_many(monkeypatch):
    rng = np.random.default_rng(3)
    points = rng.normal(size=(300, 64)).astype(np.float32)
    centroids = fit(points, 40)
    together = nearest_centroids(points, centroids)
    assert [int(nearest_centroids(p[None], centroids)[0]) for p in points] == together.tolist()
    monkeypatch.setattr(kmeans, "CHUNK_ROWS", 7)
    assert np.array_equal(nearest_centroids(points, centroids), together)


def test_of_equally_near_centroids_the_first_is_taken():
    centroids = np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)
    assert nearest_centroids(np.zeros((1, 2), np.float32), centroids).tolist() == [0]


def test_large_sets_are_sampled(monkeypatch):
    monkeypatch.setattr(kmeans, "MAX_FITTED_POINTS", 60)
    points, centres = blobs()
    found = fit(points, 5)
    assert np.linalg.norm(found[:, None] - centres[None], axis=2).min(axis=0).max() < 0.2


@pytest.mark.parametrize(("points", "k"), [(np.zeros((0, 3)), 2), (np.ones((3, 3)), 0)])
def test_nothing_cannot_be_clustered(points, k):
    with pytest.raises(ValueError, match="cannot make"):
        fit(points.astype(np.float32), k)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        fit(np.array([[np.nan, 0.0]], np.float32), 1)
