import numpy as np
import pytest

from benchmarks.m3csr_baselines import TRAINED, content_scorer, fit_baseline, nearest_by_content
from recs.ml.m3csr_fit import hold_out_last
from recs.ml.metrics import recall_at
from recs.ml.scorers import target_ranks
from tests.recs.ml.m3csr_world import CPU, ITEMS, planted_world, small_config

COLD = 40


@pytest.fixture(scope="module")
def world():
    return planted_world(cold=COLD)


@pytest.mark.parametrize("kind", TRAINED)
def test_every_baseline_learns_what_people_follow(world, kind):
    kept, asked = hold_out_last(world.histories)
    config = small_config(epochs=6)
    found = fit_baseline(kind, kept, world.content, (config.net, config.fit), CPU, asked)
    ranks = target_ranks(found.scorer(asked.histories, np.inf), asked.histories, asked.targets)
    # By chance a fifth of the targets is among the first 48 of 240.
    assert recall_at(ranks, 48).mean() > 0.35


def test_content_alone_finds_what_is_alike(world):
    kept, asked = hold_out_last(world.histories)
    scorer = content_scorer(kept, world.content).score(kept, np.arange(len(kept)))
    own = [scorer[person, kept.items_of(person)].mean() for person in range(len(kept))]
    assert np.mean(own) > scorer[:, 1:].mean()
    assert asked.targets.min() > 0


def test_nearest_by_content_equals_a_plain_loop(world):
    vectors = world.content.vectors["text"]
    among = np.arange(ITEMS + 1) <= ITEMS - COLD
    found = nearest_by_content(vectors, among, 5)
    unit = vectors - vectors[1:].mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    scores = unit @ unit[7]
    scores[[0, 7]] = -np.inf
    scores[~among] = -np.inf
    assert set(found[7]) == set(np.argsort(-scores)[:5])
    assert not found[0].any()
