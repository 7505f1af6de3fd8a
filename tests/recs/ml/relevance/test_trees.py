from dataclasses import replace

import numpy as np

from recs.ml.relevance.trees import RISING, TreesConfig, fit_and_score
from tests.recs.ml.relevance.world import pairs_of, rows

CONFIG = TreesConfig(trees=30, least_in_leaf=3, features=1.0, members=2)


def world():
    pairs = pairs_of(rows(seed=1) + [{**r, "query": f"{r['query']} 2"} for r in rows(seed=2)])
    random = np.random.default_rng(0)
    features = {
        "coverage": (pairs.grades + random.normal(0, 0.3, len(pairs))).astype(np.float32),
        "noise": random.normal(0, 1, len(pairs)).astype(np.float32),
    }
    return pairs, features


def test_trees_learn_the_gain_and_the_chance_of_a_bad_match():
    pairs, features = world()
    taught, asked = np.arange(54), np.arange(54, 108)
    found = fit_and_score(features, pairs, taught, asked, CONFIG)
    grades = pairs.grades[asked]
    assert found.gains[grades == 4].mean() > 0.7 > 0.3 > found.gains[grades == 1].mean()
    assert found.bad[grades == 1].mean() > 0.6 > 0.3 > found.bad[grades == 4].mean()
    assert found.bad.min() >= 0
    assert found.bad.max() <= 1


def test_grades_of_what_is_asked_for_are_not_read():
    pairs, features = world()
    taught, asked = np.arange(54), np.arange(54, 108)
    other = replace(pairs, grades=np.where(np.arange(108) < 54, pairs.grades, np.float32(np.nan)))
    one, two = (fit_and_score(features, p, taught, asked, CONFIG) for p in (pairs, other))
    assert np.array_equal(one.gains, two.gains)
    assert np.array_equal(one.bad, two.bad)


def test_what_can_only_help_never_lowers_a_score():
    pairs, features = world()
    assert "coverage" in RISING
    taught = np.arange(54)
    listed = np.linspace(0, 5, 54).astype(np.float32)
    steps = {
        "coverage": np.concatenate([features["coverage"][:54], listed]),
        "noise": np.concatenate([features["noise"][:54], np.zeros(54, np.float32)]),
    }
    found = fit_and_score(steps, pairs, taught, np.arange(54, 108), CONFIG)
    assert (np.diff(found.gains) >= -1e-6).all()
    assert (np.diff(found.bad) <= 1e-6).all()


def test_without_a_bad_pair_nobody_knows_the_chance():
    pairs, features = world()
    good = np.flatnonzero(pairs.grades[:54] > 2)
    found = fit_and_score(features, pairs, good, np.arange(54, 60), CONFIG)
    assert np.isnan(found.bad).all()
    assert np.isfinite(found.gains).all()


def test_the_seed_decides():
    pairs, features = world()
    taught, asked = np.arange(54), np.arange(54, 108)
    few = replace(CONFIG, features=0.5, members=1)
    one, same, other = (
        fit_and_score(features, pairs, taught, asked, replace(few, seed=seed)).gains
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
