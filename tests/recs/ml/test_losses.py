import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from recs.ml import devices, fused_softmax
from recs.ml.losses import bce_loss, bpr_loss, full_softmax_loss, sampled_softmax_loss
from recs.ml.seeding import generator

P, N, D = 37, 50, 8
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Several chunks, the last one short: 16 rows at once of 37."""
    monkeypatch.setitem(fused_softmax._LOGITS_AT_ONCE, "cpu", 1)
    monkeypatch.setattr(fused_softmax, "_LEAST_ROWS", 16)


def made(dtype=torch.float64) -> tuple[torch.Tensor, ...]:
    random = generator(0)
    hidden = torch.randn(P, D, generator=random, dtype=dtype)
    table = torch.randn(N + 1, D, generator=random, dtype=dtype)
    targets = torch.randint(1, N + 1, (P,), generator=random)
    bias = torch.randn(N + 1, generator=random, dtype=dtype)
    return hidden.requires_grad_(), table.requires_grad_(), targets, bias.requires_grad_()


def plain_softmax(hidden, table, targets, bias=None, smoothing=0.0) -> torch.Tensor:
    """torch's own, of the items without the padding."""
    logits = hidden @ table.T
    if bias is not None:
        logits = logits + bias
    return F.cross_entropy(logits[:, 1:], targets - 1, label_smoothing=smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("with_bias", [False, True])
def test_full_softmax_and_its_gradients_are_torchs(with_bias, smoothing):
    hidden, table, targets, bias = made(torch.float32)
    inputs = [hidden, table, *([bias] if with_bias else [])]
    extra = bias if with_bias else None
    wanted = plain_softmax(hidden, table, targets, extra, smoothing)
    wanted_gradients = torch.autograd.grad(3 * wanted, inputs)
    found = full_softmax_loss(hidden, table, targets, bias=extra, smoothing=smoothing)
    found_gradients = torch.autograd.grad(3 * found, inputs)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-5)
    for one, other in zip(found_gradients, wanted_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_full_softmax_is_the_same_whatever_the_chunks(monkeypatch):
    hidden, table, targets, _ = made(torch.float32)
    cut = full_softmax_loss(hidden, table, targets)
    monkeypatch.setitem(fused_softmax._LOGITS_AT_ONCE, "cpu", 2**20)
    assert torch.allclose(full_softmax_loss(hidden, table, targets), cut, atol=1e-6)


def test_full_softmax_never_holds_all_logits(monkeypatch):
    widest = []
    real = fused_softmax._errors

    def watched(logits, *rest):
        widest.append(logits.shape)
        return real(logits, *rest)

    monkeypatch.setattr(fused_softmax, "_errors", watched)
    hidden, table, targets, _ = made(torch.float32)
    full_softmax_loss(hidden, table, targets)
    assert widest == [(16, N + 1), (16, N + 1), (5, N + 1)]


def test_equal_logits_cost_the_log_of_the_catalogue():
    hidden, table = torch.zeros(3, D), torch.randn(N + 1, D, generator=generator(0))
    targets = torch.tensor([1, 2, N])
    for smoothing in (0.0, 0.5):
        loss = full_softmax_loss(hidden, table, targets, smoothing=smoothing)
        assert loss.item() == pytest.approx(math.log(N), abs=1e-5)


def test_a_hopeless_target_costs_its_distance_and_no_infinity():
    table = torch.zeros(4, 1)
    table[1] = 1.0
    hidden = torch.tensor([[500.0]], requires_grad=True)
    loss = full_softmax_loss(hidden, table, torch.tensor([2]))
    assert loss.item() == pytest.approx(500.0)
    loss.backward()
    assert hidden.grad.item() == pytest.approx(1.0)


def test_the_padding_gets_no_gradient_and_no_probability():
    hidden, table, targets, bias = made(torch.float32)
    with torch.no_grad():
        table[0] = 1e4 * hidden[0]
        bias[0] = 1e4
    loss = full_softmax_loss(hidden, table, targets, bias=bias, smoothing=0.1)
    assert loss.item() == pytest.approx(
        plain_softmax(hidden, table, targets, bias, 0.1).item(), abs=1e-4
    )
    loss.backward()
    assert not table.grad[0].any()
    assert bias.grad[0] == 0


def test_bf16_products_stay_near():
    hidden, table, targets, bias = made(torch.float32)
    exact = full_softmax_loss(hidden, table, targets, bias=bias)
    exact_gradient = torch.autograd.grad(exact, [hidden, table, bias])
    with devices.using(devices.Precision(autocast=False, products=torch.bfloat16), CPU):
        near = full_softmax_loss(hidden, table, targets, bias=bias)
    near_gradient = torch.autograd.grad(near, [hidden, table, bias])
    assert near.item() != exact.item()
    assert near.item() == pytest.approx(exact.item(), rel=0.01)
    for one, other in zip(near_gradient, exact_gradient, strict=True):
        assert one.dtype == torch.float32
        assert F.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.999


def test_gradients_come_in_the_dtype_of_what_they_are_of():
    hidden, table, targets, _ = made(torch.float32)
    half = hidden.detach().bfloat16().requires_grad_()
    loss = full_softmax_loss(half, table, targets)
    loss.backward()
    assert loss.dtype == torch.float32
    assert half.grad.dtype == torch.bfloat16
    assert table.grad.dtype == torch.float32


def test_without_gradients_none_are_made(monkeypatch):
    hidden, table, targets, _ = made(torch.float32)
    monkeypatch.setattr(fused_softmax._Sums, "add", None)
    with torch.no_grad():
        loss = full_softmax_loss(hidden, table, targets)
    assert loss.item() == pytest.approx(plain_softmax(hidden, table, targets).item(), abs=1e-5)


UNIFORM = torch.full((N + 1,), -math.log(N), dtype=torch.float64)


def test_sampled_softmax_over_every_item_once_is_the_full_one():
    hidden, table, targets, _ = made()
    everything = torch.arange(1, N + 1)
    found = sampled_softmax_loss(hidden, table, targets, samples=everything, log_q=UNIFORM)
    wanted = plain_softmax(hidden, table, targets)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-5)
    for one, other in zip(
        torch.autograd.grad(found, [hidden, table]),
        torch.autograd.grad(wanted, [hidden, table]),
        strict=True,
    ):
        assert torch.allclose(one, other, atol=1e-5)


def test_sampled_softmax_is_a_plain_loop():
    hidden, table, targets, _ = (tensor.detach() for tensor in made())
    samples = torch.tensor([3, 7, 7, int(targets[0]), 20])
    log_q = torch.log_softmax(torch.randn(N + 1, generator=generator(5)), dim=0).double()
    total = 0.0
    for row, target in zip(hidden, targets, strict=True):
        score = float(row @ table[target])
        others = [
            math.exp(float(row @ table[item])) / (5 * math.exp(float(log_q[item])))
            for item in samples
            if item != target
        ]
        total += math.log(math.exp(score) + sum(others)) - score
    found = sampled_softmax_loss(hidden, table, targets, samples=samples, log_q=log_q)
    assert found.item() == pytest.approx(total / P, rel=1e-5)


def plain_sampled(hidden, table, targets, samples, log_q) -> torch.Tensor:
    others = hidden @ table[samples].T - log_q[samples] - math.log(len(samples))
    others = others.masked_fill(samples == targets[:, None], -math.inf)
    wanted = (hidden * table[targets]).sum(dim=1, keepdim=True)
    return -torch.log_softmax(torch.cat([wanted, others], dim=1), dim=1)[:, 0].mean()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_of_the_sampled_softmax_are_torchs(dtype):
    """Samples drawn twice, hit by some rows, and with the correction of a skewed draw."""
    hidden, table, targets, _ = made(torch.float32)
    samples = torch.cat([torch.randint(1, N + 1, (20,), generator=generator(3)), targets[:4]])
    log_q = torch.log_softmax(torch.randn(N + 1, generator=generator(5)), dim=0)
    wanted = plain_sampled(hidden, table, targets, samples, log_q)
    wanted_gradients = torch.autograd.grad(2 * wanted, [hidden, table])
    with devices.using(devices.Precision(autocast=False, products=dtype), CPU):
        found = sampled_softmax_loss(hidden, table, targets, samples=samples, log_q=log_q)
    found_gradients = torch.autograd.grad(2 * found, [hidden, table])
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    assert found.item() == pytest.approx(wanted.item(), rel=tolerance)
    for one, other in zip(found_gradients, wanted_gradients, strict=True):
        assert F.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 1 - tolerance / 10
        assert one.norm().item() == pytest.approx(other.norm().item(), rel=tolerance)


def test_samples_that_are_all_the_target_cost_nothing():
    hidden, table, targets, _ = made()
    loss = sampled_softmax_loss(
        hidden[:1], table, targets[:1], samples=targets[:1].repeat(3), log_q=UNIFORM
    )
    assert loss.item() == 0
    loss.backward()
    assert not hidden.grad.any()


def test_the_sampled_sum_is_right_in_expectation():
    """All samples of one item, weighed by their probability: the exact mean of the sum."""
    hidden, table, targets, _ = (tensor.detach() for tensor in made())
    log_q = torch.log_softmax(torch.randn(N + 1, generator=generator(5)).double(), dim=0)
    log_q[1:] = torch.log_softmax(log_q[1:], dim=0)
    row, target = hidden[:1], targets[:1]
    score = float(row[0] @ table[target[0]])
    mean = 0.0
    for item in range(1, N + 1):
        samples = torch.tensor([item])
        loss = sampled_softmax_loss(row, table, target, samples=samples, log_q=log_q)
        mean += math.exp(float(log_q[item])) * math.exp(float(loss) + score)
    wanted = torch.exp(row[0] @ table[1:].T).sum()
    assert mean == pytest.approx(float(wanted), rel=1e-4)


def test_without_the_correction_frequent_samples_would_count_too_much():
    hidden, table, targets, _ = made()
    samples = torch.tensor([2] * 9 + [3])
    log_q = UNIFORM.clone()
    log_q[2], log_q[3] = math.log(0.9), math.log(0.1)
    skewed = sampled_softmax_loss(hidden, table, targets, samples=samples, log_q=log_q)
    once = torch.tensor([2, 3])
    half = torch.full_like(log_q, math.log(0.5))
    balanced = sampled_softmax_loss(hidden, table, targets, samples=once, log_q=half)
    assert skewed.item() == pytest.approx(balanced.item(), abs=1e-5)


def test_bce_is_a_plain_loop():
    hidden, table, targets, _ = (tensor.detach() for tensor in made())
    negatives = torch.randint(1, N + 1, (P, 3), generator=generator(2))

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    total = 0.0
    for row, target, drawn in zip(hidden, targets, negatives, strict=True):
        total -= math.log(sigmoid(float(row @ table[target])))
        total -= sum(math.log(1 - sigmoid(float(row @ table[item]))) for item in drawn) / 3
    found = bce_loss(hidden, table, targets, negatives)
    assert found.item() == pytest.approx(total / P, rel=1e-5)


def test_bpr_is_a_plain_loop():
    hidden, table, targets, _ = (tensor.detach() for tensor in made())
    negatives = torch.randint(1, N + 1, (P, 2), generator=generator(2))
    total = 0.0
    for row, target, drawn in zip(hidden, targets, negatives, strict=True):
        for item in drawn:
            difference = float(row @ table[target]) - float(row @ table[item])
            total += math.log(1 + math.exp(-difference)) / 2
    found = bpr_loss(hidden, table, targets, negatives)
    assert found.item() == pytest.approx(total / P, rel=1e-5)


def test_of_scores_of_zero_the_losses_are_known():
    hidden, table = torch.zeros(3, D), torch.randn(N + 1, D, generator=generator(0))
    targets, negatives = torch.tensor([1, 2, 3]), torch.tensor([[4], [5], [6]])
    assert bce_loss(hidden, table, targets, negatives).item() == pytest.approx(2 * math.log(2))
    assert bpr_loss(hidden, table, targets, negatives).item() == pytest.approx(math.log(2))


def losses_of(hidden, table, targets) -> dict[str, torch.Tensor]:
    negatives = torch.arange(1, 1 + 2 * len(targets)).view(-1, 2).remainder(len(table) - 1) + 1
    samples = torch.arange(1, len(table))
    log_q = torch.full((len(table),), -math.log(len(samples)))
    return {
        "full": full_softmax_loss(hidden, table, targets),
        "sampled": sampled_softmax_loss(hidden, table, targets, samples=samples, log_q=log_q),
        "bce": bce_loss(hidden, table, targets, negatives),
        "bpr": bpr_loss(hidden, table, targets, negatives),
    }


@pytest.mark.parametrize("name", ["full", "sampled", "bce", "bpr"])
def test_every_parameter_is_reached_and_one_batch_can_be_learned(name):
    """Last item to next item, by a table and a layer."""
    random = generator(1)
    table = nn.Parameter(torch.randn(13, 16, generator=random) * 0.5)
    layer = nn.Linear(16, 16)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(16, 16, generator=random) * 0.2)
    items, targets = torch.arange(1, 12), torch.arange(2, 13)
    optimizer = torch.optim.Adam([table, *layer.parameters()], lr=0.03)
    for step in range(150):
        loss = losses_of(layer(table[items]), table, targets)[name]
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            for parameter in (table, *layer.parameters()):
                assert parameter.grad.abs().sum() > 0
            first = loss.item()
        optimizer.step()
    assert loss.item() < 0.1 * first


BAD = {
    "no predictions": (torch.zeros(0, D), torch.zeros(N + 1, D), torch.zeros(0, dtype=torch.long)),
    "another width": (torch.zeros(2, D), torch.zeros(N + 1, D + 1), torch.tensor([1, 2])),
    "fewer targets": (torch.zeros(2, D), torch.zeros(N + 1, D), torch.tensor([1])),
    "three axes": (torch.zeros(2, 3, D), torch.zeros(N + 1, D), torch.tensor([1, 2])),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_does_not_fit_is_refused(case):
    hidden, table, targets = case
    with pytest.raises(ValueError, match=r"does not multiply|targets for"):
        full_softmax_loss(hidden, table, targets)
    with pytest.raises(ValueError, match=r"does not multiply|targets for"):
        bce_loss(hidden, table, targets, torch.ones(2, 1, dtype=torch.long))


def test_other_bad_input_is_refused():
    hidden, table, targets, _ = made()
    with pytest.raises(ValueError, match="smoothing"):
        full_softmax_loss(hidden, table, targets, smoothing=1.0)
    with pytest.raises(ValueError, match="bias"):
        full_softmax_loss(hidden, table, targets, bias=torch.zeros(N))
    with pytest.raises(ValueError, match="samples"):
        sampled_softmax_loss(hidden, table, targets, samples=torch.ones(0).long(), log_q=UNIFORM)
    with pytest.raises(ValueError, match="log_q"):
        sampled_softmax_loss(hidden, table, targets, samples=targets, log_q=UNIFORM[1:])
    for negatives in (targets, targets[:, None][:3], targets[:, None][:, :0]):
        with pytest.raises(ValueError, match="negatives"):
            bpr_loss(hidden, table, targets, negatives)
