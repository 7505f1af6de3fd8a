"""Each rule for what a request lacks."""

from dataclasses import replace

import numpy as np

from recs.ml.histories import Histories
from recs.ml.unified.impute import FILLED, impute
from recs.ml.unified.surfaces import HOME, NOBODY, SEARCH, SIMILAR, TASKS, SurfaceLog
from tests.recs.ml.unified.test_surfaces import some_requests

FIRST_TITLE = 10


def a_log():
    wanted = replace(Histories.of_lists([[3, 7]]), days=np.array([1.0, 2.0]))
    return SurfaceLog(
        wanted=wanted, asked=Histories.of_lists([[]]), chosen=Histories.of_lists([[]])
    )


def one(task, **columns):
    requests = some_requests(
        1, tasks=np.array([task], np.int8), **{k: np.array([v]) for k, v in columns.items()}
    )
    return impute(requests, a_log(), FIRST_TITLE, surfaces=FILLED)


def test_a_search_has_no_source():
    found = one(SEARCH, words=4, persons=0, days=9.0)
    assert (found.requests.words[0], found.requests.sources[0]) == (4, 0)
    assert found.given.tolist() == [[True, False, True]]


def test_more_like_this_takes_the_title_of_its_source_as_words():
    found = one(SIMILAR, sources=5)
    assert found.requests.words[0] == FIRST_TITLE + 5
    assert found.given.tolist() == [[False, True, False]]


def test_home_takes_the_newest_item_known_then_as_source():
    assert one(HOME, persons=0, days=9.0).requests.sources[0] == 7
    assert one(HOME, persons=0, days=2.0).requests.sources[0] == 3
    assert one(HOME, persons=0, days=1.0).requests.sources[0] == 0
    assert one(HOME, persons=NOBODY, days=9.0).requests.sources[0] == 0
    assert one(HOME, persons=0, days=9.0).requests.words[0] == 0


def test_what_is_given_is_kept():
    found = one(SIMILAR, sources=5, words=2)
    assert found.requests.words[0] == 2


def test_without_the_rules_zeros_stay():
    requests = some_requests(1, tasks=np.array([SIMILAR], np.int8), sources=np.array([5]))
    found = impute(requests, a_log(), FIRST_TITLE, surfaces=(TASKS[HOME],))
    assert found.requests.words[0] == 0
