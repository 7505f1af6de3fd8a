"""The Gini coefficient: its bounds, and against the definition's double sum."""

import random

import pytest

from search.exploration.gini import gini


def slow(values):
    mean = sum(values) / len(values)
    return sum(abs(a - b) for a in values for b in values) / (2 * len(values) ** 2 * mean)


def test_even_exposure_is_zero_and_one_item_alone_is_nearly_one():
    assert gini([3, 3, 3, 3], items=4) == pytest.approx(0)
    assert gini([9], items=100) == pytest.approx(0.99)
    assert gini([], items=10) == 0
    assert gini([5], items=1) == pytest.approx(0)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_half_the_relative_mean_difference(seed):
    draw = random.Random(seed)
    values = [draw.choice((0, 0, 1, 2, 9)) for _ in range(30)] + [1]
    found = gini([value for value in values if value], items=len(values))
    assert found == pytest.approx(slow(values))
    assert 0 <= found < 1
    assert gini(values, items=len(values)) == pytest.approx(found)  # zeros are given or not


def test_more_items_shown_than_there_are_is_refused():
    with pytest.raises(ValueError, match="2 items"):
        gini([1, 1], items=1)
