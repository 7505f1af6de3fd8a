import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recs.ml.list_features import list_features


def slow(numbers, scores, lengths):
    """One number at a time."""
    people, places, names = numbers.shape
    found = np.zeros((people, places, 2 * names + 2), np.float32)
    for person in range(people):
        there = [place for place in range(places) if scores[person, place] > -np.inf]
        for place in there:
            own = numbers[person, place]
            ranks = [
                sum(numbers[person, other, name] > own[name] for other in there)
                for name in range(names)
            ]
            found[person, place] = [
                *own,
                scores[person, place],
                *np.log1p(ranks),
                np.log1p(lengths[person]),
            ]
    return found


def lists(seed, people=3, places=7, names=2, ties=True, absent=0.0):
    rng = np.random.default_rng(seed)
    numbers = (
        rng.integers(0, 3, (people, places, names))
        if ties
        else rng.normal(size=(people, places, names))
    )
    scores = rng.normal(size=(people, places)).astype(np.float32)
    scores[rng.random(scores.shape) < absent] = -np.inf
    return numbers.astype(np.float32), scores, rng.integers(1, 90, people).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.0, 0.3, 1.0]))
def test_features_are_those_of_a_slow_loop(seed, ties, absent):
    made = lists(seed, ties=ties, absent=absent)
    found = list_features(*made)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow(*made), rtol=1e-6)


def test_ties_share_the_best_rank():
    numbers = np.array([[[5.0], [7.0], [5.0], [1.0]]], np.float32)
    found = list_features(numbers, np.zeros((1, 4), np.float32), np.ones(1, np.float32))
    np.testing.assert_allclose(np.expm1(found[0, :, 2]), [1, 0, 1, 3], rtol=1e-5)


def test_what_is_no_candidate_moves_no_rank():
    numbers, scores, lengths = lists(1, ties=False)
    numbers[:, 3] = 99.0
    scores[:, 3] = -np.inf
    found = list_features(numbers, scores, lengths)
    others = [0, 1, 2, 4, 5, 6]
    expected = list_features(numbers[:, others], scores[:, others], lengths)
    np.testing.assert_array_equal(found[:, others], expected)
    assert not found[:, 3].any()


def test_the_order_of_the_candidates_carries_nothing():
    numbers, scores, lengths = lists(2)
    order = np.array([4, 2, 0, 6, 5, 1, 3])
    found = list_features(numbers[:, order], scores[:, order], lengths)
    np.testing.assert_array_equal(found, list_features(numbers, scores, lengths)[:, order])


def test_nobody_and_a_list_of_one():
    assert list_features(*(part[:0] for part in lists(3))).shape == (0, 7, 6)
    numbers, scores, lengths = lists(3, places=1)
    np.testing.assert_allclose(list_features(numbers, scores, lengths)[..., 3:5], 0.0)
