"""Batches of examples: repeatable, and no negative that is good."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.fit_types import FitConfig
from recs.ml.unified.batches import ExampleBatches
from recs.ml.unified.config import NegativesConfig, TowerConfig, UnifiedConfig
from recs.ml.unified.retriever import hard_items, reader_of
from recs.ml.unified.surfaces import TASKS
from tests.recs.ml.unified.joint_world import prepared_films

CONFIG = UnifiedConfig(
    tower=TowerConfig(embedding_size=16, hidden=8, history=5, asked=2),
    negatives=NegativesConfig(items=20, hard_pool=40, hard_skip=1),
    most_examples=100,
    refresh_steps=2,
    fit=FitConfig(epochs=8, batch_size=32, seed=3),
)


@pytest.fixture
def prepared(tmp_path):
    return prepared_films(tmp_path)


def batches_of(prepared, config=CONFIG):
    log = prepared.data.log.before(prepared.until)
    reader = reader_of(prepared, config, log)
    return ExampleBatches(prepared.examples, reader, prepared.chosen, config)


def test_the_same_epoch_gives_the_same_batches(prepared):
    left, right = (list(batches_of(prepared)(5)) for _ in range(2))
    assert len(left) == len(batches_of(prepared)(5))
    for one, other in zip(left, right, strict=True):
        assert torch.equal(one.targets, other.targets)
        assert torch.equal(one.uniform, other.uniform)
        assert torch.equal(one.good, other.good)
        assert torch.equal(one.requests.history, other.requests.history)
    other = list(batches_of(prepared)(6))
    assert not torch.equal(left[0].targets, other[0].targets)


def test_of_each_task_at_most_so_many(prepared):
    tasks = torch.cat([batch.requests.tasks for batch in batches_of(prepared)(0)])
    assert torch.bincount(tasks, minlength=len(TASKS)).tolist() == [100, 100, 100]


def test_what_is_good_is_no_negative(prepared):
    batch = next(iter(batches_of(prepared)(7)))
    columns = torch.cat([batch.targets, batch.uniform, batch.pool])
    chosen = prepared.chosen
    log = prepared.data.log.before(prepared.until)
    config = replace(CONFIG, sign_out=0.0)
    again = next(iter(batches_of(prepared, config)(7)))
    for row in range(len(batch)):
        target = int(batch.targets[row])
        words = int(again.requests.words[row])
        for place, item in enumerate(columns.tolist()):
            expected = item == target or (
                int(again.requests.given[row, 0]) and chosen[words, item] > 0
            )
            if expected:
                assert batch.good[row, place]
    # And nothing but what somebody chose or wanted is held to be good.
    assert float(batch.good.float().mean()) < 0.7
    assert len(log.wanted.items)


def test_a_stranger_brings_no_history(prepared):
    batch = next(iter(batches_of(prepared, replace(CONFIG, sign_out=1.0))(0)))
    assert not batch.requests.history.any()
    assert not batch.requests.given[:, 2].any()


def test_uniform_alone_at_first_then_ever_more_hard_ones(prepared):
    batches = batches_of(prepared)
    hard = [next(iter(batches(epoch))).hard for epoch in range(8)]
    assert hard[:2] == [0, 0]
    assert hard == sorted(hard)
    assert hard[-1] == 10
    uniform = [len(next(iter(batches(epoch))).uniform) for epoch in range(8)]
    assert [u + h for u, h in zip(uniform, hard, strict=True)] == [20] * 8


def test_hard_ones_are_the_nearest_of_the_pool_and_never_good(prepared):
    batch = next(iter(batches_of(prepared)(7)))
    catalogue = torch.nn.functional.normalize(torch.randn(61, 16), dim=1)
    asks = torch.nn.functional.normalize(torch.randn(len(batch), 16), dim=1)
    places = hard_items(asks, batch, catalogue, skip=0)
    assert len(places) == batch.hard == len(set(places.tolist()))
    width = len(batch.targets) + len(batch.uniform)
    scores = (asks @ catalogue[batch.pool].T).masked_fill(batch.good[:, width:], -2.0)
    highest = scores.max(dim=0).values
    rest = np.setdiff1d(np.arange(len(batch.pool)), places.numpy())
    assert highest[places].min() >= highest[rest].max() - 1e-6


def test_expected_counts_are_those_of_targets_and_drawn_items(prepared):
    batch = next(iter(batches_of(prepared)(0)))
    counts = np.bincount(prepared.examples.targets, minlength=61)
    share = counts[batch.targets.numpy()] / counts.sum()
    expected = np.log(len(batch) * share + 20 / 60)
    assert np.allclose(batch.shift[: len(batch)].numpy(), expected, atol=1e-5)


def test_rows_of_a_batch_keep_their_own(prepared):
    batch = next(iter(batches_of(prepared)(7)))
    part = batch.rows(4, 9)
    assert len(part) == part.terms == 5
    assert torch.equal(part.targets, batch.targets[4:9])
    assert torch.equal(part.good[:, :5], batch.good[4:9, 4:9])
    assert part.good.shape[1] == 5 + len(batch.uniform) + len(batch.pool) == len(part.shift)
    assert len(part.requests) == 5
