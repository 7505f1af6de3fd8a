import dataclasses

import numpy as np
import pytest
import torch

from recs.ml.buckets import AGE_BUCKETS, age_buckets
from recs.ml.seeding import generator, seed_everything
from recs.ml.transformer import Transformer, TransformerConfig, age_bucket

SIZE = 8


def body(**changes):
    seed_everything(1)
    return Transformer(TransformerConfig(embedding_size=SIZE, **changes)).eval()


def embedded(*lengths, width=None, seed=0):
    """Rows padded on the left, and where there is an event."""
    width = width or max(lengths)
    is_event = torch.arange(width) >= width - torch.tensor(lengths).unsqueeze(1)
    rows = torch.randn(len(lengths), width, SIZE, generator=generator(seed))
    return rows * is_event.unsqueeze(-1), is_event


def test_what_a_later_event_is_changes_nothing_before_it():
    net, (rows, is_event) = body(), embedded(9, 5)
    changed = rows.clone()
    changed[:, 6:] = torch.randn(2, 3, SIZE, generator=generator(9))
    before, after = net(rows, is_event), net(changed, is_event)
    assert torch.equal(before[:, 4:6], after[:, 4:6])
    assert (before[:, 6:] - after[:, 6:]).abs().amax(dim=(1, 2)).min() > 0.1


def test_an_earlier_event_does_change_what_comes_after_it():
    net, (rows, is_event) = body(), embedded(9)
    changed = rows.clone()
    changed[:, 0] = changed[:, 0].flip(-1)
    assert (net(rows, is_event)[:, -1] - net(changed, is_event)[:, -1]).abs().max() > 1e-3


def test_no_gradient_flows_from_a_position_to_later_events():
    net, (rows, is_event) = body(), embedded(7)
    rows.requires_grad_()
    net(rows, is_event)[0, 3].square().sum().backward()
    flow = rows.grad[0].abs().sum(dim=1)
    assert (flow[:4] > 0).all()
    assert (flow[4:] == 0).all()


@pytest.mark.parametrize("padding", [1, 5, 40])
def test_padding_on_the_left_changes_nothing(padding):
    net, (rows, is_event) = body(), embedded(6)
    wide = torch.cat([torch.full((1, padding, SIZE), 7.0), rows], dim=1)
    marks = torch.cat([torch.zeros(1, padding, dtype=torch.bool), is_event], dim=1)
    torch.testing.assert_close(
        net(wide, marks)[:, padding:], net(rows, is_event), atol=1e-5, rtol=0
    )


def test_a_batch_gives_what_its_rows_give_one_by_one():
    net, lengths = body(layers=3, heads=4), (1, 4, 12, 7)
    rows, is_event = embedded(*lengths)
    together = net(rows, is_event)
    for row, length in enumerate(lengths):
        alone = net(rows[row : row + 1, -length:], is_event[row : row + 1, -length:])
        torch.testing.assert_close(together[row, -length:], alone[0], atol=1e-5, rtol=0)


def test_a_row_of_padding_alone_is_finite_and_disturbs_nobody():
    net, (rows, is_event) = body(), embedded(0, 3)
    found = net(rows, is_event)
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found[1], net(rows[1:], is_event[1:])[0], atol=1e-5, rtol=0)


def test_dropout_is_drawn_in_training_alone():
    net, (rows, is_event) = body(dropout=0.5), embedded(5)
    assert torch.equal(net(rows, is_event), net(rows, is_event))
    net.train()
    assert not torch.equal(net(rows, is_event), net(rows, is_event))


def test_near_ages_have_a_bucket_each_and_far_ones_share():
    ages = torch.arange(60_000)
    buckets = age_bucket(ages)
    assert buckets[:32].tolist() == list(range(32))
    steps = buckets.diff()
    assert ((steps == 0) | (steps == 1)).all()
    assert buckets[2_047] < buckets[2_048] == AGE_BUCKETS - 1 == buckets[-1]
    # Four steps a doubling: from 64 to 128 there are four buckets, and from 1,024 to 2,048.
    assert len(buckets[64:128].unique()) == len(buckets[1_024:2_048].unique()) == 4


def test_both_ways_of_counting_ages_agree():
    counted = age_bucket(torch.arange(2_999, -1, -1))
    np.testing.assert_array_equal(counted.numpy(), age_buckets(3_000))


def test_more_than_two_thousand_events_are_read():
    net = body(layers=1, heads=1)
    rows, is_event = embedded(2_300, 2, seed=3)
    with torch.no_grad():
        found = net(rows, is_event)
        alone = net(rows[1:, -2:], is_event[1:, -2:])
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found[1, -2:], alone[0], atol=1e-5, rtol=0)


def test_the_same_event_is_read_otherwise_at_another_age():
    net, (rows, is_event) = body(), embedded(1)
    two = rows.expand(1, 2, SIZE)
    alone = net(rows, is_event)[0, -1]
    assert (net(two, torch.ones(1, 2, dtype=torch.bool))[0, 0] - alone).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": 3}, "multiple of heads"),
        ({"layers": 0}, "count from 1"),
        ({"dropout": 1.0}, "below 1"),
        ({"dropout": -0.1}, "below 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TransformerConfig(embedding_size=SIZE, **changes)


def test_a_size_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TransformerConfig().layers = 3
