import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from recs.ml.relevance.late_interaction import (
    LateNet,
    fit_late,
    order_loss,
    read_tokens,
    score_late,
    untrained,
)
from recs.ml.relevance.measures import ndcg_by_query
from recs.ml.text_encoder import packaged_model_dir
from tests.recs.ml.relevance.world import CPU, SMALL, THINGS, pairs_of, rows

LATE = SMALL.late


@pytest.fixture(scope="module")
def read():
    pairs = pairs_of(rows(THINGS[:3]))
    return pairs, read_tokens(pairs, packaged_model_dir(), LATE)


def test_the_loss_is_a_plain_loop_over_two_products_of_a_query():
    scores = torch.tensor([1.0, -0.5, 2.0, 0.3])
    gains = torch.tensor([1.0, 0.0, 0.4, 1.0])
    groups = torch.tensor([0, 0, 0, 1])
    weights = torch.tensor([1.0, 0.5, 1.0, 1.0])
    total, share = 0.0, 0.0
    for one in range(4):
        for other in range(4):
            if groups[one] == groups[other] and gains[one] > gains[other]:
                weight = float((gains[one] - gains[other]) * weights[one] * weights[other])
                total += weight * math.log1p(math.exp(float(scores[other] - scores[one])))
                share += weight
    found = order_loss(scores, gains, groups, weights)
    assert found.item() == pytest.approx(total / share, abs=1e-5)


def test_nothing_to_compare_is_no_loss():
    ones, alone = torch.ones(3), torch.arange(3)
    assert order_loss(ones, torch.rand(3), alone, ones).item() == 0.0
    assert order_loss(ones, ones, torch.zeros(3, dtype=torch.int64), ones).item() == 0.0


def test_matches_are_those_of_a_plain_loop():
    torch.manual_seed(0)  # noqa: TID251
    net = LateNet(torch.nn.ModuleList(), 8)
    torch.nn.init.normal_(net.weight.weight)
    query, title = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    in_query = torch.tensor([[True, True, True], [True, True, False]])
    in_title = torch.tensor([[True, True, False, False], [True, True, True, True]])
    matches, cosine = net.matches(query, in_query, title, in_title)
    for row in range(2):
        asked, read = query[row][in_query[row]], title[row][in_title[row]]
        best = torch.stack([F.cosine_similarity(one, read).max() for one in asked])
        weights = net.weight(asked)[:, 0].softmax(dim=0)
        mean = (best * weights).sum().item()
        assert matches[row].item() == pytest.approx(mean, abs=1e-5)
        wanted = F.cosine_similarity(asked.mean(dim=0), read.mean(dim=0), dim=0)
        assert cosine[row].item() == pytest.approx(float(wanted), abs=1e-5)


def test_a_score_does_not_depend_on_what_is_scored_beside_it(read):
    pairs, tokens = read
    net = untrained(packaged_model_dir(), LATE)
    together = score_late(net, tokens, np.arange(len(pairs)))
    for place in (0, 10, 26):
        alone = score_late(net, tokens, np.array([place]))
        assert alone[0] == pytest.approx(together[place], abs=1e-4)


def test_gradients_reach_every_weight(read):
    pairs, tokens = read
    net = untrained(packaged_model_dir(), LATE).train()
    places = np.arange(9)
    loss = order_loss(
        net(*tokens.tensors(places)),
        torch.from_numpy(pairs.gains[places]),
        torch.from_numpy(pairs.groups[places]),
        torch.ones(9),
    )
    loss.backward()
    # A constant added to all tokens' weights changes no share.
    free = {name: p for name, p in net.named_parameters() if name != "weight.bias"}
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in free.values())


def test_it_learns_its_pairs_by_heart_and_the_same_ones_give_the_same_net(read):
    pairs, tokens = read
    everything = np.arange(len(pairs))
    longer = replace(LATE, fit=replace(LATE.fit, epochs=4, learning_rate=1e-4))
    nets = [
        fit_late(tokens, pairs, everything, packaged_model_dir(), longer, CPU) for _ in range(2)
    ]
    scores = [score_late(net, tokens, everything) for net in nets]
    assert np.array_equal(*scores)
    before = score_late(untrained(packaged_model_dir(), LATE), tokens, everything)
    assert ndcg_by_query(scores[0], pairs).mean() >= ndcg_by_query(before, pairs).mean()
    assert ndcg_by_query(scores[0], pairs).mean() > 0.97


def test_only_the_rows_that_are_named_are_learned_from(read):
    pairs, tokens = read
    some = np.flatnonzero(pairs.groups != 0)
    other = replace(pairs, grades=np.where(pairs.groups == 0, np.float32(1), pairs.grades))
    nets = [
        fit_late(tokens, given, some, packaged_model_dir(), LATE, CPU) for given in (pairs, other)
    ]
    scores = [score_late(net, tokens, np.arange(len(pairs))) for net in nets]
    assert np.array_equal(*scores)
