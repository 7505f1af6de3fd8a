import numpy as np
import pytest
import torch

from recs.ml.buckets import KNOWN_BUCKETS
from recs.ml.item_side import ItemSide, ItemSideConfig
from recs.ml.item_tables import ItemTables
from recs.ml.seeding import seed_everything

SIZE = 4
COUNTS = [0, 9, 0, 1, 2]


def tables(lists=((), (0, 2), (1,), (), (2,)), *, width=3, sizes=(3, 2), attributes=3):
    """Four items; the second one nobody knows, the third has no attributes."""
    rng = np.random.default_rng(0)
    rows = len(lists)
    content = rng.normal(size=(rows, width)).astype(np.float32)
    codes = np.stack([rng.integers(1, size + 1, rows) for size in sizes], axis=1) if sizes else None
    codes = np.zeros((rows, 0), np.int64) if codes is None else codes
    content[0] = codes[0] = 0
    return ItemTables(
        content=content,
        codes=codes,
        code_sizes=sizes,
        attribute_offsets=np.cumsum([0, *map(len, lists)]).astype(np.int64),
        attribute_values=np.array([v for values in lists for v in values], np.int64),
        attributes=attributes,
        counts=np.array(COUNTS[:rows], np.int64),
    )


def side(given=None, **config):
    seed_everything(2)
    return ItemSide(ItemSideConfig(**config), given or tables(), SIZE)


def table_of(net):
    return net.mix(net.own(), net.content_side(), net.counts)


def test_an_item_that_nobody_knows_has_no_embedding_of_its_own():
    net = side()
    before = table_of(net).detach()
    with torch.no_grad():
        net.ids.weight[1:] += 5.0
    after = table_of(net).detach()
    assert torch.equal(before[2], after[2])
    assert (before[[1, 3, 4]] - after[[1, 3, 4]]).abs().amin() > 0.1


def test_the_gate_follows_the_formula():
    net = side()
    with torch.no_grad():
        net.gate.copy_(torch.linspace(-2, 2, KNOWN_BUCKETS))
    own, content = net.own(), net.content_side()
    known = torch.tensor([0, 4, 0, 1, 2])
    found = net.mix(own, content, known)
    for row, bucket in enumerate(known.tolist()):
        share = 1 / (1 + np.exp(-net.gate[bucket].item())) if bucket else 0.0
        expected = 2 * (share * own[row] + (1 - share) * content[row])
        torch.testing.assert_close(found[row], expected)
    assert net.counts.tolist() == [0, 4, 0, 1, 2]


def test_without_a_gate_both_sides_count_alike_but_not_for_the_unknown():
    net = side(use_gate=False)
    found, own, content = table_of(net), net.own(), net.content_side()
    torch.testing.assert_close(found[1], own[1] + content[1])
    torch.testing.assert_close(found[2], 2 * content[2])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"use_ids": False},
        {"use_gate": False},
        {"use_codes": False},
        {"use_content": False},
        {"use_attributes": False},
        {"use_content": False, "use_attributes": False, "use_codes": False},
    ],
)
def test_the_padding_row_is_zero_and_stays_so(config):
    net = side(**config)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    for _ in range(2):
        optimizer.zero_grad()
        (table_of(net) + 1.0).square().sum().backward()
        optimizer.step()
    found = table_of(net)
    assert not found[0].any()
    assert found[1:].abs().sum(dim=1).min() > 0


def test_frozen_content_gets_no_gradient_while_tables_and_map_do():
    net = side()
    frozen = net.content.clone(), net.codes.clone()
    table_of(net).square().sum().backward()
    assert not net.content.requires_grad
    names = {name for name, weight in net.named_parameters() if weight.grad is not None}
    assert names == {
        "gate", "ids.weight", "map.weight", "attribute_table.weight",
        "code_tables.0.weight", "code_tables.1.weight",
    }  # fmt: skip
    assert all(weight.grad.any() for weight in net.parameters())
    assert "content" not in net.state_dict()
    assert torch.equal(net.content, frozen[0])
    assert torch.equal(net.codes, frozen[1])


def test_the_content_side_is_map_plus_attributes_plus_codes():
    given = tables()
    net = side(given)
    found = net.content_side()
    for row in range(1, 5):
        values = given.attribute_values[
            given.attribute_offsets[row] : given.attribute_offsets[row + 1]
        ]
        expected = net.map.weight @ torch.from_numpy(given.content[row])
        for value in values:
            expected = expected + net.attribute_table.weight[value] / len(values) ** 0.5
        for level, table in enumerate(net.code_tables):
            expected = expected + table.weight[given.codes[row, level]]
        torch.testing.assert_close(found[row], expected)


def test_attributes_of_an_item_that_nobody_knows_move_its_vector():
    without, with_one = tables(((), (0,), (), (), ())), tables(((), (0,), (1, 2), (), ()))
    net = side(without)
    before = table_of(net)[2]
    net.use(with_one)
    after = table_of(net)
    assert (after[2] - before).abs().max() > 1e-3
    assert torch.isfinite(after).all()


def test_a_catalogue_whose_items_have_no_attributes_is_read():
    found = table_of(side(tables(((),) * 5)))
    assert torch.isfinite(found).all()
    assert not found[0].any()


def test_a_new_item_is_read_after_its_tables_are_given():
    net = side(use_ids=False)
    more = tables(((), (0, 2), (1,), (), (2,), ()))
    known = table_of(net)
    net.use(ItemTables(**{name: getattr(more, name) for name in more.__dataclass_fields__
                          if name != "counts"}, counts=np.zeros(6, np.int64)))  # fmt: skip
    assert len(table_of(net)) == len(known) + 1


def test_some_items_are_taken_for_new_in_training_alone():
    net = side(cold_share=0.5)
    net.train()
    drawn = torch.stack([net.hidden_items() for _ in range(200)]).float().mean(dim=0)
    assert ((drawn > 0.3) & (drawn < 0.7)).all()
    net.eval()
    assert net.hidden_items() is None
    assert side().train().hidden_items() is None


def test_an_item_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one part"):
        ItemSideConfig(use_ids=False, use_content=False, use_attributes=False, use_codes=False)
    bare = tables(((),) * 5, width=0, sizes=(), attributes=0)
    with pytest.raises(ValueError, match="needs its ID"):
        side(bare, use_ids=False)
    with pytest.raises(ValueError, match="cold_share"):
        ItemSideConfig(cold_share=1.0)


def test_where_nothing_is_known_of_any_item_the_embedding_is_all():
    net = side(tables(((),) * 5, width=0, sizes=(), attributes=0))
    assert torch.equal(table_of(net), net.ids.weight)
