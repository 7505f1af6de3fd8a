import math
import subprocess
import sys

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.metrics import (
    bootstrap,
    mean_metrics,
    ndcg_at,
    paired_bootstrap,
    ranks_of_targets,
    recall_at,
)


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_the_rank_is_the_number_of_better_items():
    found = ranks_of_targets(scores([9, 3, 1, 2], [0, 1, 2, 3]), np.array([2, 3]))
    # The padding's score, row 0, is the best of the first person and counts for nothing.
    assert found.tolist() == [2, 0]


def test_ties_count_against_the_target():
    same = np.zeros((2, 6), np.float32)
    assert ranks_of_targets(same, np.array([1, 5])).tolist() == [4, 4]


def test_seen_items_are_no_candidates_but_a_seen_target_is():
    rows = scores([0, 5, 4, 3, 2], [0, 5, 4, 3, 2])
    seen = Histories.of_lists([[1, 1, 2], [1, 4]])
    assert ranks_of_targets(rows, np.array([4, 4]), seen).tolist() == [1, 2]


def test_ranks_are_those_of_a_plain_loop():
    random = np.random.default_rng(0)
    table = random.integers(0, 5, (30, 12)).astype(np.float32)
    targets = random.integers(1, 12, 30)
    lists = [random.integers(1, 12, random.integers(0, 6)).tolist() for _ in range(30)]
    wanted = []
    for row, target, seen in zip(table, targets, lists, strict=True):
        others = set(range(1, 12)) - set(seen) - {int(target)}
        wanted.append(sum(row[item] >= row[target] for item in others))
    assert ranks_of_targets(table, targets, Histories.of_lists(lists)).tolist() == wanted


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(ValueError, match="padding"):
        ranks_of_targets(scores([0, 1]), np.array([0]))
    with pytest.raises(ValueError, match="not a number"):
        ranks_of_targets(scores([0, 1, math.nan]), np.array([1]))


def test_recall_and_ndcg_of_ranks_worked_by_hand():
    ranks = np.array([0, 1, 4, 5, 9, 10])
    assert recall_at(ranks, 5).tolist() == [1, 1, 1, 0, 0, 0]
    assert recall_at(ranks, 10).tolist() == [1, 1, 1, 1, 1, 0]
    wanted = [1, 1 / math.log2(3), 1 / math.log2(6), 1 / math.log2(7), 1 / math.log2(11), 0]
    assert ndcg_at(ranks, 10).tolist() == pytest.approx(wanted)
    means = mean_metrics(ranks)
    assert means["recall@5"] == 0.5
    assert means["ndcg@10"] == pytest.approx(sum(wanted) / 6)
    assert set(mean_metrics(ranks[:0]).values()) == {0.0}


def test_a_difference_of_everybody_has_no_spread():
    a = np.random.default_rng(0).random(50)
    interval = paired_bootstrap(a + 0.25, a, draws=100)
    assert (interval.mean, interval.low, interval.high) == pytest.approx((0.25, 0.25, 0.25))


def test_pairing_sees_what_means_alone_do_not():
    random = np.random.default_rng(0)
    a = random.random(500)
    b = a - 0.02 + random.normal(0, 0.02, 500)
    paired = paired_bootstrap(a, b, draws=500)
    assert paired.low > 0
    # Of the two alone the bounds overlap.
    assert bootstrap(a, draws=500).low < bootstrap(b, draws=500).high


def test_the_interval_covers_as_often_as_it_says():
    """Of 200 samples with a known mean about 5 % miss it."""
    missed = 0
    for seed in range(200):
        sample = np.random.default_rng(seed).exponential(1.0, 80)
        interval = bootstrap(sample, draws=200, seed=seed)
        missed += not interval.low <= 1.0 <= interval.high
    assert 4 <= missed <= 26


def test_the_same_seed_draws_the_same_people():
    values = np.random.default_rng(0).random(50)
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_nobody_and_other_people_are_refused():
    with pytest.raises(ValueError, match="nobody"):
        bootstrap(np.zeros(0))
    with pytest.raises(ValueError, match="same people"):
        paired_bootstrap(np.zeros(3), np.zeros(2))


def test_nothing_here_needs_torch():
    code = (
        "import sys; import recs.ml.metrics, recs.ml.scorers, recs.ml.artifacts, recs.ml.fit_types;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
