import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.batches import TensorBatch
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig
from recs.ml.histories import Histories
from recs.ml.item2vec import (
    SHARED_NEGATIVES,
    Item2Vec,
    Item2VecConfig,
    Item2VecScorer,
    PairBatches,
    pair_loss,
    train_item2vec,
    unit,
    window_pairs,
)
from recs.ml.item_content import ItemContent
from recs.ml.sampling import ItemSampler
from recs.ml.seeding import seed_everything
from recs.ml.sequence_data import RunOptions, SequenceData, TrainOptions
from tests.recs.ml.worlds import SIZE, group_of, groups_in_turn

CPU = RunOptions(device="cpu")


def test_pairs_are_those_of_the_window_both_ways_round():
    histories = Histories.of_lists([[1, 2, 3, 1], [4], [5, 6]])
    expected = [
        (a, b)
        for history in histories
        for i, a in enumerate(history.tolist())
        for j, b in enumerate(history.tolist())
        if i != j and abs(i - j) <= 2 and a != b
    ]
    assert sorted(map(tuple, window_pairs(histories, 2).tolist())) == sorted(expected)


def test_the_most_pairs_keep_the_nearest():
    histories = Histories.of_lists([list(range(1, 8))])
    pairs = window_pairs(histories, 5, most=12)
    assert len(pairs) == 12
    assert (abs(pairs[:, 0] - pairs[:, 1]) == 1).all()


def test_the_loss_equals_the_sum_over_pairs_and_negatives():
    seed_everything(1)
    sampler = ItemSampler(np.array([0, 5, 3, 2, 1]))
    net = Item2Vec(4, 3)
    torch.nn.init.normal_(net.neighbours.weight)
    pairs = torch.tensor([[1, 2], [3, 1]])
    seed_everything(2)
    loss = pair_loss(net, TensorBatch((pairs,)), sampler=sampler, negatives=15)
    seed_everything(2)
    drawn = sampler.draw(SHARED_NEGATIVES).tolist()
    net.requires_grad_(False)
    expected = 0.0
    for item, neighbour in pairs.tolist():
        vector = net.items.weight[item]
        expected += math.log1p(math.exp(-float(vector @ net.neighbours.weight[neighbour])))
        for other in drawn:
            if other != neighbour:
                score = float(vector @ net.neighbours.weight[other])
                expected += math.log1p(math.exp(score)) * 15 / SHARED_NEGATIVES
    assert loss.item() == pytest.approx(expected / 2, rel=1e-5)


def test_an_epoch_has_each_pair_once_in_an_order_of_its_own():
    pairs = np.arange(20).reshape(10, 2)
    epochs = [PairBatches(pairs, 4, seed=0, epoch=epoch) for epoch in (0, 0, 1)]
    orders = [torch.cat([batch.tensors[0] for batch in epoch])[:, 0].tolist() for epoch in epochs]
    assert len(epochs[0]) == 3
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == pairs[:, 0].tolist()


def test_the_score_is_the_cosine_with_the_decayed_mean():
    vectors = unit(np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32))
    scorer = Item2VecScorer(vectors, Item2VecConfig(history=2, recency_power=1.0))
    scores = scorer.score(Histories.of_lists([[3, 1, 2], []]), np.arange(2))
    person = np.array([0.5, 1.0]) / math.hypot(0.5, 1.0)
    np.testing.assert_allclose(scores[0, 1:], vectors[1:] @ person, rtol=1e-5)
    assert scores[1, 1:].tolist() == [0, 0, 0]
    assert np.isneginf(scores[:, 0]).all()


def test_items_of_one_basket_end_near_each_other():
    # Each person stays in one group here.
    ring = groups_in_turn(people=120)
    rng = np.random.default_rng(0)
    lists = [(rng.integers(6) * SIZE + rng.permutation(SIZE) + 1).tolist() for _ in range(300)]
    data = replace(
        ring,
        histories=Histories.of_lists([history[:-1] for history in lists]),
        targets=np.array([history[-1] for history in lists]),
    )
    config = Item2VecConfig(
        embedding_size=8,
        subsampling=0.0,
        fit=FitConfig(epochs=25, batch_size=256, learning_rate=0.02, warmup_steps=0),
    )
    first, second = (train_item2vec(data, config, TrainOptions(seed=1, run=CPU)) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)
    alike = first.vectors[1:] @ first.vectors[1:].T
    groups = group_of(np.arange(1, len(first.vectors)))
    same = groups[:, None] == groups[None, :]
    assert alike[same].mean() > alike[~same].mean() + 0.3
    assert data.sample(500, seed=0).ndcg(first) > 0.9


def test_frequent_items_are_left_out_at_random_and_rare_ones_are_not():
    data = groups_in_turn(people=50)
    config = Item2VecConfig(
        embedding_size=4,
        subsampling=1e-9,
        fit=FitConfig(epochs=1, batch_size=512, learning_rate=0.01, warmup_steps=0),
    )
    # So strong a subsampling leaves no pair: then all of them are taken instead of none.
    scorer = train_item2vec(data, config, TrainOptions(run=CPU))
    assert np.isfinite(scorer.vectors).all()


def test_nothing_to_learn_has_a_name():
    data = SequenceData(
        histories=Histories.of_lists([[1, 1], [2]]),
        targets=np.array([2, 0]),
        content=ItemContent.none(3),
    )
    with pytest.raises(NothingToLearn):
        train_item2vec(data, Item2VecConfig(), TrainOptions(run=CPU))


def test_numbers_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="window"):
        Item2VecConfig(window=0)
    with pytest.raises(ValueError, match="subsampling"):
        Item2VecConfig(subsampling=-1.0)
