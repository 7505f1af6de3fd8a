"""Exact bounds: against scipy, against counting, and against samples drawn again and again."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from search.acceptance import few_bad, needed, proven_good, share_interval


@pytest.mark.parametrize(
    ("good", "reviewed"), [(0, 1), (1, 1), (0, 30), (29, 30), (30, 30), (97, 110), (500, 900)]
)
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(good, reviewed):
    low, high = share_interval(good, reviewed)
    exact = stats.binomtest(good, reviewed).proportion_ci(0.95, method="exact")
    assert low == pytest.approx(exact.low, abs=1e-9)
    assert high == pytest.approx(exact.high, abs=1e-9)


def test_nothing_reviewed_proves_nothing():
    assert share_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("bad", "size"), [(0, 29), (1, 46), (2, 61), (3, 76), (5, 103)])
def test_the_table_of_sizes_is_the_known_one_for_nine_in_ten(bad, size):
    assert needed(0.9, bad) == size


def test_a_small_batch_takes_a_smaller_sample_and_a_tiny_one_every_row():
    assert needed(0.9, 0, population=100) < needed(0.9, 0)
    assert needed(0.9, 0, population=5) == 5
    assert needed(0.9, 1, population=5) is None
    assert needed(0.9, 0, population=0) is None


def test_the_chance_of_few_bad_ones_is_what_counting_gives():
    population, all_bad, size = 9, 4, 3
    draws = list(combinations(range(population), size))
    for bad in range(size + 1):
        few = sum(sum(row < all_bad for row in draw) <= bad for draw in draws)
        assert few_bad(bad, size, all_bad, population) == pytest.approx(few / len(draws))


def test_what_is_proven_is_the_worst_that_would_be_no_surprise():
    for population, size, good in [(40, 10, 10), (40, 10, 8), (12, 12, 9), (200, 29, 29)]:
        told = proven_good(good, size, population)
        bad = size - good
        fits = [
            all_bad for all_bad in range(bad, population - good + 1)
            if few_bad(bad, size, all_bad, population) > 0.05
        ]  # fmt: skip
        assert told == population - max(fits)
    assert proven_good(9, 12, 12) == 9


def test_the_bound_holds_in_nineteen_of_twenty_samples():
    rng = np.random.default_rng(4)
    population, good = 150, 128
    draws = rng.hypergeometric(good, population - good, 40, size=4000)
    bounds = {int(n): proven_good(int(n), 40, population) for n in np.unique(draws)}
    wrong = np.mean([bounds[int(n)] > good for n in draws])
    assert wrong <= 0.05
