"""N-grams of words, hashed."""

import numpy as np

from recs.ml.unified.tokens import count_tokens, fit_token_weights, n_grams, plain_words


def test_words_are_small_and_without_accents():
    assert plain_words("Amélie, 2001: LE fabuleux_destin") == [
        "amelie", "2001", "le", "fabuleux", "destin",
    ]  # fmt: skip
    assert plain_words("...") == []


def test_words_pairs_and_groups_of_letters():
    assert list(n_grams("a bc")) == ["w a", "w bc", "p a bc", "c <a>", "c <bc", "c bc>"]


def test_the_same_words_have_the_same_buckets_on_either_side():
    counts = count_tokens(["Film noir", "film NOIR", "western"])
    assert (counts[0] != counts[1]).nnz == 0
    products = (counts @ counts.T).toarray()
    assert products[0, 2] < products[0, 1]


def test_words_that_nobody_has_seen_still_have_buckets():
    weights = fit_token_weights(count_tokens(["film noir", "western"]))
    found = weights.apply(count_tokens(["zzyzx"]))
    assert found.nnz > 0
    assert np.isclose(np.sqrt(found.multiply(found).sum()), 1.0)


def test_a_common_word_says_less():
    texts = ["the noir", "the western", "the musical"]
    weights = fit_token_weights(count_tokens(texts))
    rows = weights.apply(count_tokens(["the", "noir", "the noir"]))
    both = (rows[2] @ rows.T).toarray()[0]
    assert both[0] < both[1]


def test_no_text_is_an_empty_row():
    weights = fit_token_weights(count_tokens(["noir"]))
    assert weights.apply(count_tokens(["", "?!"])).nnz == 0
    assert count_tokens([]).shape[0] == 0
