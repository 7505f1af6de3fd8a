import numpy as np
import pytest

from recs.ml.relevance.meaning_features import encode_pairs
from recs.ml.relevance.retrieval import (
    SIGNALS,
    UNTUNED,
    mean_recall,
    read_signals,
    retrieve,
    tune_weights,
)
from tests.recs.ml.relevance.world import encode, pairs_of, rows


def signals_of(pairs):
    vectors = encode_pairs(pairs, encode)
    return read_signals(pairs, vectors.queries, vectors.titles, vectors.full)


@pytest.fixture(scope="module")
def signals():
    return signals_of(pairs_of(rows()))


def test_products_are_distinct_and_know_a_pair(signals):
    pairs = pairs_of(rows())
    assert len(signals.products) == len(set(zip(pairs.titles, pairs.descriptions, strict=True)))
    assert len(signals.first_pairs) == len(signals.products)
    for row, query in enumerate(signals.queries):
        own = {
            (pairs.titles[place], pairs.descriptions[place])
            for place in range(len(pairs))
            if pairs.queries[place] == query and pairs.grades[place] >= 3
        }
        named = signals.first_pairs[signals.relevant[row]].tolist()
        assert {(pairs.titles[place], pairs.descriptions[place]) for place in named} == own


def test_good_products_are_found_before_others(signals):
    assert mean_recall(signals, UNTUNED, k=10) > 0.9
    assert mean_recall(signals, UNTUNED, k=5) > mean_recall(signals, dict.fromkeys(SIGNALS, 0.0), 5)


def test_a_single_signal_is_its_own_order(signals):
    weights = {**dict.fromkeys(SIGNALS, 0.0), "title": 1.0}
    for row, found in enumerate(retrieve(signals, weights, k=7)):
        scores = signals.tables["title"][row]
        assert np.allclose(scores[found], np.sort(scores)[::-1][:7])


def test_the_first_products_say_what_the_others_are_like(signals):
    weights = {**dict.fromkeys(SIGNALS, 0.0), "title": 1.0, "like the first": 100.0}
    alone = {**weights, "like the first": 0.0}
    for row, found in enumerate(retrieve(signals, weights, k=5)):
        first = retrieve(signals, alone, k=10)[row]
        nearness = signals.products @ signals.products[first].mean(axis=0)
        assert nearness[found].min() >= np.sort(nearness)[::-1][:12].min() - 1e-4


def test_tuned_weights_find_no_less(signals):
    assert mean_recall(signals, tune_weights(signals)) >= mean_recall(signals, UNTUNED)


def test_no_relevant_product_tunes_nothing():
    hidden = signals_of(pairs_of(rows()).without_grades())
    assert tune_weights(hidden) == dict(UNTUNED)
    assert np.isnan(mean_recall(hidden, UNTUNED))
    shown = signals_of(pairs_of(rows()))
    for one, other in zip(retrieve(hidden, UNTUNED), retrieve(shown, UNTUNED), strict=True):
        assert np.array_equal(one, other)


def test_a_file_of_one_pair_without_words_is_answered():
    pair = {**rows()[0], "query": "!!", "product_title": "", "product_description": ""}
    (found,) = retrieve(signals_of(pairs_of([pair])), UNTUNED)
    assert found.tolist() == [0]
