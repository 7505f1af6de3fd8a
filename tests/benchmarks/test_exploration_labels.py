"""Agreement with the labelled sample, by hand-worked numbers."""

import pytest

from benchmarks.exploration_labels import accuracy, interval, kappa, read_labels
from search.text import normalize_query


def test_kappa_is_agreement_beyond_chance():
    # 20 both, 5 and 10 apart, 15 neither: agreement .7, by chance .5.
    pairs = [*[(True, True)] * 20, *[(True, False)] * 5, *[(False, True)] * 10,
             *[(False, False)] * 15]  # fmt: skip
    assert accuracy(pairs) == pytest.approx(0.7)
    assert kappa(pairs) == pytest.approx(0.4)
    low, high = interval(pairs, kappa)
    assert low < 0.4 < high
    assert kappa([(True, True)] * 3) == 0


def test_the_sample_has_two_hundred_queries_of_both_labels_none_twice():
    rows = read_labels()
    assert len(rows) >= 200
    assert len({normalize_query(query) for query, _, _ in rows}) == len(rows)
    assert 0.3 < sum(label for _, _, label in rows) / len(rows) < 0.7
