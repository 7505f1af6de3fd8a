"""BM25 against its formula."""

import math

import pytest

from recs.ml.unified.lexical import fit_bm25

TEXTS = ["noir film noir", "western film", "a film", ""]


def test_scores_equal_the_formula():
    k1, b = 1.2, 0.6
    lengths = [3, 2, 2, 1]
    mean = sum(lengths) / 4
    found = fit_bm25(TEXTS, k1=k1, b=b).score(["noir film"])[0]

    def part(times, documents, length):
        idf = math.log(1 + (4 - documents + 0.5) / (documents + 0.5))
        return idf * times / (times + k1 * (1 - b + b * length / mean))

    assert found[0] == 0.0
    assert found[1] == pytest.approx(part(2, 1, 3) + part(1, 3, 3), rel=1e-4)
    assert found[2] == pytest.approx(part(1, 3, 2), rel=1e-4)
    assert found[4] == 0.0


def test_words_that_no_item_has_find_nothing():
    assert not fit_bm25(TEXTS).score(["zzz", "", "?"]).any()


def test_a_catalogue_without_words_finds_nothing():
    assert not fit_bm25(["", ""]).score(["noir"]).any()
