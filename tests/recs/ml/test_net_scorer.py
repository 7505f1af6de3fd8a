import numpy as np
import torch

from recs.ml.gru4rec import Gru4Rec, Gru4RecConfig
from recs.ml.histories import Histories
from recs.ml.net_scorer import NetScorer
from recs.ml.seeding import seed_everything


def net_of(items=12):
    seed_everything(0)
    return Gru4Rec(Gru4RecConfig(embedding_size=8), items).eval()


def test_a_score_is_the_product_of_the_newest_vector_and_the_item():
    scorer = NetScorer.of(net_of(), 50, epochs=4)
    histories = Histories.of_lists([[3, 1], [5, 2, 7]])
    persons = np.array([1, 0])
    expected = scorer.users(histories, persons) @ scorer.items.numpy().T
    scores = scorer.score(histories, persons)
    np.testing.assert_allclose(scores[:, 1:], expected[:, 1:], rtol=1e-5)
    assert scorer.item_count == 12
    assert scorer.epochs == 4


def test_scores_do_not_depend_on_who_shares_the_batch_and_the_padding_is_no_candidate():
    histories = Histories.of_lists([[3, 1, 4, 2, 2, 7], [5], [], [1, 5]])
    scorer = NetScorer.of(net_of(), 50)
    together = scorer.score(histories, np.arange(4))
    assert np.isneginf(together[:, 0]).all()
    assert (together[2, 1:] == 0).all()
    for person in range(4):
        alone = scorer.score(histories, np.array([person]))
        np.testing.assert_allclose(alone[0], together[person], rtol=1e-4, atol=1e-6)


def test_a_scorer_keeps_the_items_as_they_were_when_it_was_made():
    net = net_of()
    scorer = NetScorer.of(net, 50)
    before = scorer.items.clone()
    torch.nn.init.ones_(net.items.weight)
    torch.testing.assert_close(scorer.items, before)


def test_only_the_newest_events_are_read():
    scorer = NetScorer.of(net_of(), 2)
    histories = Histories.of_lists([[1, 2, 3], [9, 2, 3]])
    first, second = scorer.score(histories, np.arange(2))
    np.testing.assert_array_equal(first, second)
