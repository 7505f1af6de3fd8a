"""The item tower in NumPy against the one in torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.seeding import seed_everything
from recs.ml.unified.item_arrays import ItemArrays
from recs.ml.unified.towers import Towers, arrays_of
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import UNIFIED


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


def towers(prepared, **off):
    seed_everything(2)
    config = replace(UNIFIED.tower, **off)
    net = Towers(config, prepared.items, prepared.words).eval()
    with torch.no_grad():
        # As after training: every weight says something.
        for weight in net.parameters():
            weight += 0.1 * torch.randn_like(weight)
    net.refresh()
    return net


@pytest.mark.parametrize(
    "off",
    [
        {}, {"use_text": False}, {"use_tokens": False}, {"use_attributes": False},
        {"use_graph": False}, {"use_ids": False}, {"use_codes": False}, {"use_scalars": False},
    ],
)  # fmt: skip
def test_it_equals_the_tower_in_torch(prepared, off):
    net = towers(prepared, **off)
    found = ItemArrays.of(arrays_of(net)).encode(prepared.items)
    assert np.abs(found - net.catalogue.numpy()[1:]).max() < 1e-5


def test_a_new_item_has_no_vector_of_its_own(prepared):
    net = towers(prepared)
    arrays = ItemArrays.of(arrays_of(net))
    new = np.zeros(len(prepared.items), np.int64)
    without = ItemArrays({n: a for n, a in arrays.weights.items() if n != "items.ids.weight"})
    assert (arrays.encode(prepared.items, new) == without.encode(prepared.items)).all()
    assert (arrays.encode(prepared.items, new) != arrays.encode(prepared.items)).any()
