"""Weights of quality are kept only where requests that did not choose them lose nothing."""

from types import SimpleNamespace

import numpy as np
import pytest

from recs.ml.unified import joint_systems
from recs.ml.unified.joint_systems import weigh_quality
from recs.ml.unified.judged import Judged
from recs.ml.unified.surfaces import NOBODY, SEARCH, Requests

ITEMS, ASKED = 400, 200


def world(*, good_follows):
    """A request's items are alike for all; of the items the first half is of high quality.

    Args:
        good_follows: (R,) bool, whether an item of high quality follows a request.
    """
    random = np.random.default_rng(0)
    quality = np.zeros((ITEMS + 1, 1), np.float32)
    quality[1 : ITEMS // 2] = 1.0
    low, high = np.arange(ITEMS // 2, ITEMS + 1), np.arange(1, ITEMS // 2)
    targets = np.where(good_follows, random.choice(high, ASKED), random.choice(low, ASKED))
    none = np.zeros(ASKED, np.int64)
    requests = Requests(
        tasks=np.full(ASKED, SEARCH, np.int8), words=none + 1, sources=none,
        persons=np.full(ASKED, NOBODY), days=np.zeros(ASKED),
    )  # fmt: skip
    judged = Judged(requests=requests, offsets=np.arange(ASKED + 1), targets=targets)
    vectors = random.normal(size=(ITEMS + 1, 8)).astype(np.float32) * 0.05
    retriever = SimpleNamespace(
        quality=quality, items=vectors, reader=SimpleNamespace(log=None),
        encode=lambda asks: np.full((len(asks), 8), 0.3, np.float32),
    )  # fmt: skip
    return retriever, judged


def test_what_finds_more_for_all_is_kept():
    retriever, judged = world(good_follows=np.ones(ASKED, np.bool_))
    weights, found = weigh_quality(retriever, judged)
    assert weights[0] > 0
    assert found["kept"] == 1.0
    assert found["others"]["1.0"] > found["others"]["0.0"]
    assert found["best"] > found["zero"]


def test_what_gained_by_chance_is_not():
    """Those that choose want quality; those that are asked afterwards want none of it."""
    mixed = np.random.default_rng(0).permutation(ASKED)
    wants = np.zeros(ASKED, np.bool_)
    wants[mixed[: ASKED // 2]] = True
    retriever, judged = world(good_follows=wants)
    weights, found = weigh_quality(retriever, judged)
    assert weights.tolist() == [0.0]
    assert found["kept"] == 0.0
    assert found["best"] > found["zero"]
    assert max(found["others"].values()) == found["others"]["0.0"]


def test_a_part_is_kept_where_the_whole_is_too_much(monkeypatch):
    retriever, judged = world(good_follows=np.ones(ASKED, np.bool_))
    measured = {1.0: 0.2, 0.5: 0.4, 0.25: 0.4, 0.0: 0.3}
    monkeypatch.setattr(
        joint_systems, "choose_weights", lambda *_, **__: (np.ones(1, np.float32), {})
    )
    monkeypatch.setattr(
        joint_systems, "_recall_by_weights", lambda *_: lambda weights: measured[float(weights[0])]
    )
    weights, found = weigh_quality(retriever, judged)
    assert weights.tolist() == [0.5]
    assert found["kept"] == pytest.approx(0.5)


def test_a_single_request_proves_nothing():
    retriever, judged = world(good_follows=np.ones(ASKED, np.bool_))
    weights, found = weigh_quality(retriever, judged.select(np.array([0])))
    assert not weights.any()
    assert found["others"] == {}
