import numpy as np
import pytest

from recs.ml.relevance.meaning_features import (
    encode_pairs,
    full_text,
    lists_of,
    meaning_features,
)
from recs.ml.relevance.pairs import products_of
from recs.ml.relevance.trees import FALLING, RISING
from tests.recs.ml.relevance.world import encode, pairs_of, rows


@pytest.fixture(scope="module")
def found():
    pairs = pairs_of(rows())
    vectors = encode_pairs(pairs, encode)
    return pairs, vectors, meaning_features(pairs, vectors)


def test_each_distinct_text_is_encoded_once():
    seen = []

    def counted(texts):
        seen.extend(texts)
        return encode(texts)

    encode_pairs(pairs_of(rows()), counted)
    assert len(seen) == len(set(seen))


def test_agreement_is_that_of_a_plain_loop(found):
    pairs, vectors, features = found
    for place in (0, 7, 20):
        others = [
            other
            for other in range(len(pairs))
            if pairs.queries[other] == pairs.queries[place] and other != place
        ]
        cosines = vectors.titles[others] @ vectors.titles[place]
        near = (vectors.queries * vectors.titles).sum(axis=1)
        near = near + (vectors.queries * vectors.full).sum(axis=1)
        weights = np.exp(10.0 * near[others])
        assert features["agrees title"][place] == pytest.approx(cosines.mean(), abs=1e-5)
        assert features["nearest title"][place] == pytest.approx(
            np.sort(cosines)[-3:].mean(), abs=1e-5
        )
        assert features["centre title"][place] == pytest.approx(
            (cosines * weights).sum() / weights.sum(), abs=1e-5
        )


def test_neighbours_are_those_of_a_plain_loop(found):
    pairs, vectors, features = found
    products, numbers = products_of(pairs)
    first = {number: place for place, number in reversed(list(enumerate(numbers.tolist())))}
    lists = [
        {pairs.queries[place] for place in np.flatnonzero(numbers == number)}
        for number in range(len(products))
    ]
    for place in (0, 7, 20):
        others = [number for number in first if number != numbers[place]]
        others.sort(key=lambda n: -float(vectors.full[first[n]] @ vectors.full[place]))
        same = [pairs.queries[place] in lists[number] for number in others[:5]]
        cosines = [float(vectors.full[first[n]] @ vectors.full[place]) for n in others[:6]]
        if cosines[4] - cosines[5] > 1e-6:
            assert features["same query of 5"][place] == pytest.approx(np.mean(same))


def test_a_query_that_fits_better_is_seen(found):
    pairs, _, features = found
    bad, good = pairs.grades == 1, pairs.grades == 4
    assert features["over best other"][good].mean() > features["over best other"][bad].mean()
    assert features["queries nearer"][good].mean() < features["queries nearer"][bad].mean()


def test_grades_are_not_read(found):
    pairs, vectors, features = found
    hidden = meaning_features(pairs.without_grades(), vectors)
    assert all(np.array_equal(features[name], hidden[name]) for name in features)


def test_a_single_pair_has_features():
    pairs = pairs_of(rows()[:1])
    for values in meaning_features(pairs, encode_pairs(pairs, encode)).values():
        assert np.isfinite(values).all()


def test_directions_name_features_that_exist(found):
    known = {name for name in RISING | FALLING if name.split()[0] in {
        "cosine", "agrees", "centre", "over", "same", "queries",
    }}  # fmt: skip
    assert known <= set(found[2])


def test_a_description_is_cut_and_may_be_empty():
    assert full_text("Shoe", "") == "Shoe"
    assert len(full_text("Shoe", "x" * 9999)) < 400


def test_lists_are_the_places_of_each_query():
    groups = np.array([2, 0, 2, 1])
    assert [rows.tolist() for rows in lists_of(groups)] == [[1], [3], [0, 2]]
