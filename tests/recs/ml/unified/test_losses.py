"""Each loss against a plain loop, and what it is for."""

import math

import pytest
import torch

from recs.ml.unified.losses import pairwise_loss, softmax_loss, threshold_loss

THRESHOLDS = torch.tensor([0.4, 0.5, 0.6])


def some_scores(rows=3, columns=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand((rows, columns), generator=generator) * 2 - 1
    good = torch.eye(rows, columns, dtype=torch.bool)
    good[0, 4] = True
    return scores, good


def test_softmax_equals_a_loop_in_which_good_ones_are_no_rivals():
    scores, good = some_scores()
    shift = torch.tensor([-1.0, -2.0, -0.5, -3.0, -1.5, -2.5])
    expected = 0.0
    for row in range(3):
        own = float(scores[row, row]) / 0.1
        others = [
            float(scores[row, column]) / 0.1 - float(shift[column])
            for column in range(6)
            if not good[row, column]
        ]
        expected -= own - math.log(sum(math.exp(value) for value in (own, *others)))
    found = softmax_loss(scores, good, temperature=0.1, shift=shift)
    assert float(found) == pytest.approx(expected / 3, rel=1e-5)


def test_thresholds_equal_a_loop():
    scores, good = some_scores(seed=1)
    strengths = torch.tensor([0, 2, 1])
    expected = 0.0
    for row in range(3):
        expected += max(0.0, float(THRESHOLDS[strengths[row]] - scores[row, row]))
        above = [
            float(scores[row, column]) - 0.1
            for column in range(6)
            if not good[row, column] and scores[row, column] > 0.1
        ]
        expected += sum(above) / max(1, len(above))
    found = threshold_loss(scores, good, strengths, thresholds=THRESHOLDS, none=0.1)
    assert float(found) == pytest.approx(expected / 3, rel=1e-5)


def test_thresholds_order_the_strengths_and_leave_what_is_right_alone():
    scores = torch.full((3, 3), -0.5)
    scores.fill_diagonal_(0.0).requires_grad_()
    optimizer = torch.optim.SGD([scores], lr=0.05)
    strengths = torch.tensor([0, 1, 2])
    good = torch.eye(3, dtype=torch.bool)
    for _ in range(200):
        optimizer.zero_grad()
        loss = threshold_loss(scores, good, strengths, thresholds=THRESHOLDS, none=0.1)
        loss.backward()
        optimizer.step()
    assert torch.allclose(scores.diagonal().detach(), THRESHOLDS, atol=0.03)
    assert loss.item() < 0.02


def test_pairs_equal_a_loop():
    scores, good = some_scores(seed=2)
    pairs = [
        math.log1p(math.exp((float(scores[row, column]) - float(scores[row, row])) / 0.1))
        for row in range(3)
        for column in range(6)
        if not good[row, column]
    ]
    found = pairwise_loss(scores, good, temperature=0.1)
    assert float(found) == pytest.approx(sum(pairs) / len(pairs), rel=1e-5)


def test_all_the_same_costs_what_chance_costs():
    scores, good = torch.zeros(4, 4), torch.eye(4, dtype=torch.bool)
    even = softmax_loss(scores, good, temperature=0.1, shift=torch.zeros(4))
    assert float(even) == pytest.approx(math.log(4))
    assert float(pairwise_loss(scores, good, temperature=0.1)) == pytest.approx(math.log(2))
