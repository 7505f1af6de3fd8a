"""Rankings of requests, by hand and against loops."""

import math
from dataclasses import replace

import numpy as np
import pytest

from recs.ml.histories import Histories
from recs.ml.unified.examples import home_examples, made_examples, similar_examples
from recs.ml.unified.judged import (
    Judged,
    best_rows,
    judged_of,
    ndcg_of,
    rank_requests,
    recall_of,
    relative_gain,
    sample,
)
from recs.ml.unified.surfaces import HOME, SEARCH, SIMILAR, SurfaceLog
from tests.recs.ml.unified.test_surfaces import some_requests


def a_log():
    wanted = replace(Histories.of_lists([[1, 2, 3], [4]]), days=np.array([1.0, 2.0, 2.0, 1.0]))
    return SurfaceLog(
        wanted=wanted, asked=Histories.of_lists([[], []]), chosen=Histories.of_lists([[], []])
    )


def judged_by_hand():
    return Judged(
        requests=some_requests(2, persons=np.array([0, 1])),
        offsets=np.array([0, 2, 3]),
        targets=np.array([5, 7, 2]),
    )


def test_what_followed_one_request_stands_together():
    judged = judged_of(home_examples(a_log()))
    assert len(judged) == 3
    place = int(np.flatnonzero(judged.requests.days == 2.0)[0])
    targets = judged.targets[judged.offsets[place] : judged.offsets[place + 1]]
    assert targets.tolist() == [2, 3]


def test_made_requests_are_not_judged():
    both = home_examples(a_log()) + made_examples([[9], [9], [9], [9]], -1.0)
    assert len(judged_of(both)) == 3


def test_gain_and_recall_by_hand():
    rankings = np.array([[5, 1, 7], [3, 4, 0]])
    judged = judged_by_hand()
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_of(rankings, judged).tolist() == pytest.approx([(1 + 0.5) / ideal, 0.0])
    assert recall_of(rankings, judged, 2).tolist() == [0.5, 0.0]
    assert recall_of(rankings, judged, 3).tolist() == [1.0, 0.0]


def test_a_search_finds_what_was_seen_and_home_does_not():
    log = a_log()
    scores = np.tile(np.arange(6, dtype=np.float32), (3, 1))
    requests = some_requests(
        3,
        tasks=np.array([SEARCH, HOME, SIMILAR], np.int8),
        persons=np.array([0, 0, 0]),
        sources=np.array([0, 0, 5]),
        days=np.full(3, 9.0),
    )
    found = rank_requests(lambda part: scores[: len(part)].copy(), requests, log, 5)
    assert found[0].tolist() == [5, 4, 3, 2, 1]
    assert found[1].tolist() == [5, 4, 0, 0, 0]
    assert found[2].tolist() == [4, 0, 0, 0, 0]


def test_what_the_person_wanted_later_is_not_hidden():
    requests = some_requests(
        1, tasks=np.array([HOME], np.int8), persons=np.array([0]), days=np.array([2.0])
    )
    scores = np.tile(np.arange(4, dtype=np.float32), (1, 1))
    found = rank_requests(lambda part: scores.copy(), requests, a_log(), 3)
    assert found[0].tolist() == [3, 2, 0]


def test_among_equals_the_row_decides_nothing():
    scores = np.zeros((1, 2001), np.float32)
    scores[:, 0] = -np.inf
    rows = best_rows(scores, 2000)[0]
    assert sorted(rows.tolist()) == list(range(1, 2001))
    assert abs(np.corrcoef(rows, np.arange(2000))[0, 1]) < 0.1


def test_a_sample_holds_to_its_bounds_and_to_its_seed():
    log = SurfaceLog(
        wanted=replace(Histories.of_lists([list(range(1, 80))] * 3), days=np.arange(237.0) % 79),
        asked=Histories.of_lists([[], [], []]),
        chosen=Histories.of_lists([[], [], []]),
    )
    judged = judged_of(home_examples(log) + similar_examples(log))
    found = sample(judged, 30, seed=1, of_person=12)
    for task in (HOME, SIMILAR):
        persons = found.of_task(task).requests.persons
        assert len(persons) == 30
        assert np.bincount(persons).max() <= 12
    again = sample(judged, 30, seed=1, of_person=12)
    assert (again.requests.days == found.requests.days).all()


def test_there_is_no_share_of_nothing():
    assert relative_gain(np.ones(3), np.zeros(3), np.arange(3)) is None


def test_a_relative_gain_has_bounds_around_it():
    random = np.random.default_rng(0)
    theirs = random.random(400)
    gain, low, high = relative_gain(theirs * 1.2, theirs, np.arange(400) // 4)
    assert (gain, low, high) == pytest.approx((0.2, 0.2, 0.2))
    noisy = theirs + random.normal(0, 0.5, 400)
    gain, low, high = relative_gain(noisy, theirs, np.arange(400) // 4)
    assert low < gain < high
