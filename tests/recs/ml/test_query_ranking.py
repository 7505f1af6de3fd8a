"""The ranker of query recommendations without a database: features, learning, calibration."""

import itertools

import numpy as np
import pytest

from recs.ml.errors import NothingToLearn
from recs.ml.query_ranking.features import (
    GROUPS,
    NAMES,
    PLACE,
    AskedQuery,
    QueryCandidates,
    breadth,
    read_features,
)
from recs.ml.query_ranking.fit import RankerConfig, ShownRows, fit_ranker
from recs.ml.query_ranking.measures import calibration_error, good_lists, reciprocal_ranks
from recs.ml.query_ranking.ranker import QueryRanker, from_arrays

EIGHT = 8


def drawn(lists, *, seed=0, by_place=False):
    """Lists of eight; what is popular is wanted, or only what stands high."""
    rng = np.random.default_rng(seed)
    count = lists * EIGHT
    places = np.tile(np.arange(1, EIGHT + 1), lists)
    popular = rng.random(count)
    features = read_features(
        AskedQuery(words=2, hits=30),
        QueryCandidates(
            sources=rng.choice(["names", "log"], count).tolist(),
            stated={"popularity": popular, "place": places},
        ),
    )
    logit = -3.0 + (4.0 * (places == 1) if by_place else 3.0 * popular)
    labels = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(float)
    return ShownRows(features=features, labels=labels, lists=np.arange(count) // EIGHT)


def column(name):
    return NAMES.index(name)


def test_every_feature_has_one_group_and_the_groups_of_the_design_are_there():
    assert len(set(NAMES)) == len(NAMES)
    assert {"match", "statistics", "retrieval", "person", "vectors"} <= set(GROUPS)


def test_features_by_hand():
    table = read_features(
        AskedQuery(
            words=2, hits=9, breadth=0.5, is_nobody=False,
            vector=np.array([1, 0], np.float32), person=np.array([0, 1], np.float32),
        ),
        QueryCandidates(
            sources=["log", "recent"],
            stated={"people": [4, 0], "own_days": [-1, 14], "lift": [10.0, 0.0]},
            vectors=np.array([[0.6, 0.8], [0, 0]], np.float32),
        ),
    )  # fmt: skip
    first, second = table
    assert first[column("people")] == pytest.approx(np.log(5))
    assert first[column("lift")] == pytest.approx(0.5)
    assert (first[column("own_recency")], second[column("own_recency")]) == (0.0, 0.5)
    assert first[column("query_fit")] == pytest.approx(0.6)
    assert first[column("person_fit")] == pytest.approx(0.8)
    assert (first[column("has_vector")], second[column("has_vector")]) == (1, 0)
    assert (first[column("is_log")], second[column("is_recent")]) == (1, 1)


def test_what_has_no_name_and_columns_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="No feature"):
        QueryCandidates(sources=["log"], stated={"popularty": [1.0]})
    with pytest.raises(ValueError, match="one number"):
        QueryCandidates(sources=["log"], stated={"popularity": [1.0, 2.0]})


def test_no_candidates_are_no_error_and_odd_numbers_become_finite():
    assert read_features(AskedQuery(), QueryCandidates(sources=[])).shape == (0, len(NAMES))
    odd = QueryCandidates(sources=["log"], stated={"coverage": [np.nan], "stated": [np.inf]})
    assert np.isfinite(read_features(AskedQuery(), odd)).all()


def test_breadth_is_one_where_hits_lie_evenly_and_nothing_in_one_category():
    assert breadth([5, 5, 5]) == pytest.approx(1.0)
    assert breadth([5]) == breadth([]) == breadth([3, 0]) == 0.0
    assert 0 < breadth([9, 1]) < 0.6


@pytest.mark.parametrize("hidden", [(0,), (8,)])
def test_it_learns_what_is_wanted_and_says_how_often(hidden):
    fitted = fit_ranker(drawn(800), RankerConfig(hidden=hidden, epochs=15))
    later = drawn(400, seed=1)
    chances = fitted.ranker.chances(later.features)
    by_it = reciprocal_ranks(chances, later).mean()
    by_lot = reciprocal_ranks(np.random.default_rng(0).random(len(chances)), later).mean()
    assert by_it > by_lot + 0.05
    assert calibration_error(chances, later.labels) < 0.05
    assert chances.mean() == pytest.approx(later.labels.mean(), abs=0.05)


def test_the_place_is_learned_from_and_never_served():
    rows = drawn(800, by_place=True)
    ranker = fit_ranker(rows, RankerConfig(hidden=(0,))).ranker
    assert ranker.linear[PLACE] < -0.3
    moved = rows.features.copy()
    moved[:, PLACE] = 0.7
    assert (ranker.chances(moved) == ranker.chances(rows.features)).all()
    assert np.ptp(ranker.raw(rows.features)) > np.ptp(ranker.logits(rows.features))


def test_too_few_good_ends_teach_nothing():
    rows = drawn(40)
    nothing = ShownRows(features=rows.features, labels=np.zeros(len(rows.labels)), lists=rows.lists)
    with pytest.raises(NothingToLearn, match="led to something"):
        fit_ranker(nothing)


def test_the_same_seed_gives_the_same_ranker():
    config = RankerConfig(hidden=(8,), epochs=3)
    one, two = (fit_ranker(drawn(300), config).ranker for _ in range(2))
    assert (one.logits(drawn(9).features) == two.logits(drawn(9).features)).all()


def test_what_is_saved_and_read_answers_the_same_and_other_features_are_refused():
    ranker = fit_ranker(drawn(300), RankerConfig(hidden=(8,), epochs=2)).ranker
    again = from_arrays({"features": list(NAMES)}, ranker.tensors())
    features = drawn(5, seed=2).features
    assert (again.chances(features) == ranker.chances(features)).all()
    with pytest.raises(ValueError, match="other features"):
        from_arrays({"features": list(NAMES[:-1])}, ranker.tensors())


def test_contributions_say_which_group_did_it():
    ranker = fit_ranker(drawn(600), RankerConfig(hidden=(0,))).ranker
    features = drawn(1, seed=5).features
    best = int(features[:, column("popularity")].argmax())
    told = ranker.contributions(features)[best]
    assert max(told, key=told.get) == "statistics"
    assert told["context"] == 0.0


def test_reciprocal_ranks_by_hand_and_equal_scores_are_worth_nothing():
    rows = ShownRows(
        features=np.zeros((5, len(NAMES)), np.float32),
        labels=np.array([0, 1, 0, 0, 1.0]),
        lists=np.array([0, 0, 1, 2, 2]),
    )
    assert reciprocal_ranks(np.array([3, 2, 9, 1, 1.0]), rows).tolist() == [0.5, 0.5]
    assert good_lists(rows).tolist() == [0, 2]


def test_calibration_error_by_hand():
    assert calibration_error(np.array([0.2, 0.8]), np.array([0.0, 1.0]), 2) == pytest.approx(0.2)
    assert calibration_error(np.zeros(0), np.zeros(0)) == 0.0


def a_network(seed=3):
    rng = np.random.default_rng(seed)
    count = len(NAMES)
    return QueryRanker(
        mean=np.zeros(count), scale=np.ones(count), linear=rng.normal(size=count), bias=0.3,
        inner=rng.normal(size=(count, 5)), inner_bias=rng.normal(size=5),
        outer=rng.normal(size=5), slope=0.7, shift=-0.2,
    )  # fmt: skip


def test_contributions_add_up_to_what_a_candidate_is_above_a_usual_one():
    ranker, features = a_network(), drawn(1, seed=5).features
    usual = features.mean(axis=0)
    above = ranker.logits(features) - ranker.logits(usual[None])
    told = ranker.contributions(features, usual)
    assert np.allclose([sum(each.values()) for each in told], above, atol=1e-3)
    assert max(map(abs, ranker.contributions(usual[None], usual)[0].values())) < 1e-4
    assert ranker.contributions(features[:0], usual) == []


def test_contributions_are_the_mean_over_all_orders_of_telling_the_groups():
    ranker, features = a_network(), drawn(1, seed=6).features[:2]
    usual = drawn(1, seed=7).features.mean(axis=0)
    slow = dict.fromkeys(GROUPS, 0.0)
    orders = list(itertools.permutations(GROUPS))
    for order in orders:
        rows = np.tile(usual, (len(GROUPS) + 1, 1))
        for place, name in enumerate(order, start=1):
            columns = [NAMES.index(each) for each in GROUPS[name]]
            rows[place:, columns] = features[0, columns]
        for name, gained in zip(order, np.diff(ranker.logits(rows)), strict=True):
            slow[name] += float(gained) / len(orders)
    assert ranker.contributions(features, usual)[0] == pytest.approx(slow, abs=1e-3)
