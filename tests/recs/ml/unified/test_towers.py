"""The two towers: what they share, what they read, what they ignore."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.seeding import seed_everything
from recs.ml.unified.config import TowerConfig
from recs.ml.unified.layers import SparseRows
from recs.ml.unified.retriever import reader_of
from recs.ml.unified.surfaces import HOME, SEARCH, SIMILAR
from recs.ml.unified.towers import Towers
from tests.recs.ml.unified.joint_world import FIRST_DAY, prepared_films
from tests.recs.ml.unified.test_surfaces import some_requests

SMALL = TowerConfig(embedding_size=24, hidden=16, history=6, asked=3, dropout=0.0)


@pytest.fixture
def prepared(tmp_path):
    return prepared_films(tmp_path)


@pytest.fixture
def towers(prepared):
    seed_everything(0)
    net = Towers(SMALL, prepared.items, prepared.words).eval()
    net.refresh()
    return net


def requests_of(prepared, task, **columns):
    from recs.ml.unified.config import UnifiedConfig

    requests = some_requests(
        1,
        tasks=np.array([task], np.int8),
        **{"days": np.array([FIRST_DAY + 140.0])}
        | {name: np.array([value]) for name, value in columns.items()},
    )
    reader = reader_of(prepared, UnifiedConfig(tower=SMALL), prepared.data.log)
    return reader.read(requests)


def test_vectors_are_of_unit_length(prepared, towers):
    batch = requests_of(prepared, SEARCH, words=1, persons=0)
    assert towers.encode_requests(batch).norm(dim=1).tolist() == pytest.approx([1.0], abs=1e-5)
    norms = towers.catalogue[1:].norm(dim=1)
    assert torch.allclose(norms, torch.ones(len(norms)), atol=1e-5)
    assert not towers.catalogue[0].any()


def test_words_are_read_by_the_same_weights_on_both_sides(towers):
    names = [name for name, _ in towers.named_parameters()]
    assert sum(name.endswith("tokens.weight") for name in names) == 1
    assert sum("text.weight" in name for name in names) == 1
    assert sum("attributes.weight" in name for name in names) == 1
    # A change of the shared table moves items and requests alike.
    before = towers.catalogue.clone()
    with torch.no_grad():
        towers.shared.tokens.weight += 0.3
    towers.refresh()
    assert not torch.allclose(before, towers.catalogue, atol=1e-3)


def test_untrained_towers_search_by_meaning(prepared, towers):
    shared = []
    for item in range(1, 41):
        title = prepared.texts.first_title + item
        asked = towers.encode_requests(requests_of(prepared, SEARCH, words=title))
        order = (asked @ towers.catalogue.T)[0].argsort(descending=True)
        plain = (prepared.texts.words[title] @ prepared.texts.items.T).argsort()[::-1]
        shared.append(len(set(order[:10].tolist()) & set(plain[:10].tolist())))
    # By chance not two of sixty items would be the same.
    assert np.mean(shared) > 5


@pytest.mark.parametrize(
    ("task", "one", "other"),
    [
        (SEARCH, {"words": 1}, {"words": 2}),
        (SEARCH, {"words": 1, "persons": 0}, {"words": 1, "persons": 1}),
        (SEARCH, {"words": 1, "persons": 0}, {"words": 1}),
        (HOME, {"persons": 0}, {"persons": 1}),
        (SIMILAR, {"sources": 3}, {"sources": 4}),
    ],
)
def test_each_part_of_a_request_counts(prepared, towers, task, one, other):
    left, right = (
        towers.encode_requests(requests_of(prepared, task, **columns)) for columns in (one, other)
    )
    assert not torch.allclose(left, right, atol=1e-4)


def test_the_task_is_an_input_and_can_be_taken_away(prepared):
    for use_task in (True, False):
        net = Towers(replace(SMALL, use_task=use_task), prepared.items, prepared.words).eval()
        batch = requests_of(prepared, SEARCH, words=1, persons=0)
        as_home = replace(batch, tasks=torch.tensor([HOME]))
        same = torch.allclose(net.encode_requests(batch), net.encode_requests(as_home), atol=1e-6)
        assert same is not use_task


def test_an_item_that_nobody_wanted_has_no_vector_of_its_own(prepared, towers):
    cold, warm = 5, int(prepared.items.counts.argmax())
    counts = prepared.items.counts.copy()
    counts[cold] = 0
    towers.use(replace(prepared.items, counts=counts), prepared.words)
    towers.refresh()
    before = towers.catalogue.clone()
    with torch.no_grad():
        towers.items.ids.weight += 1.0
    towers.refresh()
    assert torch.allclose(before[cold], towers.catalogue[cold], atol=1e-6)
    assert not torch.allclose(before[warm], towers.catalogue[warm], atol=1e-3)


def test_a_hidden_graph_is_a_graph_without_an_edge(prepared, towers):
    batch = requests_of(prepared, SEARCH, words=1)
    hidden = towers.encode_requests(batch, torch.tensor([True]))
    towers.requests.graph[1] = 0.0
    assert torch.allclose(hidden, towers.encode_requests(batch), atol=1e-6)


@pytest.mark.parametrize(
    "part",
    [
        "use_text", "use_tokens", "use_attributes", "use_graph", "use_ids", "use_codes",
        "use_scalars", "use_history", "use_task", "use_source",
    ],
)  # fmt: skip
def test_every_part_can_be_left_out(prepared, part):
    net = Towers(replace(SMALL, **{part: False}), prepared.items, prepared.words).eval()
    net.refresh()
    whole = Towers(SMALL, prepared.items, prepared.words)
    count = sum(weight.numel() for weight in net.parameters())
    assert count < sum(weight.numel() for weight in whole.parameters())
    batch = requests_of(prepared, HOME, persons=0)
    assert torch.isfinite(net.encode_requests(batch)).all()


def test_words_of_nothing_are_refused():
    with pytest.raises(ValueError, match="Something has to be read"):
        TowerConfig(use_text=False, use_tokens=False, use_attributes=False)


def test_rows_of_a_sparse_table_equal_the_product(prepared):
    table = prepared.items.tokens
    weights = torch.randn(table.shape[1], 5)
    rows = torch.tensor([3, 0, 7, 3])
    found = SparseRows(table)(rows, weights)
    expected = table[rows.numpy()].toarray() @ weights.numpy()
    assert np.allclose(found.numpy(), expected, atol=1e-4)
