"""Examples of each surface from a log."""

from dataclasses import replace

import numpy as np

from recs.ml.histories import Histories
from recs.ml.unified.examples import (
    Searches,
    home_examples,
    made_examples,
    search_examples,
    similar_examples,
)
from recs.ml.unified.surfaces import CLICK, HOME, NOBODY, SEARCH, SIMILAR, WANT, SurfaceLog


def a_log():
    """One person wanted 3, then 5 and 6 at one moment, then 6 again, then 7."""
    wanted = Histories.of_lists([[3, 5, 6, 6, 7], []])
    wanted = replace(wanted, days=np.array([1.0, 2.0, 2.0, 3.0, 4.0]))
    return SurfaceLog(
        wanted=wanted, asked=Histories.of_lists([[], []]), chosen=Histories.of_lists([[], []])
    )


def test_searches_keep_what_was_asked_and_chosen():
    searches = Searches(
        persons=np.array([1, NOBODY]),
        words=np.array([4, 2]),
        items=np.array([9, 8]),
        days=np.array([1.5, 2.5]),
        strengths=np.array([WANT, CLICK], np.int8),
    )
    found = search_examples(searches)
    assert set(found.requests.tasks) == {SEARCH}
    assert found.requests.words.tolist() == [4, 2]
    assert found.targets.tolist() == [9, 8]
    assert found.strengths.tolist() == [WANT, CLICK]
    assert not found.made.any()


def test_home_ought_to_have_shown_whatever_was_wanted():
    found = home_examples(a_log())
    assert set(found.requests.tasks) == {HOME}
    assert found.targets.tolist() == [3, 5, 6, 6, 7]
    assert found.requests.days.tolist() == [1.0, 2.0, 2.0, 3.0, 4.0]


def test_the_source_is_the_newest_item_of_an_earlier_moment_and_another_one():
    found = similar_examples(a_log())
    assert set(found.requests.tasks) == {SIMILAR}
    pairs = list(zip(found.requests.sources.tolist(), found.targets.tolist(), strict=True))
    # 5 and 6 came at one moment: neither is the other's source. 6 after 6 says nothing.
    assert pairs == [(3, 5), (3, 6), (6, 7)]


def test_made_searches_are_of_nobody_and_say_so():
    found = made_examples([[11], [], [12, 13]], -1.0)
    assert found.targets.tolist() == [1, 3, 3]
    assert found.requests.words.tolist() == [11, 12, 13]
    assert set(found.requests.persons) == {NOBODY}
    assert found.made.all()
