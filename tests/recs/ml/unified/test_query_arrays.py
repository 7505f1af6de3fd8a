"""The query tower in NumPy against the one in torch."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.seeding import seed_everything
from recs.ml.unified.query_arrays import Asked, QueryArrays
from recs.ml.unified.retriever import reader_of
from recs.ml.unified.towers import Towers, arrays_of
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import UNIFIED, later


def asked_of(batch, words):
    """What the torch tower reads by rows, as arrays."""
    rows = batch.words.numpy()
    return Asked(
        tasks=batch.tasks.numpy(),
        text=words.text[rows],
        tokens=words.tokens[rows],
        attributes=words.attributes[rows],
        graph=words.graph[rows],
        sources=batch.sources.numpy(),
        history=batch.history.numpy(),
        asked=words.text[batch.asked.numpy()].mean(axis=1),
        given=batch.given.numpy(),
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.mark.parametrize(
    "off",
    [
        {}, {"use_text": False}, {"use_tokens": False}, {"use_attributes": False},
        {"use_graph": False}, {"use_ids": False}, {"use_history": False}, {"use_task": False},
        {"use_source": False},
    ],
)  # fmt: skip
def test_it_equals_the_tower_in_torch(prepared, off):
    seed_everything(2)
    config = replace(UNIFIED, tower=replace(UNIFIED.tower, **off))
    net = Towers(config.tower, prepared.items, prepared.words).eval()
    with torch.no_grad():
        # As after training: every weight says something.
        for weight in net.parameters():
            weight += 0.1 * torch.randn_like(weight)
    net.refresh()
    judged = later(prepared)
    requests = judged.requests + judged.requests.signed_out()
    batch = reader_of(prepared, config, prepared.data.log).read(requests)
    with torch.no_grad():
        expected = net.encode_requests(batch).numpy()
    found = QueryArrays.of(arrays_of(net)).encode(asked_of(batch, prepared.words))
    assert np.abs(found - expected).max() < 1e-5


def test_without_the_catalogue_it_is_refused(prepared):
    arrays = arrays_of(Towers(UNIFIED.tower, prepared.items, prepared.words))
    arrays.pop("catalogue")
    with pytest.raises(KeyError):
        QueryArrays.of(arrays)


def test_neither_tower_nor_ranker_of_a_request_needs_torch():
    code = (
        "import sys; from recs.ml.unified.query_arrays import QueryArrays; "
        "from recs.ml.unified.ranker_arrays import RankerArrays; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
