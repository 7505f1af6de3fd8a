"""Negatives that later labels call right are counted, by kind."""

from dataclasses import replace

import numpy as np
import pytest

from recs.ml.unified.batches import ExampleBatches
from recs.ml.unified.false_negatives import false_negatives
from recs.ml.unified.judged import Judged
from recs.ml.unified.retriever import fit_retriever
from recs.ml.unified.surfaces import HOME
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import CPU, UNIFIED, later


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def retriever(prepared):
    return fit_retriever(prepared, UNIFIED, None, CPU)[0]


def everything_right(judged, count):
    """The same requests, each followed by every item."""
    every = np.arange(1, count + 1)
    return Judged(
        requests=judged.requests,
        offsets=np.arange(len(judged) + 1) * count,
        targets=np.tile(every, len(judged)),
    )


def test_hard_ones_are_right_more_often_than_uniform_ones(prepared, retriever):
    judged = later(prepared, 60).of_task(HOME)
    found = false_negatives(prepared, retriever, judged, UNIFIED)
    assert set(found) == {"uniform", "hard"}
    # What a person wants later and did not before, all but the own target, is drawn as often as
    # anything else that the person did not want before.
    persons = judged.requests.persons[judged.owners]
    wanted = prepared.data.log.before(prepared.until).wanted
    shares = []
    for person, target in zip(persons.tolist(), judged.targets.tolist(), strict=True):
        known = {target, *wanted.items[wanted.owners == person].tolist()}
        wants = set(judged.targets[persons == person].tolist())
        shares.append(len(wants - known) / (prepared.item_count - len(known)))
    expected = np.mean(shares)
    assert found["uniform"] == pytest.approx(expected, rel=0.25)
    assert found["hard"] > found["uniform"]


def test_where_everything_followed_every_negative_is_false(prepared, retriever):
    judged = later(prepared, 60).of_task(HOME).select(np.arange(4))
    found = false_negatives(
        prepared, retriever, everything_right(judged, prepared.item_count), UNIFIED
    )
    assert found == {"uniform": 1.0, "hard": 1.0}


def test_where_everything_was_known_nothing_is_said(prepared, retriever, monkeypatch):
    """No share of nothing, which could not be stored as JSON."""
    monkeypatch.setattr(
        ExampleBatches, "_good", lambda *args: np.ones((args[2].size, args[3].size), bool)
    )
    assert false_negatives(prepared, retriever, later(prepared, 30), UNIFIED) == {}


def test_a_kind_that_is_not_drawn_is_left_out(prepared, retriever):
    none = replace(UNIFIED, negatives=replace(UNIFIED.negatives, hard_share=0.0))
    assert set(false_negatives(prepared, retriever, later(prepared, 30), none)) == {"uniform"}
