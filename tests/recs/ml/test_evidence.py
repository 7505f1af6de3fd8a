import numpy as np
import pytest

from recs.ml.evidence import (
    LEAST_SHARE,
    AttributeEvidence,
    ContentEvidence,
    KnnEvidence,
    ModelEvidence,
    NewItemEvidence,
    PopularityEvidence,
    all_tables,
    content_evidence,
    fading,
    unit,
)
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_knn import ItemKnnConfig, fit_item_knn
from recs.ml.scorers import VectorScorer

ITEMS = 9
PEOPLE = Histories.of_lists([[1, 2, 3], [4], [], [5, 5, 6, 7, 8, 9, 1]])


def vectors(seed=0, lacking=(4,)):
    table = np.random.default_rng(seed).normal(size=(ITEMS + 1, 5)).astype(np.float32)
    table[[0, *lacking]] = 0.0
    return unit(table)


def content():
    lists = [[], *([int(row % 3), 3] for row in range(ITEMS))]
    return ItemContent(
        item_count=ITEMS, vectors={"text": vectors()}, attributes=Attributes.of_lists(lists, 4)
    )


def knn():
    return fit_item_knn(PEOPLE, ITEMS, ItemKnnConfig())


EVIDENCE = {
    "model": ModelEvidence([VectorScorer(np.ones((4, 5), np.float32), vectors(3))]),
    "knn": KnnEvidence("neighbours", knn()),
    "content": ContentEvidence("text", vectors()),
    "attributes": AttributeEvidence.of(content().attributes),
    "popularity": PopularityEvidence(PEOPLE.counts(ITEMS)),
    "new": NewItemEvidence(np.arange(ITEMS + 1) == 4, content_evidence(content())),
}


@pytest.mark.parametrize("evidence", EVIDENCE.values(), ids=EVIDENCE)
def test_each_name_has_a_finite_number_for_every_item(evidence):
    tables = evidence.tables(PEOPLE)
    assert len(tables) == len(evidence.names)
    for table in tables:
        assert table.shape == (4, ITEMS + 1)
        assert table.dtype == np.float32
        assert np.isfinite(table).all()


@pytest.mark.parametrize("name", ["knn", "content", "attributes", "popularity", "new"])
def test_people_together_have_the_numbers_they_have_alone(name):
    together = EVIDENCE[name].tables(PEOPLE)
    for person in range(4):
        alone = EVIDENCE[name].tables(PEOPLE.select([person]))
        for whole, part in zip(together, alone, strict=True):
            np.testing.assert_allclose(whole[person], part[0], atol=1e-6)


def test_log_probabilities_are_averaged_over_the_members():
    users = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    members = [VectorScorer(users, vectors(seed)) for seed in (1, 2)]
    (found,) = ModelEvidence(members).tables(PEOPLE)
    expected = []
    for member in members:
        scores = users @ member.items.T
        scores[:, 0] = np.minimum(scores[:, 1:].min(axis=1), 0.0)
        expected.append(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)


def test_neighbours_give_the_logarithm_of_their_share_and_whether_at_all():
    share, is_any = EVIDENCE["knn"].tables(PEOPLE)
    scores = np.asarray(knn().sparse_scores(PEOPLE, np.arange(4)).todense())
    total = scores.sum(axis=1, keepdims=True)
    expected = scores / np.where(total > 0, total, 1.0)
    np.testing.assert_allclose(share, np.log(expected + LEAST_SHARE), atol=1e-5)
    np.testing.assert_array_equal(is_any, scores > 0)
    assert not is_any[2].any()


def test_content_is_compared_with_a_slow_loop():
    table = vectors()
    mean, last, nearest = EVIDENCE["content"].tables(PEOPLE)
    for person, history in enumerate(PEOPLE):
        newest = history[::-1].tolist()
        asked = sum((0.8**age * table[item] for age, item in enumerate(newest[:10])), np.zeros(5))
        length = np.linalg.norm(asked) or 1.0
        np.testing.assert_allclose(mean[person], table @ (asked / length), atol=1e-5)
        near = [table @ table[item] for item in newest[:5]] or [np.zeros(ITEMS + 1)]
        np.testing.assert_allclose(last[person], near[0], atol=1e-5)
        np.testing.assert_allclose(nearest[person], np.max(near, axis=0), atol=1e-5)


def test_rare_attributes_weigh_more_and_one_that_all_have_nothing():
    lists = [[], [0, 2], [0], [1, 2], [1], [0, 1], [0]]
    evidence = AttributeEvidence.of(Attributes.of_lists(lists, 4))
    (found,) = evidence.tables(Histories.of_lists([[1]]))
    # Item 3 shares the rarer attribute (2) with item 1, items 2 and 6 the commoner one (0).
    assert found[0, 3] > 0
    lengths = np.sqrt(np.asarray(evidence.weights.multiply(evidence.weights).sum(axis=1))).ravel()
    np.testing.assert_allclose(lengths[1:], 1.0, atol=1e-5)
    assert evidence.weights[1, 2] > evidence.weights[1, 0]
    assert found[0, 1] == pytest.approx(1.0, abs=1e-5)
    assert found[0, 4] == 0.0


def test_older_items_fade():
    found = np.asarray(fading(PEOPLE, ITEMS + 1, 3, 0.5).todense())
    assert found[0, [3, 2, 1]].tolist() == [1.0, 0.5, 0.25]
    assert found[3, [1, 9, 8, 7]].tolist() == [1.0, 0.5, 0.25, 0.0]
    assert not found[2].any()


def test_what_speaks_for_new_items_is_nothing_for_the_others():
    evidence = EVIDENCE["new"]
    tables = evidence.tables(PEOPLE)
    assert evidence.names[0] == "new_item"
    assert evidence.names[1:] == (
        "new_text_mean", "new_text_last", "new_text_nearest", "new_attributes",
    )  # fmt: skip
    for table in tables:
        assert not np.delete(table, 4, axis=1).any()
    assert tables[0][:, 4].tolist() == [1.0] * 4
    assert tables[-1][0, 4] == pytest.approx(EVIDENCE["attributes"].tables(PEOPLE)[0][0, 4])


def test_without_a_new_item_its_numbers_are_zeros_and_nothing_is_asked():
    class Untouched:
        names = ("a", "b")

        def tables(self, histories):
            raise AssertionError("Nobody is new.")

    # As counts have it: the padding has none either.
    evidence = NewItemEvidence(np.arange(ITEMS + 1) == 0, [Untouched()])
    tables = evidence.tables(PEOPLE)
    assert len(tables) == 3
    assert not any(table[:, 1:].any() for table in tables)


def test_what_new_items_share_with_others_is_asked_once():
    class Counted:
        names = ("a",)
        asked = 0

        def tables(self, histories):
            self.asked += 1
            return [np.full((len(histories), ITEMS + 1), 2.0, np.float32)]

    part, is_new = Counted(), np.arange(ITEMS + 1) == 4
    evidence = [part, EVIDENCE["knn"], NewItemEvidence(is_new, [part])]
    found = all_tables(evidence, PEOPLE)
    assert part.asked == 1
    alone = [table for one in evidence for table in one.tables(PEOPLE)]
    for table, expected in zip(found, alone, strict=True):
        np.testing.assert_array_equal(table, expected)
    # A part that is nobody else's is asked by the new items themselves.
    np.testing.assert_array_equal(all_tables(evidence[2:], PEOPLE)[-1][0], 2.0 * is_new)


def test_only_what_is_known_of_items_speaks():
    assert content_evidence(ItemContent.none(3)) == []
    found = content_evidence(content())
    assert [name for part in found for name in part.names] == [
        "text_mean", "text_last", "text_nearest", "attributes",
    ]  # fmt: skip
