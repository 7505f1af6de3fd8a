import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from recs.ml.histories import Histories
from recs.ml.item_side import ItemSideConfig, ItemTables
from recs.ml.known import known_times
from recs.ml.seeding import seed_everything
from recs.ml.transformer import TransformerConfig
from recs.ml.user_encoder import UserEncoder
from recs.ml.user_model import UserModel, UserModelConfig, encode_items, encode_users

ITEMS = 40
LEVELS = (5, 7)


def tables(rng, width=12, attributes=9):
    lists = [[], *(rng.integers(0, attributes, rng.integers(0, 4)) for _ in range(ITEMS))]
    content = rng.normal(size=(ITEMS + 1, width)).astype(np.float32)
    codes = np.stack([rng.integers(0, size + 1, ITEMS + 1) for size in LEVELS], axis=1)
    content[0] = codes[0] = 0
    return ItemTables(
        content=content,
        codes=codes,
        code_sizes=LEVELS,
        attribute_offsets=np.cumsum([0, *map(len, lists)]).astype(np.int64),
        attribute_values=np.concatenate(lists).astype(np.int64),
        attributes=attributes,
        counts=np.concatenate([[0], rng.integers(0, 300, ITEMS)]),
    )


def histories(rng, lengths, undated=False):
    events = sum(lengths)
    days = np.concatenate([np.sort(rng.uniform(100, 200, length)) for length in lengths])
    return Histories(
        people=tuple(f"p{n}" for n in range(len(lengths))),
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
        items=rng.integers(1, ITEMS + 1, events),
        kinds=rng.integers(0, 9, events).astype(np.int8),
        days=np.full(events, np.nan) if undated else days,
    )


def both(config, given, fitted_on):
    """The network with weights of a size as training gives them, and its twin."""
    seed_everything(3)
    net = UserModel(config, given)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
        for name, weight in net.named_parameters():
            if name.endswith(("ids.weight", "kinds.weight", "gaps.weight")) or "code" in name:
                weight[0] = 0.0
    known = known_times(fitted_on, ITEMS)
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    return net, UserEncoder(asdict(config), state, given, known), known


CONFIGS = {
    "whole": {},
    "three layers": {"body": {"layers": 3, "heads": 4, "widening": 4}},
    "no ids": {"items": {"use_ids": False}},
    "ids alone": {"items": {"use_content": False, "use_attributes": False, "use_codes": False}},
    "no gate": {"items": {"use_gate": False}},
    "no codes": {"items": {"use_codes": False}},
    "items alone": {"use_kinds": False, "use_gaps": False},
    "short": {"longest": 4},
}


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("undated", [False, True])
def test_the_twin_gives_what_the_network_gives(changes, undated):
    rng = np.random.default_rng(5)
    given = tables(rng)
    config = UserModelConfig(
        body=TransformerConfig(**{"embedding_size": 16, **changes.get("body", {})}),
        items=ItemSideConfig(**changes.get("items", {})),
        **{name: changes[name] for name in changes if name not in ("body", "items")},
    )
    people = histories(rng, [1, 2, 7, 33, 64, 0, 300], undated)
    net, twin, known = both(config, given, people)
    expected = encode_users(net, people, known)
    found = twin.encode(people)
    assert found.dtype == np.float32
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(twin.item_table(), encode_items(net), atol=1e-4)
    assert not found[5].any()


def test_two_thousand_events_are_read_alike_and_in_time():
    rng = np.random.default_rng(6)
    given = tables(rng)
    config = UserModelConfig(body=TransformerConfig(embedding_size=32))
    people = histories(rng, [2_600])
    net, twin, known = both(config, given, people)
    expected = encode_users(net, people, known)
    np.testing.assert_allclose(twin.encode(people), expected, atol=1e-4)
    np.testing.assert_allclose(twin.encode(people.newest(2_000)), expected, atol=1e-4)


def test_a_new_item_is_what_the_network_takes_an_unknown_one_for():
    rng = np.random.default_rng(7)
    given = tables(rng)
    config = UserModelConfig(body=TransformerConfig(embedding_size=16))
    net, twin, _ = both(config, given, histories(rng, [50]))
    new = given.rows(np.array([4, 9]))
    found = twin.items.candidates(new)
    net.items.use(given)
    net.items.counts[:] = 0
    expected = encode_items(net)[[0, 4, 9]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_one_person_has_the_same_vector_alone_and_among_others():
    rng = np.random.default_rng(8)
    people = histories(rng, [5, 9, 3])
    _, twin, _ = both(
        UserModelConfig(body=TransformerConfig(embedding_size=16)), tables(rng), people
    )
    together = twin.encode(people)
    for place in range(3):
        np.testing.assert_array_equal(twin.encode(people.select([place]))[0], together[place])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code_sizes": (5, 8)}, "Codes of sizes"),
        ({"content": np.zeros((ITEMS + 1, 3), np.float32)}, "Content of 3"),
        ({"attributes": 4}, "4 attributes"),
    ],
)
def test_tables_of_something_else_are_refused(changes, message):
    rng = np.random.default_rng(9)
    given = tables(rng)
    _, twin, _ = both(
        UserModelConfig(body=TransformerConfig(embedding_size=16)), given, histories(rng, [9])
    )
    fields = {name: getattr(given, name) for name in ItemTables.__dataclass_fields__}
    with pytest.raises(ValueError, match=message):
        twin.items.candidates(ItemTables(**(fields | changes)))


def test_weights_of_other_items_are_refused():
    rng = np.random.default_rng(10)
    given, people = tables(rng), histories(rng, [9])
    config = UserModelConfig(body=TransformerConfig(embedding_size=16))
    net, _, known = both(config, given, people)
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    fewer = given.rows(np.arange(1, ITEMS))
    with pytest.raises(ValueError, match="different numbers of items"):
        UserEncoder(asdict(config), state, fewer, known)


def test_the_twin_is_read_without_torch():
    code = "import sys, recs.ml.user_encoder; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
