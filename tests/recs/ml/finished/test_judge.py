import json

import numpy as np
import pytest

from recs.ml.errors import ArtifactError
from recs.ml.finished.judge import Judge, fit

NAMES = ("a", "b")


def world(seed=0):
    features = np.random.default_rng(seed).normal(size=(400, 2))
    return features, np.abs(features[:, 0]) > 1


def test_it_learns_what_no_straight_line_parts():
    features, labels = world()
    chances = fit(features, labels, NAMES).chances(features)
    assert ((chances > 0.5) == labels).mean() > 0.95


def test_the_same_input_gives_the_same_judge():
    assert fit(*world(), NAMES) == fit(*world(), NAMES)


def test_written_and_read_it_gives_the_same_chances():
    features, labels = world()
    judge = fit(features, labels, NAMES, threshold=0.7)
    read = Judge.from_json(json.loads(json.dumps(judge.as_json())), known=NAMES)
    assert read == judge
    assert read.chances(features).tolist() == judge.chances(features).tolist()


def garbage():
    good = fit(*world(), NAMES).as_json()
    edges, weights = good["edges"], good["weights"]
    yield None
    yield []
    yield {}
    yield {**good, "schema": 2}
    yield {**good, "names": ["a"]}
    yield {**good, "names": ["a", "a"]}
    yield {**good, "bias": "much"}
    yield {**good, "bias": float("nan")}
    yield {**good, "threshold": 1.5}
    yield {**good, "weights": [weights[0][:-1], weights[1]]}
    yield {**good, "weights": [["x"] * len(weights[0]), weights[1]]}
    yield {**good, "edges": [edges[0][::-1], edges[1]]}


@pytest.mark.parametrize("value", list(garbage()))
def test_garbage_is_refused(value):
    with pytest.raises(ArtifactError, match="no judge of finished queries"):
        Judge.from_json(value, known=NAMES)


def test_a_feature_of_another_release_is_named():
    with pytest.raises(ArtifactError, match="not known here: b"):
        Judge.from_json(fit(*world(), NAMES).as_json(), known=("a",))


def test_all_of_one_kind_teaches_nothing():
    features, _ = world()
    with pytest.raises(ValueError, match="both needed"):
        fit(features, np.ones(len(features), np.bool_), NAMES)


def test_other_columns_are_refused():
    with pytest.raises(ValueError, match="known are 2 columns"):
        fit(*world(), NAMES).chances(np.zeros((3, 1)))
