"""Quality: the identity, quantiles, smoothing, the search for weights."""

import numpy as np
import pytest

from recs.ml.unified.quality import (
    choose_weights,
    fit_quantiles,
    smoothed_rating,
    with_quality,
    with_weights,
)


def test_one_product_counts_what_fits_and_what_is_good():
    random = np.random.default_rng(0)
    p, q = random.normal(size=(50, 16)), random.normal(size=(7, 16))
    f, w = random.random((50, 4)), random.random(4)
    joined = (
        with_weights(q.astype(np.float32), w.astype(np.float32))
        @ with_quality(p.astype(np.float32), f.astype(np.float32)).T
    )
    assert np.abs(joined - (q @ p.T + f @ w)).max() < 1e-5


def test_quantiles_are_shares_of_items_and_ties_share_the_middle():
    values = np.concatenate([np.zeros(50), np.arange(1, 51)])[:, None].astype(float)
    table = fit_quantiles(values).apply(np.array([[0.0], [25.0], [50.0], [99.0], [np.nan]]))
    assert table[:, 0] == pytest.approx([0.25, 0.75, 1.0, 1.0, 0.5], abs=0.02)


def test_nothing_known_is_the_middle():
    values = np.full((5, 1), np.nan)
    assert fit_quantiles(values).apply(values).tolist() == [[0.5]] * 5


def test_few_ratings_stay_near_the_mean():
    sums, counts = np.array([1.0, 90.0, 0.0]), np.array([1.0, 100.0, 0.0])
    rating = smoothed_rating(sums, counts)
    overall = 91 / 101
    assert rating[2] == pytest.approx(overall)
    assert abs(rating[0] - overall) < 0.1
    assert rating[1] == pytest.approx(0.9, abs=0.01)


def test_the_search_finds_what_measures_best_and_says_what_zero_gave():
    target = np.array([0.3, 0.1])

    def measure(weights):
        return -float(((weights - target) ** 2).sum())

    weights, found = choose_weights(measure, 2, trials=32, rounds=3)
    assert np.abs(weights - target).max() < 0.06
    assert found["zero"] == pytest.approx(-0.1)
    assert found["best"] == pytest.approx(measure(weights))


def test_where_quality_only_harms_the_weights_stay_zero():
    weights, _ = choose_weights(lambda w: -float(w.sum()), 3, trials=8)
    assert not weights.any()
