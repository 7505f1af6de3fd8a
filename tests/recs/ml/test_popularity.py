"""Counts that fade, by hand-worked numbers."""

import numpy as np
import pytest

from recs.ml.popularity import PopularityConfig, popularity, shrunk_mean


def test_counts_people_and_fading_are_those_worked_by_hand():
    # Item 7: person 1 on day 0 and again on day 100, person 2 on day 100; item 9: person 2, day 3.
    found = popularity(
        people=np.array([1, 1, 2, 2]),
        items=np.array([7, 7, 7, 9]),
        times=np.array([0.2, 100.1, 100.9, 3.5]),
        config=PopularityConfig(half_life_days=1.0),
    )
    assert found.items.tolist() == [7, 9]
    assert found.wanted.tolist() == [3, 1]
    assert found.people.tolist() == [2, 1]
    # Three active days: day 0 is two old, day 3 is one old, day 100 is the last.
    assert found.trending.tolist() == [0.25 + 1 + 1, 0.5]


def test_one_click_after_years_of_silence_does_not_outweigh_the_log():
    days = np.arange(100, dtype=np.float64)
    found = popularity(
        people=np.arange(101),
        items=np.array([1] * 100 + [2]),
        times=np.append(days, 5000.0),
        config=PopularityConfig(),
    )
    assert found.trending[0] > found.trending[1]


def test_ratings_are_drawn_toward_the_mean_of_all():
    means = shrunk_mean(
        sums=np.array([5.0, 300.0]),
        counts=np.array([1.0, 100.0]),
        config=PopularityConfig(rating_prior=10.0),
    )
    overall = 305 / 101
    assert means.tolist() == pytest.approx([(5 + 10 * overall) / 11, (300 + 10 * overall) / 110])


def test_nothing_happened_gives_nothing():
    none = np.array([], dtype=np.int64)
    found = popularity(
        people=none, items=none, times=np.array([], dtype=np.float64), config=PopularityConfig()
    )
    assert len(found.items) == 0
