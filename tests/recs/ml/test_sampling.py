import math

import numpy as np
import pytest
import torch

from recs.ml.sampling import ItemSampler
from recs.ml.seeding import generator, seed_step


def test_items_are_drawn_as_often_as_log_q_says():
    sampler = ItemSampler(np.array([0, 80, 15, 0, 3]), power=0.75)
    shares = sampler.log_q.exp()
    assert shares[0] == 0
    assert shares.sum().item() == pytest.approx(1.0)
    weights = [0.0, 81**0.75, 16**0.75, 1.0, 4**0.75]
    assert shares.tolist() == pytest.approx([w / sum(weights) for w in weights])
    drawn = sampler.draw(40_000, generator=generator(0))
    found = np.bincount(drawn.numpy(), minlength=5) / 40_000
    assert found == pytest.approx(shares.numpy(), abs=0.01)


def test_power_zero_draws_uniformly():
    sampler = ItemSampler(np.array([0, 1000, 0, 5]), power=0.0)
    assert sampler.log_q[1:].tolist() == pytest.approx([-math.log(3)] * 3)


def test_the_padding_is_never_drawn_whatever_its_count():
    sampler = ItemSampler(np.array([10**9, 1, 1]))
    drawn = sampler.draw(50, 20, generator=generator(0))
    assert drawn.shape == (50, 20)
    assert drawn.dtype == torch.int64
    assert set(drawn.unique().tolist()) == {1, 2}


def test_without_a_generator_the_step_decides():
    sampler = ItemSampler(np.ones(1000, np.int64))
    seed_step(0, 1)
    first = sampler.draw(8)
    seed_step(0, 1)
    assert torch.equal(sampler.draw(8), first)
    seed_step(0, 2)
    assert not torch.equal(sampler.draw(8), first)


def test_one_item_with_ten_million_events_leaves_a_chance_to_those_with_none():
    sampler = ItemSampler(np.array([0, 10_000_000, 0]))
    assert torch.isfinite(sampler.log_q[1:]).all()
    sampler.to("cpu")
    assert set(sampler.draw(300_000, generator=generator(0)).unique().tolist()) == {1, 2}


def test_an_empty_catalogue_is_refused():
    with pytest.raises(ValueError, match="no item"):
        ItemSampler(np.zeros(1, np.int64))
