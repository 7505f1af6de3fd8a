import numpy as np
import pytest
import torch

from recs.ml.batches import BatchConfig, history_batch, next_item_batches
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig
from recs.ml.gru4rec import Gru4Rec, Gru4RecConfig, next_item_loss, train_gru4rec
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.seeding import seed_everything
from recs.ml.sequence_data import RunOptions, SequenceData, TrainOptions
from tests.recs.ml.worlds import groups_in_turn

CPU = RunOptions(device="cpu")


def net_of(items=12):
    seed_everything(0)
    return Gru4Rec(Gru4RecConfig(embedding_size=8), items).eval()


def test_a_state_equals_a_cell_stepped_over_the_history_by_hand():
    net = net_of()
    histories = Histories.of_lists([[3, 1, 4], [5], [1, 5, 9, 2, 6]])
    hidden = net(history_batch(histories, np.arange(3), 50))
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = [getattr(net.gru, name) for name in names]
    for row, history in enumerate(histories):
        state = torch.zeros(8)
        for place, item in enumerate(history):
            into = weights[0] @ net.items.weight[item] + weights[2]
            back = weights[1] @ state + weights[3]
            (r, z, n), (rb, zb, nb) = into.chunk(3), back.chunk(3)
            reset, update = torch.sigmoid(r + rb), torch.sigmoid(z + zb)
            state = (1 - update) * torch.tanh(n + reset * nb) + update * state
            seen = hidden[row, hidden.shape[1] - len(history) + place]
            torch.testing.assert_close(seen, net.norm(state), rtol=1e-5, atol=1e-5)


def test_every_weight_learns_from_a_batch():
    data = groups_in_turn(people=20)
    net = Gru4Rec(Gru4RecConfig(embedding_size=8), data.item_count)
    batch = next(iter(next_item_batches(data.histories, BatchConfig(), epoch=0)))
    next_item_loss(net, batch).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in net.parameters())


def test_it_learns_what_comes_next_and_the_same_seed_gives_the_same():
    data = groups_in_turn()
    config = Gru4RecConfig(
        embedding_size=16,
        dropout=0.1,
        fit=FitConfig(epochs=15, batch_size=32, learning_rate=0.01, warmup_steps=0),
    )
    first, second = (train_gru4rec(data, config, TrainOptions(seed=3, run=CPU)) for _ in range(2))
    assert data.sample(500, seed=0).ndcg(first) > 0.4
    np.testing.assert_array_equal(first.items.numpy(), second.items.numpy())


def test_nothing_to_learn_has_a_name():
    data = SequenceData(
        histories=Histories.of_lists([[1], []]),
        targets=np.array([2, 0]),
        content=ItemContent.none(3),
    )
    with pytest.raises(NothingToLearn):
        train_gru4rec(data, Gru4RecConfig(), TrainOptions(run=CPU))


def test_sizes_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="longest"):
        Gru4RecConfig(longest=0)
    with pytest.raises(ValueError, match="dropout"):
        Gru4RecConfig(dropout=1.0)
