import numpy as np
import pytest

from recs.ml import scorers
from recs.ml.histories import Histories
from recs.ml.scorers import VectorScorer, rank, target_ranks


class TableScorer:
    """Given scores; the histories tell by their first person which rows are asked for."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table.astype(np.float32)
        self.asked: list[int] = []

    @property
    def item_count(self) -> int:
        return self.table.shape[1] - 1

    def score(self, histories: Histories, persons: np.ndarray) -> np.ndarray:
        self.asked.append(len(persons))
        return self.table[persons].copy()


def slow_ranking(row: np.ndarray, seen: list[int], k: int) -> list[int]:
    order = sorted(set(range(1, len(row))) - set(seen), key=lambda item: -row[item])[:k]
    return order + [0] * (k - len(order))


@pytest.fixture
def world():
    random = np.random.default_rng(0)
    table = random.permutation(40 * 26).reshape(40, 26)
    lists = [random.integers(1, 26, random.integers(0, 20)).tolist() for _ in range(40)]
    return table, lists


@pytest.mark.parametrize("at_once", [1, 26 * 7, 2**24])
@pytest.mark.parametrize("k", [1, 10, 25, 30])
def test_rankings_are_those_of_sorting_everything(world, k, at_once, monkeypatch):
    monkeypatch.setattr(scorers, "_SCORES_AT_ONCE", at_once)
    table, lists = world
    histories = Histories.of_lists(lists)
    found = rank(TableScorer(table), histories, k)
    wanted = [slow_ranking(row, seen, k) for row, seen in zip(table, lists, strict=True)]
    assert found.tolist() == wanted
    everything = rank(TableScorer(table), histories, k, exclude_seen=False)
    assert everything.tolist() == [slow_ranking(row, [], k) for row in table]


def test_scores_of_a_large_catalogue_are_made_for_few_people_at_once(world, monkeypatch):
    monkeypatch.setattr(scorers, "_SCORES_AT_ONCE", 26 * 7)
    table, lists = world
    scorer = TableScorer(table)
    rank(scorer, Histories.of_lists(lists), 5)
    assert scorer.asked == [7] * 5 + [5]


def test_equals_stand_in_an_order_that_is_not_that_of_the_rows():
    histories = Histories.of_lists([[]] * 3)
    same = TableScorer(np.zeros((3, 101)))
    first = rank(same, histories, 100)
    assert sorted(first[0].tolist()) == list(range(1, 101))
    assert (first == first[0]).all()
    rows = np.arange(100)
    assert abs(np.corrcoef(first[0], rows)[0, 1]) < 0.3
    assert rank(same, histories, 100).tolist() == first.tolist()
    assert rank(same, histories, 100, seed=1).tolist() != first.tolist()


def test_no_item_is_ranked_where_none_is_left_or_scored():
    histories = Histories.of_lists([[1, 2], [1]])
    table = np.array([[0.0, 1, 2], [0, 1, -np.inf]])
    assert rank(TableScorer(table), histories, 2).tolist() == [[0, 0], [0, 0]]
    assert rank(TableScorer(np.zeros((2, 1))), Histories.of_lists([[], []]), 2).tolist() == [
        [0, 0],
        [0, 0],
    ]
    assert rank(TableScorer(np.zeros((0, 3))), Histories.of_lists([]), 2).shape == (0, 2)


@pytest.mark.parametrize("at_once", [1, 2**24])
def test_ranks_of_targets_are_their_places_in_the_ranking(world, at_once, monkeypatch):
    monkeypatch.setattr(scorers, "_SCORES_AT_ONCE", at_once)
    table, lists = world
    histories = Histories.of_lists(lists)
    targets = np.random.default_rng(1).integers(1, 26, 40)
    found = target_ranks(TableScorer(table), histories, targets)
    for row, seen, target, place in zip(table, lists, targets, found, strict=True):
        ranking = slow_ranking(row, [item for item in seen if item != target], 25)
        assert ranking[place] == target
    everything = target_ranks(TableScorer(table), histories, targets, exclude_seen=False)
    assert (everything >= found).all()
    assert (everything > found).any()


def test_vectors_score_by_their_product():
    users = np.array([[1, 0], [0, 2]], np.float32)
    items = np.array([[9, 9], [1, 2], [3, 4]], np.float32)
    histories = Histories.of_lists([[], []])
    scorer = VectorScorer(users, items)
    assert scorer.item_count == 2
    assert scorer.score(histories, np.array([1, 0])).tolist() == [[-np.inf, 4, 8], [-np.inf, 1, 3]]
    biased = VectorScorer(users, items, np.array([0, 10, 0], np.float32))
    assert rank(biased, histories, 2).tolist() == [[1, 2], [1, 2]]
    assert scorer.score(histories, np.array([0])).dtype == np.float32


def test_vectors_of_other_people_are_refused():
    scorer = VectorScorer(np.ones((2, 2), np.float32), np.ones((3, 2), np.float32))
    with pytest.raises(ValueError, match="2 vectors for 3 histories"):
        scorer.score(Histories.of_lists([[], [], []]), np.array([0]))
