"""Lists that people saw: what they say, and that a high place is no merit."""

from dataclasses import replace

import numpy as np
import pytest

from recs.ml.unified.feature_reader import FeatureReader
from recs.ml.unified.features import NAMES_OF_ALL
from recs.ml.unified.ranker import Lists, candidates_of, draw_lists, fit_ranker, shown_lists
from recs.ml.unified.retriever import fit_retriever
from recs.ml.unified.shown import ShownLists
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import CPU, RANKER, UNIFIED, later


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def reader(prepared):
    return FeatureReader(prepared, fit_retriever(prepared, UNIFIED, None, CPU)[0])


def shown_of(requests, items, taken):
    """Each list from place 1 on; `taken`: of each list the places."""
    places = np.where(items > 0, np.arange(1, items.shape[1] + 1), 0)
    marks = np.array([np.isin(row, list(own)) for row, own in zip(places, taken, strict=True)])
    return ShownLists(requests=requests, items=items, places=places, taken=marks & (items > 0))


@pytest.fixture(scope="module")
def shown(prepared, reader):
    requests = later(prepared).requests.select(np.arange(4))
    items = candidates_of(reader, requests, 6)
    items[1, 4:] = 0
    return shown_of(requests, items, [{3}, {1, 4}, set(), {6}])


def test_what_stands_above_the_last_one_taken_was_passed_over(shown):
    passed = [set(np.flatnonzero(row) + 1) for row in shown.passed_over()]
    # One more below the last one taken; of a list of which nothing was taken only its first.
    assert passed == [{1, 2, 4}, {2, 3}, {1}, {1, 2, 3, 4, 5}]


def test_lists_between_two_moments(shown):
    days = shown.requests.days
    assert len(shown.between(days.min(), days.max() + 1)) == len(shown)
    assert len(shown.between(days.max() + 1, days.max() + 2)) == 0


def test_tables_of_different_shapes_are_refused(shown):
    with pytest.raises(ValueError, match="one shape"):
        replace(shown, places=shown.places[:, 1:])
    with pytest.raises(ValueError, match="lists for"):
        replace(shown, requests=shown.requests.select(np.arange(2)))


def test_a_list_teaches_what_was_seen_and_nothing_else(reader, shown):
    lists = shown_lists(reader, shown)
    # The third one had nothing taken.
    assert lists.labels.sum(axis=1).tolist() == [1, 2, 1]
    assert lists.shares.sum(axis=1).tolist() == [4, 4, 6]
    assert lists.shown.all()
    place = lists.features[..., NAMES_OF_ALL.index("place")]
    assert place[0] == pytest.approx(np.log1p(np.arange(1, 7)))
    others = reader.read(shown.requests.select(np.array([0])), shown.items[[0]])
    without = [name != "place" for name in NAMES_OF_ALL]
    assert np.abs(lists.features[0] - others[0])[:, without].max() < 1e-5
    assert (others[..., NAMES_OF_ALL.index("place")] == 0).all()


def test_no_lists_are_no_lists(reader, shown):
    assert len(shown_lists(reader, shown.select(np.zeros(4, np.bool_))).labels) == 0
    empty = replace(
        shown, requests=shown.requests.select(np.arange(0)), items=np.zeros((0, 0), np.int64),
        places=np.zeros((0, 0), np.int64), taken=np.zeros((0, 0), np.bool_),
    )  # fmt: skip
    assert len(shown_lists(reader, empty).labels) == 0


def test_shown_and_drawn_lists_are_learned_from_together(prepared, reader, shown):
    drawn = draw_lists(reader, later(prepared, 40), RANKER)
    both = drawn + shown_lists(reader, shown)
    assert len(both.labels) == len(drawn.labels) + 3
    assert both.features.shape[1] == max(drawn.features.shape[1], 6)
    narrow = shown_lists(reader, shown) + drawn
    # What fills up a narrow list stands for nothing.
    assert narrow.shares.sum() == pytest.approx(both.shares.sum())
    left, right = (
        fit_ranker(reader, lists, RANKER, CPU).scores.nets[0].weights for lists in (drawn, both)
    )
    assert any((left[name] != right[name]).any() for name in left)


def _biased(count=500, width=10):
    """Lists in the order of `recent`; what is taken depends on `cosine` and the place alone."""
    random = np.random.default_rng(0)
    features = np.zeros((count, width, len(NAMES_OF_ALL)), np.float32)
    columns = [NAMES_OF_ALL.index(name) for name in ("cosine", "recent", "place")]
    cosine = random.normal(size=(count, width))
    recent = -np.sort(-random.random((count, width)), axis=1)
    places = np.broadcast_to(np.arange(1, width + 1), (count, width))
    for column, values in zip(columns, (cosine, recent, np.log1p(places)), strict=True):
        features[..., column] = values
    taken = random.random((count, width)) < (1 / (1 + np.exp(-2 * cosine))) / places
    # And requests whose candidates nobody saw, of which those that fit are chosen.
    unseen = features.copy()
    unseen[..., columns[2]] = 0.0
    unseen[..., columns[1]] = random.random((count, width))
    chosen = random.random((count, width)) < 1 / (1 + np.exp(-2 * cosine))
    flags = np.repeat([True, False], count)
    return Lists(
        features=np.concatenate([features, unseen]),
        labels=np.concatenate([taken, chosen]).astype(np.float32),
        shares=np.ones((2 * count, width), np.float32),
        weights=np.ones(2 * count, np.float32),
        tasks=np.zeros(2 * count, np.int64),
        persons=np.arange(2 * count) // 4,
        shown=flags,
    )


def test_a_place_explains_what_a_place_did(reader):
    """What stood high was taken more often; with its place as an input its rank gets no credit."""
    lists = _biased()
    asked = np.zeros((2, len(NAMES_OF_ALL)), np.float32)
    asked[0, NAMES_OF_ALL.index("recent")] = 0.9
    asked[1, NAMES_OF_ALL.index("recent")] = 0.1
    credit = {}
    for name, without in (("with", ()), ("without", ("place",))):
        fitted = fit_ranker(reader, lists, replace(RANKER, without=without), CPU)
        logits = fitted.scores.logits(asked)
        credit[name] = float(logits[0] - logits[1])
    assert abs(credit["with"]) < 0.5 * credit["without"]
