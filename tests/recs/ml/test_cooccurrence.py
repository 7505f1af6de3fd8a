"""Counting by arrays against counting by hand."""

import math
from collections import defaultdict

import numpy as np
import pytest

from recs.ml.cooccurrence import CooccurrenceConfig, cooccurrence


def plain(people, items, times, config):  # noqa: C901  slow and obvious on purpose
    """The same in loops: {item: [(neighbour, score, people)] best first}."""
    first = {}
    for person, item, time in sorted(zip(people, items, times, strict=True)):
        first.setdefault((person, item), time)
    histories = defaultdict(list)
    for (person, item), time in first.items():
        histories[person].append((time, item))
    weight, together = defaultdict(float), defaultdict(set)
    frequency = defaultdict(float)
    for person, history in histories.items():
        history.sort()
        history = history[-config.longest_history :]
        damping = 1 / math.log2(2 + len(history))
        for place, (time, item) in enumerate(history):
            frequency[item] += damping
            for gap in range(1, config.window + 1):
                if place + gap < len(history):
                    later_time, other = history[place + gap]
                    if later_time - time <= config.days:
                        for pair in ((item, other), (other, item)):
                            weight[pair] += damping / math.log2(1 + gap)
                            together[pair].add(person)
    found = defaultdict(list)
    for (left, right), value in weight.items():
        n = len(together[left, right])
        if n >= config.least_people:
            scale = (frequency[left] * frequency[right]) ** config.frequency_power
            found[left].append((right, value / scale * n / (n + config.shrinkage), n))
    return {
        item: sorted(rows, key=lambda row: (-row[1], row[0]))[: config.neighbours]
        for item, rows in found.items()
    }


@pytest.mark.parametrize(
    "config",
    [
        CooccurrenceConfig(),
        CooccurrenceConfig(window=3, days=2.0, neighbours=4),
        CooccurrenceConfig(longest_history=6, least_people=1, shrinkage=0.0, frequency_power=0.3),
    ],
)
def test_arrays_equal_the_plain_loop(config):
    rng = np.random.default_rng(3)
    size = 600
    people = rng.integers(-3, 25, size=size)
    items = rng.integers(0, 40, size=size)
    times = rng.permutation(size) / 20  # no two at once: ties would leave the order open
    found = cooccurrence(people=people, items=items, times=times, config=config)
    expected = plain(people.tolist(), items.tolist(), times.tolist(), config)
    assert set(found.items.tolist()) == set(expected)
    for item, rows in expected.items():
        mine = found.items == item
        assert found.people[mine].tolist() == [row[2] for row in rows]
        assert found.scores[mine] == pytest.approx([row[1] for row in rows])
        # Equal scores may stand in either order after rounding.
        assert set(found.neighbours[mine].tolist()) == {row[0] for row in rows}


def test_nothing_happened_gives_nothing():
    none = np.array([], dtype=np.int64)
    found = cooccurrence(
        people=none, items=none, times=np.array([], dtype=np.float64), config=CooccurrenceConfig()
    )
    assert len(found.items) == 0


def test_one_persons_pair_is_not_enough():
    people, items = np.array([1, 1]), np.array([5, 6])
    found = cooccurrence(
        people=people, items=items, times=np.array([0.0, 1.0]), config=CooccurrenceConfig()
    )
    assert len(found.items) == 0


def test_an_item_is_never_its_own_neighbour():
    people = np.array([1, 1, 1, 2, 2, 2])
    items = np.array([5, 6, 5, 5, 6, 5])
    found = cooccurrence(
        people=people, items=items, times=np.arange(6.0), config=CooccurrenceConfig()
    )
    assert sorted(zip(found.items.tolist(), found.neighbours.tolist(), strict=True)) == [
        (5, 6),
        (6, 5),
    ]


def test_a_very_active_person_counts_less():
    quiet = [(1, 1), (1, 2), (2, 1), (2, 2)]
    busy = [(person, item) for person in (3, 4) for item in (1, 3, *range(10, 60))]
    rows = np.array(quiet + busy)
    found = cooccurrence(
        people=rows[:, 0],
        items=rows[:, 1],
        times=np.arange(len(rows), dtype=np.float64) / 100,
        config=CooccurrenceConfig(frequency_power=0.0),
    )
    scores = {
        (left, right): score
        for left, right, score in zip(
            found.items.tolist(), found.neighbours.tolist(), found.scores.tolist(), strict=True
        )
    }
    assert scores[1, 2] > scores[1, 3]


@pytest.mark.parametrize(
    "changes", [{"window": 0}, {"days": 0.0}, {"shrinkage": -1.0}, {"least_people": 0}]
)
def test_numbers_that_mean_nothing_are_refused(changes):
    with pytest.raises(ValueError, match=r"must be|count from"):
        CooccurrenceConfig(**changes)


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError):
        CooccurrenceConfig(windows=3)
