import math

import numpy as np
import pytest

from recs.ml.relevance.measures import (
    auc,
    calibration_error,
    clear_pairs,
    ndcg_by_query,
    recall_by_query,
)
from tests.recs.ml.relevance.world import pairs_of, rows


def test_ndcg_is_worked_by_hand():
    listed = rows()[:4]
    for row, grade in zip(listed, (4, 1, 3, 2), strict=True):
        row["median_relevance"] = str(grade)
    pairs = pairs_of(listed)
    # Best first: grades 3, 4, 1, 2.
    scores = [3.0, 2.0, 4.0, 1.0]
    gained = 3 / math.log2(2) + 7 / math.log2(3) + 0 + 1 / math.log2(5)
    ideal = 7 / math.log2(2) + 3 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_by_query(scores, pairs).tolist() == pytest.approx([gained / ideal])
    assert ndcg_by_query(scores, pairs, k=1).tolist() == pytest.approx([3 / 7])


def test_ndcg_is_a_mean_over_queries_with_something_good():
    listed = rows()
    for row in listed[:9]:
        row["median_relevance"] = "1"
    pairs = pairs_of(listed)
    found = ndcg_by_query(pairs.grades, pairs)
    assert found.tolist() == pytest.approx([1.0] * 5)


def test_a_constant_score_gains_what_chance_does():
    pairs = pairs_of(rows())
    assert 0.3 < ndcg_by_query(np.zeros(len(pairs)), pairs).mean() < 0.95


def test_auc_is_the_share_of_pairs_in_order_ties_half():
    bad = np.array([True, False, True, False, False])
    scores = np.array([0.9, 0.1, 0.5, 0.5, 0.7])
    pairs = [(b, g) for b in scores[bad] for g in scores[~bad]]
    wanted = np.mean([1.0 if b > g else 0.5 if b == g else 0.0 for b, g in pairs])
    assert auc(scores, bad) == pytest.approx(wanted)
    assert math.isnan(auc(scores, np.ones(5, bool)))


def test_calibration_error_is_worked_by_hand():
    bad = np.array([True, False, True, False])
    # Bins 0 (.05, .05) and 9 (.95, 1.0).
    assert calibration_error([0.05, 0.05, 0.95, 1.0], bad) == pytest.approx(
        (abs(0.1 - 1) + abs(1.95 - 1)) / 4
    )
    assert calibration_error([1.0, 0.0, 1.0, 0.0], bad) == 0.0


def test_unclear_pairs_are_left_out():
    pairs = pairs_of(rows()[:9])
    places, bad = clear_pairs(pairs)
    assert pairs.grades[places].tolist() == [4, 4, 4, 3, 3, 1, 1, 1]
    assert bad.tolist() == [False] * 5 + [True] * 3


def test_recall_counts_what_is_among_the_first():
    ranked = [np.array([3, 1, 2]), np.array([5, 4])]
    relevant = [np.array([2, 3]), np.array([9])]
    assert recall_by_query(ranked, relevant, 2).tolist() == [0.5, 0.0]
    assert recall_by_query(ranked, relevant, 3).tolist() == [1.0, 0.0]
