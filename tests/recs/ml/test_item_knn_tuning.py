"""The search over item-kNN's numbers finds what is true of made-up people."""

import numpy as np
import pytest
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_knn import ItemKnnConfig
from recs.ml.item_knn_tuning import MISSED, TuningOptions, sparse_target_ranks, tune_item_knn

ITEMS = 120


def walks(seed, people=300, length=8):
    """Histories in which an item is followed by the next one or two rows, never by one before."""
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(people):
        row, walk = int(rng.integers(1, ITEMS + 1)), []
        for _ in range(length):
            walk.append(row)
            row = (row - 1 + int(rng.integers(1, 3))) % ITEMS + 1
        lists.append(walk)
    return Histories.of_lists([walk[:-1] for walk in lists]), np.array([w[-1] for w in lists])


def plain_ranks(scores, histories, targets):
    ranks = []
    for row, target in enumerate(targets):
        own = scores[row, target]
        left_out = {int(item) for item in histories.items_of(row)} - {int(target)}
        rivals = [i for i in range(1, scores.shape[1]) if i != target and i not in left_out]
        ranks.append(MISSED if own <= 0 else sum(scores[row, i] >= own for i in rivals))
    return ranks


def test_sparse_ranks_equal_the_plain_loop():
    rng = np.random.default_rng(0)
    people, items = 60, 25
    # Few different values, so that ties are many.
    scores = rng.integers(0, 4, size=(people, items + 1)).astype(np.float32)
    scores[:, 0] = 0
    lists = [rng.integers(1, items + 1, size=rng.integers(0, 9)).tolist() for _ in range(people)]
    histories = Histories.of_lists(lists)
    targets = rng.integers(1, items + 1, size=people)
    ranks = sparse_target_ranks(sparse.csr_matrix(scores), histories, targets)
    assert ranks.tolist() == plain_ranks(scores, histories, targets)


def test_the_search_gains_and_finds_the_direction():
    histories, targets = walks(seed=1)
    start = ItemKnnConfig(backward=1.0, window=7)
    few = TuningOptions(start=start, rounds=0)
    searched = TuningOptions(start=start, rounds=1)
    before = tune_item_knn(histories, targets, ITEMS, few)
    after = tune_item_knn(histories, targets, ITEMS, searched)
    assert before.trials == 1
    assert not before.finished
    assert after.ndcg > before.ndcg * 1.05
    assert after.knn.config.backward < 0.5


def test_the_same_search_finds_the_same():
    histories, targets = walks(seed=2, people=60)
    first, second = (tune_item_knn(histories, targets, ITEMS) for _ in range(2))
    assert first.finished
    assert second.finished
    assert first.knn.config == second.knn.config
    assert first.ndcg == second.ndcg


def test_no_seconds_give_the_start():
    histories, targets = walks(seed=3, people=40)
    found = tune_item_knn(histories, targets, ITEMS, TuningOptions(seconds=0.0))
    assert found.knn.config == ItemKnnConfig()
    assert not found.finished


@pytest.mark.parametrize("lists", [[], [[]], [[1, 2, 3]]])
def test_nobody_to_validate_on_leaves_the_start(lists):
    histories = Histories.of_lists(lists)
    found = tune_item_knn(histories, np.zeros(len(lists), np.int64), 3)
    assert found.knn.config == ItemKnnConfig()
    assert found.finished
    assert found.ndcg == 0.0


def test_of_many_people_the_seed_draws_some():
    histories, targets = walks(seed=4, people=80)
    found = [
        tune_item_knn(
            histories, targets, ITEMS, TuningOptions(rounds=0, most_people=20, seed=seed)
        ).ndcg
        for seed in (0, 0, 1, 2)
    ]
    assert found[0] == found[1]
    assert len(set(found)) > 1


@pytest.mark.slow
@pytest.mark.quality
def test_tuned_windows_reach_the_measured_mark_on_beauty(shared_data):
    lines = (shared_data / "beauty" / "sequences.txt").read_text().splitlines()
    lists = [[int(item) for item in line.split()[1:]] for line in lines]
    everything = Histories.of_lists([history for history in lists if len(history) >= 3])
    items = int(everything.items.max())
    known = everything.without_last(1)
    found = tune_item_knn(known.without_last(1), known.last_items(), items)
    scores = found.knn.sparse_scores(known, np.arange(len(known)))
    ranks = sparse_target_ranks(scores, known, everything.last_items())
    assert (ranks < 10).mean() > 0.0813
    assert (1 / np.log2(ranks[ranks < 10] + 2.0)).sum() / len(ranks) > 0.0504
