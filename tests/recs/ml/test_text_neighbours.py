from dataclasses import replace

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.text_neighbours import (
    TextNeighboursConfig,
    attribute_matrix,
    text_neighbours,
    tune_text_neighbours,
)
from tests.recs.ml.worlds import ITEMS, SIZE, group_of, groups_in_turn


def content_of(seed=0, items=6):
    rng = np.random.default_rng(seed)
    text = rng.standard_normal((items + 1, 5)).astype(np.float32)
    image = rng.standard_normal((items + 1, 3)).astype(np.float32)
    text[0] = image[0] = image[2] = 0.0
    lists = [[], [0, 1], [1], [], [2], [0, 2], [1]]
    return ItemContent(
        item_count=items,
        vectors={"text": text, "image": image},
        attributes=Attributes.of_lists(lists, 3),
    )


def plain_score(content, history, candidate, config):
    """In loops: what each of the newest items says of the candidate."""
    total = 0.0
    for age, item in enumerate(reversed(history), start=1):
        if age > config.history:
            break
        weight = age**-config.recency_power
        for name, table in content.vectors.items():
            has = content.has(name)
            if has[item] and has[candidate]:
                mean = table[has].mean(axis=0) if config.centred else 0.0
                a, b = table[item] - mean, table[candidate] - mean
                cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
                total += weight * cosine / len(content.vectors)
        matrix = attribute_matrix(content.attributes, content.item_count).toarray()
        total += weight * config.attribute_weight * float(matrix[item] @ matrix[candidate])
    return total


@pytest.mark.parametrize(
    "config", [TextNeighboursConfig(), TextNeighboursConfig(centred=False, history=1)]
)
def test_scores_equal_the_plain_loop(config):
    content = content_of()
    histories = Histories.of_lists([[1, 2, 3], [5], []])
    scores = text_neighbours(content, config).score(histories, np.arange(3))
    for person, history in enumerate(histories):
        for candidate in range(1, 7):
            expected = plain_score(content, history.tolist(), candidate, config)
            assert scores[person, candidate] == pytest.approx(expected, abs=1e-5)
    assert np.isneginf(scores[:, 0]).all()


def test_a_rare_attribute_says_more_than_a_common_one():
    attributes = Attributes.of_lists([[], [0, 1], [0], [0], [1]], 2)
    matrix = attribute_matrix(attributes, 4).toarray()
    alike = matrix @ matrix.T
    assert alike[1, 4] > alike[1, 2] == alike[1, 3] > 0
    assert matrix[0].tolist() == [0, 0]


def test_an_item_that_nobody_has_seen_is_found_by_its_content():
    content = groups_in_turn().content
    cold = SIZE  # the last item of the first group
    histories = Histories.of_lists([[1, 2]])
    scores = text_neighbours(content).score(histories, np.array([0]))[0]
    others = group_of(np.arange(1, ITEMS + 1)) != 0
    assert scores[cold] > scores[1:][others].max()


def test_without_content_nothing_is_like_anything():
    scores = text_neighbours(ItemContent.none(3)).score(Histories.of_lists([[1]]), np.array([0]))
    assert scores[0, 1:].tolist() == [0, 0, 0]


def test_the_search_finds_that_only_the_last_item_matters():
    ring = groups_in_turn(people=100)
    # The target is of the last item's group, and the items before it are of others.
    last = ring.histories.last_items()
    targets = group_of(last) * SIZE + last % SIZE + 1
    data = SequenceData(histories=ring.histories, targets=targets, content=ring.content)
    start = TextNeighboursConfig(history=50, recency_power=0.0)
    found = tune_text_neighbours(data, start, TrainOptions())
    sample = data.sample(500, seed=0)
    assert sample.ndcg(found) > sample.ndcg(text_neighbours(data.content, start)) * 1.2
    assert found.config.history == 1 or found.config.recency_power >= 1
    assert tune_text_neighbours(data, start, TrainOptions(seconds=0.0)).config == start


def test_nobody_to_validate_on_leaves_the_start():
    data = groups_in_turn(people=5)
    nobody = replace(data, targets=np.zeros(5, np.int64))
    start = TextNeighboursConfig(history=3)
    assert tune_text_neighbours(nobody, start, TrainOptions()).config == start


def test_numbers_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="history"):
        TextNeighboursConfig(history=0)
