"""Lists that do not say one thing twice."""

import numpy as np

from recs.ml.unified.diversity import diversify

SCORES = np.array([5.0, 4.9, 4.8, 1.0, 0.5], np.float32)
# The first three say the same, the others something else each.
VECTORS = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)


def test_without_strength_the_order_stays():
    assert diversify(SCORES, VECTORS, strength=0.0, k=4) == [0, 1, 2, 3]


def test_what_is_unlike_comes_before_what_was_said():
    assert diversify(SCORES, VECTORS, strength=0.7, k=3) == [0, 3, 4]
    assert diversify(SCORES, VECTORS, strength=1.0, k=5)[:3] == [0, 3, 4]


def test_the_more_strength_the_less_alike():
    random = np.random.default_rng(1)
    vectors = random.normal(size=(60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = np.sort(random.normal(size=60).astype(np.float32))[::-1]

    def alike(strength):
        found = vectors[diversify(scores, vectors, strength=strength, k=12)]
        return (found @ found.T)[np.triu_indices(12, 1)].mean()

    assert alike(0.0) > alike(0.5) > alike(0.9)


def test_a_group_that_has_its_most_waits_until_nothing_else_is_left():
    groups = [[["a"], ["a"], ["a"], ["b"], ["c"]]]
    assert diversify(SCORES, VECTORS, strength=0.0, k=4, groups=groups, most=[1]) == [0, 3, 4, 1]
    assert diversify(SCORES, VECTORS, strength=0.0, k=3, groups=groups, most=[0]) == [0, 1, 2]
    two = [*groups, [["x"], ["y"], ["y"], ["y"], ["z"]]]
    assert diversify(SCORES, VECTORS, strength=0.0, k=3, groups=two, most=[1, 1]) == [0, 3, 4]


def test_short_lists_and_equal_scores():
    assert diversify(np.zeros(0, np.float32), np.zeros((0, 3), np.float32), strength=0.5, k=3) == []
    same = np.ones(5, np.float32)
    assert len(diversify(same, VECTORS, strength=0.5, k=9)) == 5
