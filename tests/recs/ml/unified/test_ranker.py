"""The ranker: features, network, what it learns, and that nothing later reaches it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.seeding import seed_everything
from recs.ml.unified.feature_reader import FeatureReader
from recs.ml.unified.features import GROUP_OF, GROUPS, NAMES_OF_ALL
from recs.ml.unified.impute import FILLED
from recs.ml.unified.judged import ndcg_of, rank_requests
from recs.ml.unified.ranker import (
    _calibrated,
    _draw,
    _held_out,
    candidates_of,
    draw_lists,
    fit_ranker,
    mean_logits,
)
from recs.ml.unified.ranker_arrays import RankerArrays
from recs.ml.unified.ranker_net import RankerNet, RankerNetConfig
from recs.ml.unified.retriever import fit_retriever
from recs.ml.unified.surfaces import HOME, SEARCH, SIMILAR
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import CPU, RANKER, UNIFIED, later


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def reader(prepared):
    return FeatureReader(prepared, fit_retriever(prepared, UNIFIED, None, CPU)[0])


@pytest.fixture(scope="module")
def ranker(prepared, reader):
    return fitted(reader, later(prepared, 40), RANKER)


def fitted(reader, judged, config):
    return fit_ranker(reader, draw_lists(reader, judged, config), config, CPU)


def column(features, name):
    return features[..., NAMES_OF_ALL.index(name)]


def test_features_are_finite_named_and_grouped(prepared, reader):
    requests = later(prepared).requests
    candidates = candidates_of(reader, requests, 12)
    features = reader.read(requests, candidates)
    assert features.shape == (len(requests), 12, len(NAMES_OF_ALL))
    assert np.isfinite(features).all()
    assert len(GROUP_OF) == len(NAMES_OF_ALL) == len(set(NAMES_OF_ALL))
    assert set(GROUP_OF) == set(GROUPS)


def test_features_one_by_one_equal_those_of_many(prepared, reader):
    requests = later(prepared).requests.select(np.arange(0, 60, 6))
    candidates = candidates_of(reader, requests, 9)
    together = reader.read(requests, candidates)
    for row in range(len(requests)):
        alone = reader.read(requests.select(np.array([row])), candidates[row : row + 1])
        assert np.allclose(together[row], alone[0], atol=1e-5)


def test_events_after_a_request_change_none_of_its_features(prepared, reader):
    moment = prepared.until + 20
    judged = later(prepared, 20)
    requests = judged.requests
    candidates = candidates_of(reader, requests, 9)
    log = prepared.data.log
    early = log.before(moment)
    data = replace(prepared.data, log=early)
    retriever = replace(reader.retriever, reader=replace(reader.retriever.reader, log=early))
    again = FeatureReader(replace(prepared, data=data), retriever).read(requests, candidates)
    assert (reader.read(requests, candidates) == again).all()


def test_features_say_what_they_are_called(prepared, reader):
    judged = later(prepared)
    requests = judged.requests
    candidates = candidates_of(reader, requests, 9)
    features = reader.read(requests, candidates)
    tasks = requests.tasks
    assert (column(features, "is_search")[tasks == SEARCH] == 1).all()
    assert (column(features, "has_source")[tasks == HOME] == 0).all()
    assert (column(features, "has_source")[tasks == SIMILAR] == 1).all()
    searched = np.flatnonzero(tasks == SEARCH)
    counted = prepared.chosen[requests.words[searched]].toarray()
    times = np.take_along_axis(counted, candidates[searched], axis=1)
    assert np.allclose(column(features, "chosen")[searched], np.log1p(times), atol=1e-6)
    # People look for what they know.
    log = prepared.data.log
    for row in searched[:20]:
        person, day = requests.persons[row], requests.days[row]
        for histories, name in ((log.wanted, "wanted_before"), (log.chosen, "chosen_before")):
            own = histories.select([person])
            before = set(own.items[own.days < day].tolist())
            expected = [float(item in before) for item in candidates[row]]
            assert column(features, name)[row].tolist() == expected
    assert column(features, "wanted_before")[searched].any()
    assert column(features, "knn_same_words_any")[searched].any()
    # A stranger has no taste.
    strange = reader.read(requests.signed_out(), candidates)
    assert not column(strange, "knn_history_any").any()
    assert (column(strange, "known_events") == 0).all()


@pytest.mark.parametrize(
    "config",
    [
        RankerNetConfig(width=8),
        RankerNetConfig(width=8, crosses=0),
        RankerNetConfig(width=8, blocks=0),
        RankerNetConfig(width=8, crosses=0, blocks=0),
    ],
)
def test_the_network_in_numpy_equals_torch(config):
    seed_everything(1)
    net = RankerNet(11, config).eval()
    features = np.random.default_rng(0).normal(2.0, 3.0, (4, 5, 11)).astype(np.float32)
    mean, scale = features.mean(axis=(0, 1)), features.std(axis=(0, 1))
    weights = {name: t.detach().numpy() for name, t in net.state_dict().items()}
    found = RankerArrays(weights=weights, mean=mean, scale=scale).logits(features)
    expected = net(torch.from_numpy((features - mean) / scale)).detach().numpy()
    assert np.abs(found - expected).max() < 1e-4


def test_crossing_multiplies_features():
    net = RankerNet(2, RankerNetConfig(width=4, crosses=1, blocks=0)).eval()
    with torch.no_grad():
        net.crosses[0].weight.copy_(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        net.crosses[0].bias.zero_()
        net.last.weight.copy_(torch.tensor([[1.0, 0.0]]))
        net.last.bias.zero_()
    # x0 * (W x0) + x0, of which the first: a b + a.
    assert net(torch.tensor([[3.0, 5.0]])).item() == pytest.approx(18.0)


def test_what_is_drawn_by_lot_stands_for_all_that_was_not():
    random = np.random.default_rng(0)
    good = np.zeros((3, 30), np.bool_)
    good[0, [2, 20, 29]] = True
    real = np.ones((3, 30), np.bool_)
    real[2, 12:] = False
    order, shares = _draw(good, real, RANKER, random)
    assert shares.sum(axis=1).tolist() == pytest.approx([30, 30, 12])
    # What followed and the first ones are all there, each for itself.
    assert {2, 20, 29} <= set(order[0].tolist())
    assert set(range(10)) <= set(order[1].tolist())
    assert (shares[1, :10] == 1).all()
    assert (shares[1, 10:] == 2).all()


def test_the_ranker_orders_better_than_the_index(prepared, ranker):
    judged = later(prepared, 90)
    tasks = judged.requests.tasks
    ranked = ranker.rank(judged.requests, 10)
    index = rank_requests(ranker.reader.retriever.score, judged.requests, prepared.data.log, 10)
    ours, theirs = (ndcg_of(rankings, judged) for rankings in (ranked, index))
    means = [
        np.mean([g[tasks == t].mean() for t in (SEARCH, HOME, SIMILAR)]) for g in (ours, theirs)
    ]
    assert means[0] > means[1]


def test_it_ranks_candidates_of_the_index_and_nothing_twice(prepared, ranker):
    requests = later(prepared).requests.select(np.arange(40))
    ranked = ranker.rank(requests, 30)
    candidates = candidates_of(ranker.reader, requests, 30)
    for row in range(40):
        assert sorted(ranked[row].tolist()) == sorted(candidates[row].tolist())


def test_its_odds_are_near_to_what_happens(prepared, reader, ranker):
    """Calibration: of candidates as they come, as many are chosen as it expects, high and low."""
    lists = draw_lists(reader, later(prepared, 40), RANKER)
    slope, constant = ranker.scores.calibration
    odds = 1 / (1 + np.exp(-slope * mean_logits(ranker.scores.nets, lists.features) - constant))
    expected, found = lists.shares * odds, lists.shares * lists.labels
    assert expected.sum() == pytest.approx(found.sum(), rel=0.2)
    high = odds > np.median(odds)
    assert expected[high].sum() == pytest.approx(found[high].sum(), rel=0.25)


def test_calibration_is_right_whatever_the_networks_say(prepared, reader, ranker):
    lists = draw_lists(reader, later(prepared, 40), RANKER)
    everybody = np.ones(len(lists.labels), np.bool_)
    net = ranker.scores.nets[0]
    last = net.weights["last.weight"] * 3.0, net.weights["last.bias"] * 3.0 + 2.0
    loud = replace(net, weights=net.weights | {"last.weight": last[0], "last.bias": last[1]})
    plain, loudly = (_calibrated((one,), lists, everybody) for one in (net, loud))
    left = plain[0] * net.logits(lists.features) + plain[1]
    right = loudly[0] * loud.logits(lists.features) + loudly[1]
    assert np.abs(left - right).max() < 0.02
    share = lists.shares / (1 + np.exp(-left))
    assert share.sum() == pytest.approx((lists.shares * lists.labels).sum(), rel=0.01)


def test_a_feature_or_a_group_can_be_left_out(prepared, reader):
    requests = later(prepared).requests.select(np.arange(20))
    candidates = candidates_of(reader, requests, 9)
    without = fitted(reader, later(prepared, 30), replace(RANKER, without=("taste", "bm25")))
    changed = replace(without, reader=_Other(reader, ("knn_history", "text_history", "bm25")))
    assert (without.logits(requests, candidates) == changed.logits(requests, candidates)).all()
    changed = replace(without, reader=_Other(reader, ("cosine",)))
    assert (without.logits(requests, candidates) != changed.logits(requests, candidates)).any()


class _Other:
    """A reader in which some features are other numbers."""

    def __init__(self, reader, names):
        self.reader, self.names = reader, names

    def read(self, requests, candidates):
        features = self.reader.read(requests, candidates)
        for name in self.names:
            features[..., NAMES_OF_ALL.index(name)] += 7.0
        return features


def test_a_name_that_no_feature_has_is_refused(prepared, reader):
    with pytest.raises(ValueError, match="no feature or group"):
        fitted(reader, later(prepared, 30), replace(RANKER, without=("tast",)))


def test_what_is_filled_in_the_features_read_too(prepared, reader):
    towers = reader.retriever
    filling = replace(towers, reader=replace(towers.reader, imputes=FILLED))
    requests = later(prepared).of_task(SIMILAR).requests.select(np.arange(10))
    candidates = candidates_of(reader, requests, 9)
    with_rules, zeros = (
        FeatureReader(prepared, one).read(requests, candidates) for one in (filling, towers)
    )
    assert column(with_rules, "text").any()
    assert not column(zeros, "text").any()


def test_a_surface_that_counts_for_nothing_teaches_nothing(prepared, reader):
    """Its labels turned over, the weights are the same; with equal weights they are not."""
    drawn = draw_lists(reader, later(prepared, 40), RANKER)
    learned = (drawn.tasks != SEARCH) & ~_held_out(drawn, RANKER)
    turned = replace(drawn, labels=np.where(learned[:, None], 1.0 - drawn.labels, drawn.labels))
    for task_weights, same in (((1.0, 0.0, 0.0), True), ((1.0, 1.0, 1.0), False)):
        config = replace(RANKER, task_weights=task_weights)
        left, right = (
            fit_ranker(reader, one, config, CPU).scores.nets[0].weights for one in (drawn, turned)
        )
        assert all((left[name] == right[name]).all() for name in left) == same
