from dataclasses import replace

import numpy as np
import pytest

from recs.ml.relevance.ranker import smoothed, standard
from tests.recs.ml.relevance.world import SMALL


def test_smoothing_is_a_plain_loop():
    random = np.random.default_rng(0)
    table = random.normal(size=(7, 5)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    scores = random.normal(size=7)
    groups = np.array([0, 1, 0, 0, 1, 0, 2])
    config = replace(SMALL, smoothing=0.3, sharpness=2.0)
    found = smoothed(scores, groups, table, config)
    for place in range(7):
        others = [o for o in range(7) if groups[o] == groups[place] and o != place]
        if not others:
            assert found[place] == scores[place]
            continue
        weights = [np.exp(2.0 * (float(table[o] @ table[place]) - 1.0)) for o in others]
        around = sum(w * scores[o] for w, o in zip(weights, others, strict=True)) / sum(weights)
        assert found[place] == pytest.approx(0.7 * scores[place] + 0.3 * around, abs=1e-6)


def test_what_nothing_is_like_keeps_its_score():
    table = np.eye(3, dtype=np.float32)
    scores = np.array([1.0, 2.0, 3.0])
    config = replace(SMALL, sharpness=60.0)
    assert smoothed(scores, np.zeros(3, np.int64), table, config).tolist() == [1, 2, 3]


def test_standard_scores_have_mean_0_and_spread_1_or_are_0():
    found = standard([1.0, 2.0, 6.0])
    assert found.mean() == pytest.approx(0)
    assert found.std() == pytest.approx(1)
    assert standard([4.0, 4.0]).tolist() == [0, 0]
    assert len(standard([])) == 0
