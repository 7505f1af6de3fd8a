"""The coefficients against published examples, scikit-learn, and slow, obvious versions."""

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from catalog.judging.agreement import INTERVAL, NOMINAL, ORDINAL, cohen_kappa, krippendorff_alpha

# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section C: four observers,
# twelve units, five values, missing ones as None.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def counts_of(observers, values):
    units = list(zip(*observers, strict=True))
    return np.array([[unit.count(value) for value in values] for unit in units], np.int64)


def slow_alpha(units, squared):
    """Every value against every other of its unit, and against every other at all."""
    units = [[value for value in unit if value is not None] for unit in units]
    units = [unit for unit in units if len(unit) >= 2]
    values = [value for unit in units for value in unit]
    observed = sum(
        squared(a, b) / (len(unit) - 1)
        for unit in units
        for a, b in itertools.permutations(unit, 2)
    ) / len(values)
    expected = sum(squared(a, b) for a, b in itertools.permutations(values, 2))
    return 1 - observed / (expected / (len(values) * (len(values) - 1)))


@pytest.mark.parametrize(("level", "told"), [(NOMINAL, 0.743), (ORDINAL, 0.815), (INTERVAL, 0.849)])
def test_krippendorffs_own_example(level, told):
    alpha = krippendorff_alpha(counts_of(OBSERVERS, range(1, 6)), level=level)
    assert round(alpha.value, 3) == told
    # The twelfth unit has one value.
    assert alpha.pairs == 11
    assert alpha.low < alpha.value < alpha.high <= 1


def test_krippendorffs_example_of_two_observers():
    """The same paper, section A: ten units, binary; alpha is .095."""
    observers = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert round(krippendorff_alpha(counts_of(observers, (0, 1)), level=NOMINAL).value, 3) == 0.095


@pytest.mark.parametrize("seed", range(5))
def test_alpha_equals_the_slow_one_whatever_is_missing(seed):
    rng = np.random.default_rng(seed)
    observers = [
        [int(v) if rng.random() < 0.6 else None for v in rng.integers(0, 4, 40)] for _ in range(5)
    ]
    units = list(zip(*observers, strict=True))
    counts = counts_of(observers, range(4))
    for level, squared in ((NOMINAL, lambda a, b: float(a != b)),
                           (INTERVAL, lambda a, b: float((a - b) ** 2))):  # fmt: skip
        assert krippendorff_alpha(counts, level=level).value == pytest.approx(
            slow_alpha(units, squared)
        )


def test_the_example_of_fleiss_for_kappa():
    """J. L. Fleiss, Statistical Methods for Rates and Proportions, 2nd ed., 1981, ch. 13: .68."""
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]], np.int64)
    kappa = cohen_kappa(table)
    assert round(kappa.value, 2) == 0.68
    assert kappa.pairs == 100
    assert kappa.low < 0.676 < kappa.high


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("quadratic", [False, True])
def test_kappa_equals_that_of_scikit_learn(seed, quadratic):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 80)
    second = np.where(rng.random(80) < 0.5, first, rng.integers(0, 4, 80))
    table = np.zeros((4, 4), np.int64)
    np.add.at(table, (first, second), 1)
    ours = cohen_kappa(table, quadratic=quadratic).value
    theirs = cohen_kappa_score(
        first, second, labels=range(4), weights="quadratic" if quadratic else None
    )
    assert ours == pytest.approx(theirs)


def test_the_interval_is_as_wide_as_theory_says():
    """Cohen, 1960: the standard error of kappa is sqrt(po (1 - po) / (n (1 - pe) ** 2))."""
    table = np.array([[400, 100], [100, 400]], np.int64)
    kappa = cohen_kappa(table)
    error = math.sqrt(0.8 * 0.2 / (1000 * 0.5**2))
    assert kappa.value == pytest.approx(0.6)
    assert kappa.high - kappa.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_who_always_says_the_same_agrees_by_chance():
    table = np.zeros((4, 4), np.int64)
    table[3] = [5, 10, 10, 15]
    assert cohen_kappa(table).value == pytest.approx(0)
    assert cohen_kappa(table, quadratic=True).value == pytest.approx(0)


def test_where_nothing_differs_or_nothing_is_shared_there_is_no_coefficient():
    same = np.zeros((4, 4), np.int64)
    same[2, 2] = 9
    assert (cohen_kappa(same).value, cohen_kappa(same).pairs) == (None, 9)
    assert cohen_kappa(np.zeros((4, 4), np.int64)).value is None
    assert krippendorff_alpha(np.array([[0, 0, 2, 0]] * 5)).value is None
    assert krippendorff_alpha(np.array([[0, 0, 1, 0]] * 5)).pairs == 0
    assert krippendorff_alpha(np.zeros((0, 4), np.int64)).value is None


def test_perfect_agreement_is_one_and_the_same_numbers_give_the_same_interval():
    table = np.diag([3, 4, 5, 6]).astype(np.int64)
    assert cohen_kappa(table).value == pytest.approx(1)
    assert krippendorff_alpha(np.eye(4, dtype=np.int64) * 2).value == pytest.approx(1)
    mixed = np.array([[3, 1], [1, 3]])
    assert cohen_kappa(mixed) == cohen_kappa(mixed)
