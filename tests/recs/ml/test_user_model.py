from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.batches import BatchConfig, history_batch, next_item_batches
from recs.ml.buckets import KNOWN_BUCKETS
from recs.ml.histories import Histories
from recs.ml.item_side import ItemSideConfig
from recs.ml.known import known_times
from recs.ml.sampling import ItemSampler
from recs.ml.seeding import seed_everything
from recs.ml.transformer import TransformerConfig
from recs.ml.user_model import (
    UserModel,
    UserModelConfig,
    encode_items,
    encode_users,
    next_item_loss,
    published_loss,
)
from tests.recs.ml.test_item_side import tables

ITEMS = 4


def network(dropout=0.0, longest=2000, **items):
    seed_everything(4)
    body = TransformerConfig(embedding_size=8, layers=2, dropout=dropout)
    config = UserModelConfig(body=body, items=ItemSideConfig(**items), longest=longest)
    net = UserModel(config, tables())
    with torch.no_grad():
        for weight in (net.kinds.weight, net.gaps.weight):
            weight[1:] += torch.randn(weight[1:].shape)
        if net.items.gate is not None:
            net.items.gate.copy_(torch.linspace(-2, 2, KNOWN_BUCKETS))
    return net.eval()


def histories(lengths, seed=0):
    rng = np.random.default_rng(seed)
    events = sum(lengths)
    days = [np.cumsum(rng.exponential(3.0, length)) for length in lengths]
    return Histories(
        people=tuple(f"p{n}" for n in range(len(lengths))),
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
        items=rng.integers(1, ITEMS + 1, events),
        kinds=rng.integers(0, 4, events).astype(np.int8),
        days=np.concatenate(days) if days else np.zeros(0),
    )


def test_people_together_have_the_vectors_they_have_alone():
    people = histories([3, 0, 1, 40, 7, 2])
    net, known = network(), known_times(people, ITEMS)
    together = encode_users(net, people, known)
    assert together.dtype == np.float32
    assert not together[1].any()
    for person in range(6):
        alone = encode_users(net, people.select([person]), known)[0]
        np.testing.assert_allclose(together[person], alone, atol=1e-5)


def test_a_history_of_fifty_thousand_events_is_cut_to_the_newest():
    people = histories([50_000, 3])
    net = network(longest=200)
    known = known_times(people, ITEMS)
    found = encode_users(net, people, known)
    np.testing.assert_allclose(found, encode_users(net, people.newest(200), known), atol=1e-6)
    other = replace(people, items=np.where(np.arange(50_003) < 49_800, 1, people.items))
    np.testing.assert_allclose(encode_users(net, other, known)[0], found[0], atol=1e-6)


@pytest.mark.parametrize("changed", ["items", "kinds", "days"])
def test_a_later_event_changes_nothing_earlier(changed):
    people = histories([12])
    net, known = network(), known_times(people, ITEMS)
    counts = known.before(people)
    later = np.arange(12) >= 8
    values = {
        "items": people.items % ITEMS + 1,
        "kinds": (people.kinds + 1).astype(np.int8),
        "days": people.days + 500.0,
    }[changed]
    other = replace(people, **{changed: np.where(later, values, getattr(people, changed))})
    batches = [history_batch(one, np.array([0]), 2000, counts) for one in (people, other)]
    with torch.no_grad():
        before, after = (net(batch)[0][0] for batch in batches)
    assert torch.equal(before[:8], after[:8])
    assert (before[8:] - after[8:]).abs().max() > 1e-3


def test_known_of_an_event_comes_from_its_moment():
    people = histories([9, 9])
    times = known_times(people, ITEMS)
    net = network()
    found = encode_users(net, people.select([0]).newest(4), times)
    # The same events as if each item had been well known then.
    well = replace(times, reached=np.full_like(times.reached, -np.inf))
    assert np.abs(encode_users(net, people.select([0]).newest(4), well) - found).max() > 1e-4


def test_items_as_candidates_have_a_padding_row_of_zeros():
    net = network()
    found = encode_items(net)
    assert found.shape == (ITEMS + 1, 8)
    assert not found[0].any()
    np.testing.assert_allclose(found, net.item_table().detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", ["full", "sampled", "published"])
def test_each_loss_is_finite_and_reaches_every_weight(kind):
    people = histories([6, 9, 4])
    net = network().train()
    sampler = ItemSampler(people.counts(ITEMS))
    loss = {
        "full": next_item_loss(),
        "sampled": next_item_loss(sampler=sampler, samples=50),
        "published": published_loss(sampler),
    }[kind]
    known = known_times(people, ITEMS).before(people)
    (batch,) = next_item_batches(people, BatchConfig(), epoch=0, known=known)
    value = loss(net, batch)
    value.backward()
    assert value.shape == ()
    assert torch.isfinite(value)
    assert all(weight.grad is not None for weight in net.parameters())
    assert not net.items.ids.weight.grad[0].any()
    assert not net.items.content.requires_grad


def test_the_full_loss_is_cross_entropy_of_all_positions():
    people = histories([6, 9, 4])
    net = network()
    known = known_times(people, ITEMS).before(people)
    (batch,) = next_item_batches(people, BatchConfig(), epoch=0, known=known)
    hidden, table = net(batch)
    expected = []
    for row in range(3):
        for place in range(batch.items.shape[1]):
            target = int(batch.targets[row, place])
            if target:
                scores = table[1:] @ hidden[row, place]
                expected.append(scores.logsumexp(dim=0) - scores[target - 1])
    assert len(expected) == 5 + 8 + 3
    torch.testing.assert_close(
        next_item_loss()(net, batch), torch.stack(expected).mean(), atol=1e-4, rtol=1e-4
    )


def test_an_item_taken_for_new_loses_its_own_embedding_in_histories_too():
    people = histories([6, 9])
    net = network(cold_share=0.999999).train()
    known = known_times(people, ITEMS).before(people)
    (batch,) = next_item_batches(people, BatchConfig(), epoch=0, known=known)
    next_item_loss()(net, batch).backward()
    gradient = net.items.ids.weight.grad
    assert gradient is None or not gradient.any()
    assert net.items.map.weight.grad.any()


def test_a_length_of_nothing_is_refused():
    with pytest.raises(ValueError, match="longest counts from 1"):
        UserModelConfig(longest=0)
