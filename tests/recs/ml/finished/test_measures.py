import numpy as np
import pytest

from recs.ml.finished import measures

TRUTH = np.array([True, True, False, False, True])
PEOPLE = ["a", "a", "b", "b", "c"]


def test_precision_and_recall_by_hand():
    said = np.array([True, False, True, False, False])
    found = measures.quality(said, TRUTH, PEOPLE)
    assert found.precision.value == pytest.approx(1 / 2)
    assert found.recall.value == pytest.approx(1 / 3)
    assert found.f1.value == pytest.approx(2 / 5)
    assert found.precision.low <= found.precision.value <= found.precision.high


def test_the_difference_of_a_rule_with_itself_is_nothing():
    said = np.array([True, False, True, False, False])
    found = measures.f1_difference(said, said, TRUTH, PEOPLE)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_lowest_threshold_that_is_precise_enough():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert measures.threshold_for(scores, TRUTH, precision=1.0) == 0.8
    assert measures.threshold_for(scores, TRUTH, precision=0.6) == 0.5
    assert measures.threshold_for(scores, ~TRUTH, precision=0.9) == float("inf")


def test_equal_scores_stand_or_fall_together():
    scores = np.array([0.9, 0.5, 0.5, 0.1, 0.1])
    assert measures.threshold_for(scores, TRUTH, precision=1.0) == 0.9


def test_the_best_threshold_and_that_of_a_recall():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert measures.best_threshold(scores, TRUTH) == 0.8
    assert measures.threshold_for_recall(scores, TRUTH, recall=0.8) == 0.5
    assert measures.threshold_for_recall(scores, TRUTH, recall=0.6) == 0.8


def test_chances_that_are_true_have_no_calibration_error():
    chances = np.array([0.25] * 4 + [0.75] * 4)
    truth = np.array([True, False, False, False, True, True, True, False])
    assert measures.calibration_error(chances, truth) == pytest.approx(0.0)
    assert measures.calibration_error(chances, ~truth) == pytest.approx(0.5)
    assert measures.reliability(chances, truth) == [(0.25, 0.25, 4), (0.75, 0.75, 4)]
