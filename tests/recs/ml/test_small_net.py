import subprocess
import sys

import numpy as np
import pytest
import torch

from recs.ml.reranker import RerankerConfig, _Net
from recs.ml.seeding import seed_everything
from recs.ml.small_net import SmallNet, arrays_of, nets_of

INPUTS = 6


def both(seed=0):
    """The trained network with weights of all layers, and its twin."""
    seed_everything(seed)
    net = _Net(INPUTS, RerankerConfig(width=16)).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.5 * torch.randn_like(weight))
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=INPUTS).astype(np.float32)
    scale = rng.uniform(0.5, 2.0, INPUTS).astype(np.float32)
    state = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    return net, SmallNet.of_arrays({**state, "mean": mean, "scale": scale})


def features(seed=1):
    return (5 * np.random.default_rng(seed).normal(size=(4, 9, INPUTS))).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_says_what_the_network_says(seed):
    net, twin = both(seed)
    read = torch.from_numpy((features() - twin.mean) / twin.scale)
    with torch.no_grad():
        expected = net(read, torch.zeros(4, 9)).numpy()
    found = twin.added(features())
    assert found.dtype == np.float32
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


def test_a_network_that_has_not_learned_adds_nothing():
    net = _Net(INPUTS, RerankerConfig(width=16)).eval()
    scores = torch.randn(2, 3)
    assert torch.equal(net(torch.randn(2, 3, INPUTS), scores), scores)


def test_networks_come_back_from_an_artifact_in_their_order():
    twins = tuple(both(seed)[1] for seed in range(11))
    arrays = {**arrays_of(twins), "knn.around.data": np.zeros(3)}
    back = nets_of(dict(sorted(arrays.items())))
    assert len(back) == 11
    for before, after in zip(twins, back, strict=True):
        np.testing.assert_array_equal(before.added(features()), after.added(features()))


def test_no_networks_come_back_as_none():
    assert arrays_of(()) == {}
    assert nets_of({"other": np.zeros(1)}) == ()


def test_a_missing_layer_is_named():
    arrays = both()[1].to_arrays()
    del arrays["straight.bias"]
    with pytest.raises(KeyError, match=r"straight\.bias"):
        SmallNet.of_arrays(arrays)


def test_it_is_read_without_torch():
    code = "import sys, recs.ml.small_net, recs.ml.list_features; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_lift_adds_to_candidates_that_have_the_feature():
    rng = np.random.default_rng(5)
    shapes = {"first": (4, 3), "second": (4, 4), "last": (1, 4), "straight": (1, 3)}
    net = SmallNet(
        mean=rng.normal(size=3).astype(np.float32),
        scale=np.array([0.5, 2.0, 1.5], np.float32),
        layers={
            name: (
                rng.normal(size=shape).astype(np.float32),
                rng.normal(size=shape[0]).astype(np.float32),
            )
            for name, shape in shapes.items()
        },
    )
    features = rng.normal(size=(2, 5, 3)).astype(np.float32)
    features[..., 1] = [[0, 1, 0, 1, 1], [1, 0, 0, 0, 1]]
    lifted = net.lifted(1, 0.7).added(features) - net.added(features)
    np.testing.assert_allclose(lifted, 0.7 * features[..., 1], atol=1e-5)
