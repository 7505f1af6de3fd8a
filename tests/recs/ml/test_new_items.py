import numpy as np
import pytest

from recs.ml.evidence import NewItemEvidence
from recs.ml.histories import Histories
from recs.ml.mixture import Contests
from recs.ml.new_items import LIFTS, NewItemConfig, fit_new_items, room_for_new
from recs.ml.sequence_data import Sample
from tests.recs.ml.test_mixture import ITEMS, Made

NOBODY = np.zeros(ITEMS + 1, bool)
CONFIG = NewItemConfig(ridge=0.0, excluded=NOBODY)
IS_NEW = np.arange(ITEMS + 1) % 4 == 1


def planted(people=1500, known=1.5, alone=-1.0, more=0.8, seed=0):
    """People who choose by known weights, with others for the items that nobody wanted yet."""
    rng = np.random.default_rng(seed)
    part = Made("e", rng.normal(size=(people, ITEMS + 1)).astype(np.float32))
    utility = known * part.values + IS_NEW * (alone + more * part.values)
    utility = utility + rng.gumbel(size=utility.shape)
    utility[:, 0] = -np.inf
    seen = rng.choice(np.flatnonzero(~IS_NEW[1:]) + 1, people)
    utility[np.arange(people), seen] = -np.inf
    sample = Sample(Histories.of_lists([[int(item)] for item in seen]), utility.argmax(axis=1))
    return [part, NewItemEvidence(IS_NEW, [part])], sample


def test_the_planted_weights_of_new_items_are_found_and_the_others_stay():
    evidence, sample = planted()
    start = np.array([1.5, 9.0, 9.0], np.float32)
    found = fit_new_items(start, evidence, IS_NEW, sample, CONFIG)
    assert found.weights[0] == np.float32(1.5)
    np.testing.assert_allclose(found.weights[1:], [-1.0, 0.8], atol=0.2)
    assert start.tolist() == [1.5, 9.0, 9.0]


def test_a_ridge_pulls_toward_nothing():
    evidence, sample = planted(people=200)
    config = NewItemConfig(ridge=1000.0, excluded=NOBODY)
    found = fit_new_items(np.array([1.5, 0, 0], np.float32), evidence, IS_NEW, sample, config)
    np.testing.assert_allclose(found.weights[1:], 0.0, atol=1e-2)


@pytest.mark.parametrize("what", ["items", "people"])
def test_without_new_items_or_people_new_items_have_no_weight(what):
    evidence, sample = planted(people=20)
    is_new = IS_NEW & (what == "people")
    if what == "people":
        sample = Sample(sample.histories.select([]), sample.targets[:0])
    evidence[1] = NewItemEvidence(is_new, evidence[1].parts)
    start = np.array([1.5, 2.0, 2.0], np.float32)
    found = fit_new_items(start, evidence, is_new, sample, CONFIG)
    assert found.weights.tolist() == [1.5, 0.0, 0.0]


def test_items_that_nobody_could_have_wanted_do_not_compete():
    evidence, sample = planted()
    excluded = np.zeros(ITEMS + 1, bool)
    excluded[[2, 3]] = True
    evidence[0].values[:, excluded] = 9.0
    sample = Sample(sample.histories, np.where(np.isin(sample.targets, [2, 3]), 4, sample.targets))
    start = np.array([1.5, 0, 0], np.float32)
    with_them = fit_new_items(start, evidence, IS_NEW, sample, CONFIG)
    config = NewItemConfig(ridge=0.0, excluded=excluded)
    without = fit_new_items(start, evidence, IS_NEW, sample, config)
    assert abs(without.weights[1] + 1.0) < 0.4
    assert abs(with_them.weights[1] + 1.0) > 1.0


def test_items_that_are_really_new_are_no_part_of_what_is_learned():
    evidence, sample = planted()
    absent = np.zeros(ITEMS + 1, np.bool_)
    absent[np.flatnonzero(~IS_NEW[1:])[:3] + 1] = True
    kept = ~absent[sample.targets]
    sample = Sample(sample.histories.select(np.flatnonzero(kept)), sample.targets[kept])
    config = NewItemConfig(ridge=0.0, excluded=absent)
    found = fit_new_items(np.array([1.5, 0, 0], np.float32), evidence, IS_NEW, sample, config)
    np.testing.assert_allclose(found.weights[1:], [-1.0, 0.8], atol=0.2)


def test_new_items_are_lifted_until_known_ones_lose_their_share():
    # Known items are wanted; a new one stands right behind each of them.
    scores = np.tile(np.array([[1.0, 0.5, 0.0]], np.float32), (40, 1))
    numbers = np.tile(np.array([[[0.0], [1.0], [0.0]]], np.float32), (40, 1, 1))
    contest = Contests(scores, numbers, np.zeros(40, np.int64), np.ones(40, np.int64))
    assert room_for_new(contest, (), 0, 0.05) == pytest.approx(0.4, abs=0.11)
    # A loss of one place is 37 % of NDCG@10: with so much room the lift is the highest there is.
    assert room_for_new(contest, (), 0, 0.4) == max(LIFTS)


def test_nothing_is_lifted_where_no_known_item_was_wanted():
    numbers = np.ones((4, 2, 1), np.float32)
    contest = Contests(
        np.zeros((4, 2), np.float32), numbers, np.zeros(4, np.int64), np.ones(4, np.int64)
    )
    assert room_for_new(contest, (), 0, 0.5) == 0.0
