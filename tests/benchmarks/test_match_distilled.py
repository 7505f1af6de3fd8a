"""The distilled student: what teaches it, what tests it, and that it follows who taught it."""

import json

import numpy as np
import pytest

from benchmarks import match_distilled
from benchmarks.match_distilled import Sizes, distilled, graded_by, parts_of
from recs.ml.match.judged import judged_world
from recs.ml.match.relevance_features import COSINE
from recs.ml.relevance.pairs import Pairs
from workers.augmentation.label_forms import WORDS
from workers.llm.types import Completion, Price

KINDS = ("lamp", "scarf", "tent", "kettle", "helmet", "glass", "book", "chair")
OF_EACH, QUERIES = 12, 40
SIZES = Sizes(taught=200, bounds=20, tested=80)


def encode(texts):
    """A direction for each kind that a text names first."""
    found = np.full((len(texts), len(KINDS)), 0.05, np.float32)
    for row, text in enumerate(texts):
        for place, kind in enumerate(KINDS):
            found[row, place] += float(kind in text.lower())
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def world():
    """Forty queries; of the twelve things of each, half are of another kind: bad to people."""
    rows = []
    for query in range(QUERIES):
        kind = KINDS[query % len(KINDS)]
        for n in range(OF_EACH):
            bad = n % 2 == 0
            other = KINDS[(query + 1 + n) % len(KINDS)]
            if other == kind:
                other = KINDS[(query + 2 + n) % len(KINDS)]
            rows.append(
                (f"{query}-{n}", f"{kind} no {query}", f"{other if bad else kind} {n}", bad)
            )
    pairs = Pairs(
        ids=tuple(one[0] for one in rows), queries=tuple(one[1] for one in rows),
        titles=tuple(one[2] for one in rows), descriptions=("",) * len(rows),
        grades=np.array([1 if one[3] else 4 for one in rows], np.float32),
        variances=np.zeros(len(rows), np.float32),
    )  # fmt: skip
    return judged_world(pairs, encode)


class Teacher:
    """Says "bad" where the words of the query are not in the item; `turned`: the opposite."""

    model, revision, concurrency, price, is_small = "teacher", "1", 1, Price(), False

    def __init__(self, *, turned=False):
        self.turned, self.asked = turned, 0

    def complete(self, prompt, *, seconds):
        self.asked += 1
        query = prompt.user.rsplit("Query: <<", 1)[1].split()[0]
        item = prompt.user.rsplit("Item: <<", 1)[1]
        bad = (query not in item) != self.turned
        told = [{"text": word, "likelihood": -1.0 - 3.0 * (bad != (word == WORDS[0]))}
                for word in WORDS]  # fmt: skip
        return Completion(text=json.dumps({"chosen": told}), input_tokens=9, output_tokens=1)


def parts(world):
    return parts_of(world, world.features()[:, COSINE].astype(np.float64), SIZES)


def test_queries_are_apart_and_what_is_tested_is_half_bad(world):
    found = parts(world)
    of = [set(world.query_of[rows].tolist()) for rows in (found.taught, found.bounds, found.tested)]
    assert len(set.union(*of)) == sum(map(len, of))
    assert (len(found.taught), len(found.bounds), len(found.tested)) == (200, 20, 80)
    assert (world.pairs.grades[found.tested] == 1).mean() == 0.5
    # Together they stand for all pairs of the queries that teach.
    assert found.weights.sum() == pytest.approx(np.isin(world.query_of, list(of[0])).sum(), rel=0.1)


@pytest.mark.django_db
@pytest.mark.parametrize("turned", [False, True])
def test_a_student_says_what_its_teacher_says_and_not_what_people_do(world, turned):
    teacher, found = Teacher(turned=turned), parts(world)
    odds = {name: graded_by(teacher, world, getattr(found, name), 300)
            for name in ("taught", "bounds", "tested")}  # fmt: skip
    told = distilled(world, found, odds)
    student = told["systems"]["student of the model"]
    people = told["systems"]["student of people, same pairs"]
    assert people["against people"][0] > 0.95
    if turned:
        # Features may not say the opposite of what they mean: it learns nothing instead.
        assert student["against people"][0] < 0.6
        assert told["agreement"]["kappa"][0] < 0
    else:
        assert student["against people"][0] > 0.95
        assert student["against the model"][0] > 0.95
        assert told["agreement"]["kappa"][0] > 0.95
    # A second run asks for nothing.
    before = teacher.asked
    again = graded_by(teacher, world, found.tested, 300)
    assert teacher.asked == before
    assert np.array_equal(again, odds["tested"])


def test_one_of_the_ways_to_ask_must_be_named(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["match_distilled", "--data", "x", "--out", "y"])
    with pytest.raises(SystemExit):
        match_distilled.main()
    assert "one of the arguments" in capsys.readouterr().err
