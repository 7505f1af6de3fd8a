from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.rqvae import FIT, PointBatch, RqVae, RqVaeConfig, fit_rqvae, rqvae_loss

SMALL = RqVaeConfig(levels=2, codes=8, hidden=(32, 16), latent=8)
QUICK = replace(FIT, epochs=100, learning_rate=3e-3, batch_size=64, warmup_steps=5)


def content(points=256, dimensions=24, seed=0):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(6, size=points)
    centres = np.random.default_rng(5).normal(size=(6, dimensions))
    made = centres[kinds] + 0.2 * rng.normal(size=(points, dimensions))
    return made.astype(np.float32), kinds


@pytest.fixture(scope="module")
def fitted():
    points, kinds = content()
    return fit_rqvae(points, config=SMALL, fit_config=QUICK), points, kinds


def test_the_first_code_tells_kinds_apart(fitted):
    net, points, kinds = fitted
    codes = net.assign(points)
    assert codes.shape == (256, 2)
    first = codes[:, 0]
    largest = [np.bincount(kinds[first == code]).max() for code in set(first)]
    assert sum(largest) / len(first) > 0.9


def test_training_brings_points_back_and_each_level_nearer(fitted):
    net, points, _ = fitted
    codes = net.assign(points)
    errors = [((points - net.reconstruct(codes[:, :n])) ** 2).sum() for n in (1, 2)]
    spread = ((points - points.mean(axis=0)) ** 2).sum()
    assert errors[1] < errors[0] < 0.5 * spread


def test_the_same_seed_gives_the_same_codes_and_another_one_others(fitted):
    net, points, _ = fitted
    again = fit_rqvae(points, config=SMALL, fit_config=QUICK)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    other = fit_rqvae(points, config=SMALL, fit_config=replace(QUICK, seed=1, epochs=1))
    assert not torch.equal(net.codebooks, other.codebooks)


def test_codes_of_one_point_do_not_depend_on_the_others(fitted):
    net, points, _ = fitted
    assert np.array_equal(net.assign(points[:1])[0], net.assign(points)[0])


def test_codes_that_nothing_takes_are_revived():
    points, _ = content()
    net = RqVae(points, replace(SMALL, revive_after=3))
    with torch.no_grad():
        net.codebooks.fill_(1e3)  # nothing but the first code of each level is ever nearest
    net.train()
    batch = PointBatch(torch.from_numpy(points))
    for _ in range(5):
        rqvae_loss(net, batch)
    assert len(np.unique(net.assign(points)[:, 0])) > 4
    before = net.codebooks.clone()
    net.eval()
    rqvae_loss(net, batch)
    assert torch.equal(net.codebooks, before)


def test_gradients_reach_encoder_codebooks_and_decoder():
    points, _ = content()
    net = RqVae(points, SMALL)
    net.start_codebooks(points, seed=0)
    rqvae_loss(net, PointBatch(torch.from_numpy(points))).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_the_gradient_passes_through_the_codes_unchanged():
    points, _ = content()
    net = RqVae(points, SMALL).eval()
    net.start_codebooks(points, seed=0)
    latent = torch.randn(4, 8, requires_grad=True, generator=torch.Generator().manual_seed(0))
    found = net.quantize(latent)
    found.latent.sum().backward()
    assert torch.equal(latent.grad, torch.ones(4, 8))
    tables = net.codebooks.detach()
    summed = sum(tables[level][found.codes[:, level]] for level in range(2))
    assert torch.allclose(found.latent.detach(), summed, atol=1e-5)


def test_fewer_points_than_codes_are_bearable():
    points, _ = content(points=5)
    net = fit_rqvae(points, config=SMALL, fit_config=replace(QUICK, epochs=2))
    assert np.isfinite(net.reconstruct(net.assign(points))).all()


def test_no_points_are_refused():
    with pytest.raises(ValueError, match="no points"):
        fit_rqvae(np.zeros((0, 4), np.float32), config=SMALL)
