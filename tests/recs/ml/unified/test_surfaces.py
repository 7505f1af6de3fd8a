"""What was known at a moment, against loops."""

from dataclasses import replace

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.unified.surfaces import (
    NOBODY,
    Requests,
    SurfaceLog,
    known_then,
    newest_then,
    padded,
)


def some_log(seed=0, people=6, most=9):
    random = np.random.default_rng(seed)
    lists = [random.integers(1, 20, random.integers(0, most)).tolist() for _ in range(people)]
    histories = Histories.of_lists(lists)
    days = np.concatenate([np.sort(random.integers(0, 6, len(row))) for row in lists])
    return replace(histories, days=days.astype(np.float64))


def some_requests(count, **columns):
    given = {
        "tasks": np.zeros(count, np.int8),
        "words": np.zeros(count, np.int64),
        "sources": np.zeros(count, np.int64),
        "persons": np.full(count, NOBODY),
        "days": np.zeros(count),
    }
    return Requests(**{**given, **columns})


def test_what_was_known_then_is_what_lies_strictly_before():
    histories = some_log()
    persons = np.repeat(np.arange(-1, 6), 8)
    days = np.tile(np.arange(8.0) - 1, 7)
    known = known_then(histories, persons, days)
    for person, day, found in zip(persons, days, known, strict=True):
        own = histories.select([person]).days if person >= 0 else np.zeros(0)
        assert found == (own < day).sum()


def test_the_newest_then_are_the_last_ones_before_the_moment():
    histories = some_log(seed=1)
    persons, days = np.array([0, 3, 3, NOBODY, 5]), np.array([3.0, 1.0, 9.0, 9.0, 4.0])
    found = newest_then(histories, persons, days, 2)
    for place, (person, day) in enumerate(zip(persons, days, strict=True)):
        own = histories.select([person]) if person >= 0 else Histories.of_lists([[]])
        expected = own.items[own.days < day][-2:] if len(own.items) else []
        assert found.items_of(place).tolist() == list(expected)


def test_later_events_change_nothing_that_was_known():
    histories = some_log(seed=2)
    early = histories.before(3.0)
    persons, days = np.arange(6), np.full(6, 3.0)
    whole, part = (newest_then(log, persons, days, 5) for log in (histories, early))
    assert whole.items.tolist() == part.items.tolist()


def test_padding_stands_in_front():
    table = padded(Histories.of_lists([[1, 2, 3], [], [4]]), 2)
    assert table.tolist() == [[2, 3], [0, 0], [0, 4]]


def test_a_stranger_is_nobody():
    requests = some_requests(2, persons=np.array([4, 5]))
    assert requests.signed_out().persons.tolist() == [NOBODY, NOBODY]
    assert (requests + requests).persons.tolist() == [4, 5, 4, 5]


@pytest.mark.parametrize("column", ["tasks", "words"])
def test_columns_that_do_not_fit_are_refused(column):
    with pytest.raises(ValueError, match="one length"):
        some_requests(2, **{column: np.zeros(3, np.int8)})


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="search, home, similar"):
        some_requests(1, tasks=np.array([3], np.int8))


def test_logs_of_different_people_are_refused():
    with pytest.raises(ValueError, match="same people"):
        SurfaceLog(
            wanted=Histories.of_lists([[1]]),
            asked=Histories.of_lists([[1], [2]]),
            chosen=Histories.of_lists([[1], [2]]),
        )


def test_words_and_what_was_chosen_for_them_are_the_same_events():
    with pytest.raises(ValueError, match="same events"):
        SurfaceLog(
            wanted=Histories.of_lists([[1]]),
            asked=Histories.of_lists([[1]]),
            chosen=Histories.of_lists([[1, 2]]),
        )
