"""Slices of a benchmark: known is what was before the date, and every request has its place."""

from dataclasses import replace

import numpy as np
import pytest

from recs.ml.unified.joint_files import read_joint
from recs.ml.unified.joint_slices import Known, known_before, slices, thirds
from recs.ml.unified.judged import Judged
from recs.ml.unified.surfaces import Requests
from tests.recs.ml.unified.joint_world import write_films


def test_thirds_hold_each_row_once_and_new_ones_apart():
    times = np.array([0, 0, 1, 1, 2, 5, 9, 9, 40])
    found = thirds(times)
    assert list(found) == ["new", "tail", "torso", "head"]
    assert (np.sum(list(found.values()), axis=0) == 1).all()
    assert times[found["new"]].tolist() == [0, 0]
    assert times[found["tail"]].max() < times[found["torso"]].min()
    assert times[found["torso"]].max() < times[found["head"]].min()
    assert (np.sum(list(thirds(np.zeros(3, np.int64)).values()), axis=0) == 1).all()


def test_what_comes_later_is_not_known(tmp_path):
    data = read_joint(write_films(tmp_path / "films", people=24))
    days = np.sort(np.concatenate([data.log.wanted.days, data.searches.days]))
    until = float(np.floor(np.median(days)))
    whole = known_before(data, until)
    cut = known_before(
        replace(
            data,
            log=data.log.before(until),
            searches=data.searches.select(data.searches.days < until),
        ),
        until,
    )
    for left, right in ((whole.words, cut.words), (whole.items, cut.items)):
        assert left.sum()
        assert (left == right).all()
    assert (whole.people == cut.people).all()
    assert known_before(data, days[-1] + 1).items.sum() > whole.items.sum()


def _judged() -> tuple[Judged, Known]:
    """Six searches of six people; words 1 are new, words 2 known; item 3 is new."""
    count = 6
    requests = Requests(
        tasks=np.zeros(count, np.int8),
        words=np.array([1, 1, 1, 2, 2, 2]),
        sources=np.zeros(count, np.int64),
        persons=np.arange(count),
        days=np.zeros(count),
    )
    judged = Judged(
        requests=requests, offsets=np.arange(count + 1), targets=np.array([3, 3, 3, 3, 3, 4])
    )
    known = Known(
        words=np.array([0, 0, 7]),
        items=np.array([0, 1, 1, 0, 5]),
        people=np.array([0, 0, 0, 0, 0, 2]),
    )
    return judged, known


def test_each_slice_is_counted_on_its_own(monkeypatch):
    monkeypatch.setattr("recs.ml.unified.joint_slices.LEAST_PEOPLE", 1)
    judged, known = _judged()
    ranked = np.zeros((6, 2), np.int64)
    ranked[:, 0] = [3, 1, 1, 3, 3, 1]
    nothing = np.zeros((6, 2), np.int64)
    (found,) = slices({"one": ranked, "silent": nothing}, judged, known).values()
    new_words = found["words new"]
    assert new_words["requests"] == new_words["people"] == 3
    assert new_words["systems"]["one"]["recall@100"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["words tail"]["systems"]["one"]["NDCG@10"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["item new"]["pairs"] == 5
    assert found["item new"]["systems"]["one"]["recall@100"] == pytest.approx(3 / 5)
    assert found["item tail"]["systems"]["one"]["recall@100"] == 0
    assert found["person new"]["requests"] == 5
    assert all("silent" not in told["systems"] for told in found.values())


def test_a_slice_of_few_people_is_not_told():
    judged, known = _judged()
    (found,) = slices({"one": np.full((6, 2), 3)}, judged, known).values()
    assert set(found) == {"person new", "item new"}
