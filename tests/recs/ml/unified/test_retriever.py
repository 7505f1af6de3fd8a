"""Training the towers: what they learn, that they may be repeated and taken up again."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.unified import retriever as retriever_module
from recs.ml.unified.judged import ndcg_of, rank_requests
from recs.ml.unified.quality import with_quality, with_weights
from recs.ml.unified.retriever import batch_loss, fit_retriever, mean_over_tasks
from recs.ml.unified.surfaces import HOME, SEARCH, SIMILAR
from recs.ml.unified.towers import arrays_of
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import CPU, UNIFIED, later


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def fitted(prepared):
    return fit_retriever(prepared, UNIFIED, later(prepared), CPU)


def test_it_learns_every_surface(prepared, fitted):
    retriever, report = fitted
    judged = later(prepared)
    found = rank_requests(retriever.score, judged.requests, prepared.data.log, 10)
    gains = ndcg_of(found, judged)
    chance = 10 / 60 * 0.45
    for task in (SEARCH, HOME, SIMILAR):
        assert gains[judged.requests.tasks == task].mean() > 1.5 * chance
    assert report.best_score == pytest.approx(mean_over_tasks(retriever, judged), abs=1e-6)


def test_one_product_of_the_stored_vectors_is_the_score(prepared, fitted):
    retriever = fitted[0].with_weights_of(np.array([0.3, 0.1, 0.0, 0.2], np.float32))
    requests = later(prepared).requests
    asked = with_weights(retriever.encode(requests), retriever.weights)
    stored = with_quality(retriever.items, prepared.quality)
    plain = retriever.encode(requests) @ retriever.items.T + prepared.quality @ retriever.weights
    assert np.abs(asked @ stored.T - plain).max() < 1e-5
    assert np.abs(retriever.score(requests) - plain).max() < 1e-5


@pytest.fixture(scope="module")
def whole(prepared):
    """The weights after all epochs."""
    return arrays_of(fit_retriever(prepared, UNIFIED, None, CPU)[0].towers)


def test_the_same_seed_gives_the_same_weights(prepared, whole):
    left, right = whole, arrays_of(fit_retriever(prepared, UNIFIED, None, CPU)[0].towers)
    assert left.keys() == right.keys()
    assert all((left[name] == right[name]).all() for name in left)
    seeded = replace(UNIFIED, fit=replace(UNIFIED.fit, seed=1))
    other = arrays_of(fit_retriever(prepared, seeded, None, CPU)[0].towers)
    assert any((left[name] != other[name]).any() for name in left)


def test_a_run_that_was_killed_goes_on_as_if_nothing_had_happened(
    prepared, whole, tmp_path, monkeypatch
):
    options = replace(CPU, checkpoint_dir=tmp_path, checkpoint_seconds=0.0)
    steps = itertools.count(1)

    def killed(*arguments):
        if next(steps) == 30:
            raise KeyboardInterrupt
        return batch_loss(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(retriever_module, "batch_loss", killed)
        with pytest.raises(KeyboardInterrupt):
            fit_retriever(prepared, UNIFIED, None, options)
    again, report = fit_retriever(prepared, UNIFIED, None, options)
    assert report.resumed
    found = arrays_of(again.towers)
    assert all((whole[name] == found[name]).all() for name in whole)


@pytest.mark.parametrize("loss", ["thresholds", "pairwise"])
def test_the_other_losses_learn_too(prepared, loss):
    config = replace(UNIFIED, loss=loss)
    judged = later(prepared)
    retriever, _ = fit_retriever(prepared, config, judged, CPU)
    assert (
        ndcg_of(
            rank_requests(retriever.score, judged.requests, prepared.data.log, 10), judged
        ).mean()
        > 0.1
    )


def test_what_a_stranger_gets_is_nobodys(prepared, fitted):
    """A vector of a signed-out request is the same whoever asked."""
    retriever = fitted[0]
    requests = later(prepared).requests.select(np.arange(8))
    strangers = retriever.encode(requests.signed_out())
    moved = replace(requests, persons=requests.persons[::-1].copy()).signed_out()
    assert (strangers == retriever.encode(moved)).all()
    assert not np.allclose(strangers, retriever.encode(requests), atol=1e-3)


def test_every_weight_gets_a_gradient(prepared):
    from recs.ml.unified.batches import ExampleBatches
    from recs.ml.unified.retriever import reader_of
    from recs.ml.unified.towers import Towers

    net = Towers(UNIFIED.tower, prepared.items, prepared.words)
    with torch.no_grad():
        # Zero at the start, these two would keep the layers before them without a gradient.
        for block in (net.items.block, net.requests.block):
            block.outer.weight.normal_(std=0.1)
    reader = reader_of(prepared, UNIFIED, prepared.data.log)
    batch = next(iter(ExampleBatches(prepared.examples, reader, prepared.chosen, UNIFIED)(0)))
    batch_loss(net, batch, UNIFIED).backward()
    lacking = [n for n, w in net.named_parameters() if w.grad is None or not w.grad.any()]
    assert lacking == []
