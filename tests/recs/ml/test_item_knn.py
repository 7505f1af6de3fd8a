"""Neighbours by sparse arrays against neighbours by loops."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.item_knn import BACKFILL, ItemKnn, ItemKnnConfig, count_pairs, fit_item_knn
from recs.ml.item_knn import similarities as fast_similarities

ITEMS = 30


def some_histories(seed=0, people=40):
    rng = np.random.default_rng(seed)
    lists = [rng.integers(1, ITEMS + 1, size=rng.integers(0, 14)).tolist() for _ in range(people)]
    return Histories.of_lists(lists)


def plain_similarities(histories, config):
    """The same in loops, before the cut to the best: {(item, candidate): similarity}."""
    score, times, frequency = defaultdict(float), defaultdict(int), defaultdict(int)
    for history in histories:
        history = [int(row) for row in history][-config.longest_history :]
        for row in history:
            frequency[row] += 1
        for first in range(len(history)):
            for second in range(first + 1, len(history)):
                gap, left, right = second - first, history[first], history[second]
                if gap > config.window or left == right:
                    continue
                weight = gap**-config.gap_power * len(history) ** -config.person_power
                score[left, right] += weight
                score[right, left] += weight * config.backward
                times[left, right] += 1
                times[right, left] += 1
    found = {}
    for (left, right), value in score.items():
        n = times[left, right]
        value *= n / (n + config.shrinkage)
        value /= frequency[left] ** config.source_power * frequency[right] ** config.target_power
        if value > 0:
            found[left, right] = value
    largest = max(found.values())
    return {pair: (value / largest) ** config.sharpness for pair, value in found.items()}


CONFIGS = [
    ItemKnnConfig(),
    ItemKnnConfig(window=2, backward=0.0, sharpness=1.0, shrinkage=0.0, history=2),
    ItemKnnConfig(longest_history=5, backward=1.0, source_power=0.0, target_power=0.7),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_similarities_equal_the_plain_loop(config):
    histories = some_histories()
    dense = fast_similarities(count_pairs(histories, ITEMS, config), config).toarray()
    expected = np.zeros((ITEMS + 1, ITEMS + 1))
    for pair, value in plain_similarities(histories, config).items():
        expected[pair] = value
    np.testing.assert_allclose(dense, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("config", CONFIGS)
def test_score_sums_what_the_newest_items_say(config):
    histories = some_histories()
    knn = fit_item_knn(histories, ITEMS, config)
    similar = plain_similarities(histories, config)
    counts = histories.newest(config.longest_history).counts(ITEMS)
    persons = np.array([3, 0, 7])
    scores = knn.score(histories, persons)
    assert scores.shape == (3, ITEMS + 1)
    assert scores.dtype == np.float32
    assert np.isneginf(scores[:, 0]).all()
    for row, person in enumerate(persons):
        newest = histories.items_of(person)[::-1][: config.history]
        for candidate in range(1, ITEMS + 1):
            expected = BACKFILL * counts[candidate] / counts.max() + sum(
                age**-config.recency_power * similar.get((int(item), candidate), 0.0)
                for age, item in enumerate(newest, start=1)
            )
            assert scores[row, candidate] == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_only_the_best_neighbours_stay():
    # Items 2, 3 and 4 follow item 1 once each, and 5 and 6 twice.
    histories = Histories.of_lists([[1, n] for n in (4, 3, 2, 5, 5, 6, 6)])
    config = ItemKnnConfig(neighbours=3, backward=0.0, target_power=0.0)
    similar = fit_item_knn(histories, 6, config).similar
    assert similar[[1]].nnz == 3
    assert similar[1, 5] == similar[1, 6] == similar.max()


def test_what_came_after_counts_more_than_what_came_before():
    histories = Histories.of_lists([[1, 2], [1, 2], [1, 2]])
    similar = fit_item_knn(histories, 2, ItemKnnConfig(backward=0.25, sharpness=1.0)).similar
    assert similar[1, 2] > similar[2, 1] > 0


def test_the_most_pairs_narrow_the_window_and_keep_the_nearest():
    histories = Histories.of_lists([list(range(1, 11))])
    narrow = ItemKnnConfig(most_pairs=20, backward=0.0)  # 9 pairs of gap 1, 8 of 2, 7 of 3
    pairs = count_pairs(histories, 10, narrow)
    assert np.bincount(pairs.gaps).tolist() == [0, 9, 8]
    few = count_pairs(histories, 10, replace(narrow, most_pairs=1))
    assert np.bincount(few.gaps).tolist() == [0, 9]


@pytest.mark.parametrize("lists", [[], [[]], [[1]], [[1, 1, 1]]])
def test_without_a_pair_popularity_ranks(lists):
    histories = Histories.of_lists(lists)
    knn = fit_item_knn(histories, 3)
    asked = Histories.of_lists([[], [2]])
    scores = knn.score(asked, np.array([0, 1]))
    assert np.isfinite(scores[:, 1:]).all()
    if any(lists):
        assert scores[:, 1:].argmax(axis=1).tolist() == [0, 0]


def test_a_batch_equals_one_by_one_and_saved_equals_loaded():
    histories = some_histories(seed=5)
    knn = fit_item_knn(histories, ITEMS)
    persons = np.arange(len(histories))
    together = knn.score(histories, persons)
    loaded = ItemKnn.of_tensors(knn.tensors(), knn.config)
    for person in persons:
        np.testing.assert_array_equal(knn.score(histories, np.array([person]))[0], together[person])
    np.testing.assert_array_equal(loaded.score(histories, persons), together)


def test_renaming_items_renames_the_scores():
    histories = some_histories(seed=2)
    order = np.random.default_rng(1).permutation(ITEMS) + 1
    renamed = replace(histories, items=order[histories.items - 1])
    persons = np.arange(len(histories))
    plain = fit_item_knn(histories, ITEMS).score(histories, persons)
    other = fit_item_knn(renamed, ITEMS).score(renamed, persons)
    np.testing.assert_allclose(other[:, order], plain[:, 1:], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0),
        ("neighbours", 0),
        ("history", 0),
        ("most_pairs", 0),
        ("longest_history", 1),
        ("backward", -1.0),
        ("shrinkage", -1.0),
        ("sharpness", 0.0),
    ],
)
def test_numbers_that_mean_nothing_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        ItemKnnConfig(**{name: value})
