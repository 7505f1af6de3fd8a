from dataclasses import replace

import numpy as np
import pytest

from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_facts import ItemFacts, ItemFactsConfig, fit_item_facts
from recs.ml.semantic_ids import SemanticIdConfig

CONFIG = ItemFactsConfig(
    content_width=4, semantic_ids=SemanticIdConfig(levels=2, codes=4, flat=5), seed=3
)


def content(items=60, seed=0, lacking=(7, 20)):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(items + 1, 6)).astype(np.float32)
    table[[0, *(row for row in lacking if row <= items)]] = 0.0
    lists = [[], *([int(row % 3)] * (row % 2) for row in range(items))]
    return ItemContent(
        item_count=items, vectors={"text": table}, attributes=Attributes.of_lists(lists, 3)
    )


def first(given, items):
    """The first of these items alone."""
    offsets = given.attributes.offsets[: items + 2]
    return ItemContent(
        item_count=items,
        vectors={name: table[: items + 1] for name, table in given.vectors.items()},
        attributes=replace(
            given.attributes, offsets=offsets, values=given.attributes.values[: offsets[-1]]
        ),
    )


def fitted(given, config=CONFIG, available=None):
    if available is None:
        available = np.ones(given.item_count + 1, bool)
    return fit_item_facts(given, available, config)


def test_adding_items_leaves_the_rows_of_the_others_unchanged():
    everything = content()
    some = first(everything, 45)
    facts = fitted(some)
    before = facts.tables(some, np.arange(46))
    after = facts.tables(everything, np.arange(61))
    np.testing.assert_allclose(after.content[:46], before.content, atol=1e-5)
    np.testing.assert_array_equal(after.codes[:46], before.codes)
    np.testing.assert_array_equal(after.attribute_offsets[:47], before.attribute_offsets)
    assert after.code_sizes == before.code_sizes == (5, 4, 4)
    assert (after.codes[46:] > 0).all()


def test_nothing_is_learned_of_items_that_are_not_there_yet():
    everything = content()
    later = content()
    later.vectors["text"][41:] *= -4.0
    available = np.arange(61) <= 40
    before, after = (fitted(given, available=available) for given in (everything, later))
    for name, array in before.to_arrays().items():
        np.testing.assert_array_equal(array, after.to_arrays()[name])


def test_an_item_without_content_has_no_code_and_no_content():
    tables = fitted(content()).tables(content(), np.zeros(61, np.int64))
    for row in (0, 7, 20):
        assert not tables.codes[row].any()
        assert not tables.content[row].any()
    others = np.setdiff1d(np.arange(61), [0, 7, 20])
    assert (tables.codes[others] >= 1).all()
    assert (tables.codes <= tables.code_sizes).all()


@pytest.mark.parametrize("kind", ["random", "shuffled"])
def test_a_control_has_codes_of_the_same_sizes_that_say_nothing(kind):
    given = content(items=600)
    true = fitted(given)
    facts = fitted(given, replace(CONFIG, codes=kind))
    assert facts.code_sizes == true.code_sizes
    found, real = facts.codes(given), true.codes(given)
    np.testing.assert_array_equal(found > 0, real > 0)
    # Alike no more often than chance has it.
    same = found[1:, 0] == real[1:, 0]
    assert same[real[1:, 0] > 0].mean() < 0.4
    np.testing.assert_array_equal(facts.codes(given), found)
    other = fitted(given, replace(CONFIG, codes=kind, seed=4))
    assert (other.codes(given) != found).any()
    if kind == "shuffled":
        ids = [sorted(map(tuple, codes.tolist())) for codes in (found, real)]
        assert ids[0] == ids[1]


def test_an_unknown_kind_of_codes_is_refused():
    with pytest.raises(ValueError, match="semantic, random, shuffled, not 'none'"):
        ItemFactsConfig(codes="none")


@pytest.mark.parametrize("items", [0, 1])
def test_too_few_items_with_content_have_neither_codes_nor_content(items):
    given = content(items=items)
    facts = fitted(given)
    assert facts.semantic_ids is None
    assert facts.code_sizes == ()
    tables = facts.tables(given, np.zeros(items + 1, np.int64))
    assert tables.codes.shape == tables.content.shape == (items + 1, 0)


def test_nothing_known_of_any_item():
    given = ItemContent.none(5)
    tables = fitted(given).tables(given, np.zeros(6, np.int64))
    assert tables.codes.shape == tables.content.shape == (6, 0)
    assert tables.attributes == 0


def test_content_that_is_the_same_everywhere_tells_no_items_apart():
    given = content(lacking=())
    given.vectors["text"][1:] = given.vectors["text"][1]
    tables = fitted(given).tables(given, np.zeros(61, np.int64))
    assert len(np.unique(tables.codes[1:], axis=0)) == 1
    assert np.isfinite(tables.content).all()


def test_content_of_zeros_alone_is_none():
    given = content()
    given.vectors["text"][:] = 0.0
    assert fitted(given).semantic_ids is None


def test_a_number_that_is_none_is_refused():
    given = content()
    given.vectors["text"][4, 2] = np.nan
    with pytest.raises(ValueError, match="text are not finite"):
        fitted(given)


def test_codes_that_the_installation_has_are_kept():
    given = content()
    theirs = fitted(content(seed=8)).semantic_ids
    facts = fit_item_facts(given, np.ones(61, bool), CONFIG, theirs)
    assert facts.semantic_ids is theirs


def test_what_is_saved_comes_back():
    given = content()
    facts = fitted(given)
    back = ItemFacts.from_arrays({**facts.to_arrays(), "else": np.zeros(1)}, CONFIG)
    expected, found = (one.tables(given, np.arange(61)) for one in (facts, back))
    np.testing.assert_array_equal(found.content, expected.content)
    np.testing.assert_array_equal(found.codes, expected.codes)
    none = fitted(ItemContent.none(5))
    assert ItemFacts.from_arrays(none.to_arrays(), CONFIG).semantic_ids is None
