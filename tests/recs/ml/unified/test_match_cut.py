"""A cut that is learned on some queries and told on others."""

import numpy as np
import pytest

from recs.ml.unified.match_cut import MatchCut, floors, tail_features
from recs.ml.unified.match_cut_fit import (
    REJECTED,
    Tail,
    auc,
    choose_cut,
    report_cut,
    threshold_of,
)


def tail_of(*, seed=0, queries=40, each=30, by="log_odds", noise=0.3):
    """Pairs of which the worth is told by one feature, and by none of the others."""
    random = np.random.default_rng(seed)
    worth = random.normal(size=(queries, each))
    nearness = random.uniform(0.3, 0.6, size=(queries, each))
    odds = random.normal(size=(queries, each))
    if by == "log_odds":
        odds = worth + noise * odds
    if by == "nearness":
        nearness = 0.45 + 0.05 * worth + 0.01 * odds
    features = [
        tail_features(near, near.max(), one) for near, one in zip(nearness, odds, strict=True)
    ]
    return Tail(
        features=np.concatenate(features),
        good=(worth > 0.8).reshape(-1),
        queries=np.repeat(np.arange(queries) + 1000 * seed, each),
    )


def test_auc_is_the_share_of_pairs_in_the_right_order():
    random = np.random.default_rng(0)
    scores, good = random.integers(0, 9, 60).astype(float), random.random(60) < 0.4
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in scores[good] for b in scores[~good]]
    assert auc(scores, good) == pytest.approx(np.mean(pairs))


def test_a_threshold_loses_no_more_than_it_may():
    scores = np.arange(100.0)
    good = np.ones(100, bool)
    threshold = threshold_of(scores, good, REJECTED)
    assert (scores < threshold).mean() <= REJECTED


def test_what_tells_good_matches_is_read_and_keeps_its_promise_on_other_queries():
    cut, told = choose_cut(tail_of())
    assert cut is not None
    assert cut.weights[2] > 0
    assert told["chosen_by"][told["kind"]] > told["chosen_by"]["floors"]
    report = report_cut(tail_of(seed=1), cut)
    assert report["cut"]["rejected"]["mean"] == pytest.approx(REJECTED, abs=0.08)
    assert report["cut"]["removed"]["low"] > report["floors"]["removed"]["high"] - 1
    assert report["cut"]["removed"]["mean"] > 0.8
    for shares in report["cut"].values():
        assert shares["low"] <= shares["mean"] <= shares["high"]


def test_nearness_is_read_where_the_odds_say_nothing():
    cut, told = choose_cut(tail_of(by="nearness"))
    assert cut is not None
    assert told["chosen_by"]["chance"] < 0.6 < told["chosen_by"]["nearness"]
    assert cut.weights[0] + cut.weights[1] > 0


def test_where_nothing_tells_them_the_floors_stand():
    tail = tail_of(by="nothing")
    # Good is what the floors keep, and nothing else.
    tail = Tail(features=tail.features, good=floors(tail.features) >= 1, queries=tail.queries)
    cut, told = choose_cut(tail)
    assert cut is None
    assert told["kind"] == "floors"
    assert set(report_cut(tail, cut)) == {"reported_on", "floors"}


@pytest.mark.parametrize("few", ["good", "others", "queries"])
def test_too_little_chooses_and_tells_nothing(few):
    tail = tail_of()
    good = tail.good.copy()
    if few == "good":
        good[:] = False
        good[:29] = True
    if few == "others":
        good[:] = True
        good[:29] = False
    queries = np.zeros_like(tail.queries) if few == "queries" else tail.queries
    tail = Tail(features=tail.features, good=good, queries=queries)
    assert choose_cut(tail)[0] is None
    assert set(report_cut(tail, None)) == {"reported_on"}
    assert choose_cut(tail.select(np.zeros(len(tail), bool)))[0] is None


def test_nearer_and_likelier_is_never_worse():
    random = np.random.default_rng(3)
    # Even where the log says the opposite.
    tail = tail_of()
    turned = Tail(features=-tail.features, good=tail.good, queries=tail.queries)
    cut = choose_cut(tail)[0]
    assert cut is not None
    assert min(cut.weights) >= 0
    other = choose_cut(turned)[0]
    assert other is None or min(other.weights) >= 0
    low = random.normal(size=(50, 3))
    high = low + random.random((50, 3))
    assert (cut.chances(high) >= cut.chances(low)).all()


def test_a_cut_is_read_as_it_was_kept():
    cut = MatchCut(kind="both", weights=(1.5, 2.0, 0.25), constant=-3.0, threshold=0.2)
    assert MatchCut.read(cut.as_json()) == cut
    assert MatchCut.read({}) is None
    assert MatchCut.read({"kind": "floors"}) is None


def test_no_pairs_have_no_features():
    assert tail_features(np.zeros(0), 0.0, np.zeros(0)).shape == (0, 3)
