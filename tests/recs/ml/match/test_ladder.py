"""What the ladder tells of a labeller."""

import numpy as np
import pytest

from recs.ml.match.ladder import BAD, CANNOT_SAY, GOOD, UNREADABLE, Said, rung

TRUE = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
GROUPS = np.array([0, 0, 1, 1, 2, 2, 3, 3])


def said(answers, **more):
    return Said(labeller="x", answers=answers, milliseconds=np.arange(1.0, 9.0), **more)


def test_precision_recall_and_what_went_wrong():
    row = rung(said([BAD, GOOD, UNREADABLE, BAD, GOOD, GOOD, GOOD, CANNOT_SAY]), TRUE, GROUPS)
    assert row["precision"]["mean"] == pytest.approx(0.5)
    assert row["recall"]["mean"] == pytest.approx(1 / 3, abs=1e-4)
    assert row["f1"]["mean"] == pytest.approx(0.4)
    assert row["recall"]["low"] <= row["recall"]["mean"] <= row["recall"]["high"]
    assert (row["unreadable"], row["ms_p50"]) == (1, 4.5)
    assert row["errors"] == {
        "good called bad": 1, "bad called good": 1, "unreadable": 1, "cannot say": 1,
        "commonest answer": 0.5,
    }  # fmt: skip


def test_a_judge_who_always_says_the_same_is_shown():
    row = rung(said([GOOD] * 8), TRUE, GROUPS)
    assert row["errors"]["commonest answer"] == 1.0
    assert row["f1"]["mean"] == 0
    assert rung(said([BAD] * 8), TRUE, GROUPS)["recall"]["mean"] == 1
