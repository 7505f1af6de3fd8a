from dataclasses import replace

import numpy as np
import pytest

from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.histories import Histories
from recs.ml.mixture import Contests, Mixture, contests
from recs.ml.reranker import Reranked, RerankerConfig, fit_reranker
from recs.ml.scorers import rank
from recs.ml.sequence_data import Sample
from recs.ml.small_net import SmallNet
from tests.recs.ml.test_mixture import ITEMS, Made, planted

CONFIG = RerankerConfig(
    candidates=10, width=8, members=2, least_lists=50, dropout=0.0,
    fit=FitConfig(epochs=6, learning_rate=0.02, precision="fp32", warmup_steps=0, batch_size=64),
)  # fmt: skip
OPTIONS = RunOptions(device="cpu")


def world(people=300, seen=3, seed=0):
    """The second number counts where the first is high: no weighted sum says so."""
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(size=(people, ITEMS + 1)).astype(np.float32) for _ in range(2))
    utility = first + np.where(first > 0.7, 4.0 * second, 0.0) + 0.1 * rng.gumbel(size=first.shape)
    lists = [(rng.choice(ITEMS, seen, replace=False) + 1).tolist() for _ in range(people)]
    utility[:, 0] = -np.inf
    for person, items in enumerate(lists):
        utility[person, items] = -np.inf
    sample = Sample(Histories.of_lists(lists), utility.argmax(axis=1))
    evidence = [Made("first", first), Made("second", second)]
    return Mixture(evidence, np.array([1.0, 0.3], np.float32), ITEMS), sample


@pytest.fixture(scope="module")
def fitted():
    mixture, sample = world()
    nets = fit_reranker(contests(mixture, sample, 10), CONFIG, 3, OPTIONS)
    return Reranked(mixture, nets, 10), sample


def test_what_goes_together_is_learned(fitted):
    ranked, _ = fitted
    assert len(ranked.nets) == 2
    mixture, new = world(people=200, seed=7)
    again = replace(ranked, mixture=mixture)
    assert new.ndcg(again) > new.ndcg(mixture) + 0.05


def test_seen_items_never_come_back_and_others_keep_their_order_below(fitted):
    ranked, sample = fitted
    people = np.arange(40)
    before = ranked.mixture.score(sample.histories, people)
    after = ranked.score(sample.histories, people)
    assert np.isneginf(after[:, 0]).all()
    lists = {}
    for persons, found, _ in ranked.mixture.shortlists(sample.histories.select(people), 10):
        lists |= dict(zip(persons.tolist(), found.rows.tolist(), strict=True))
    for person in people:
        seen, best = set(sample.histories.items_of(person).tolist()), lists[person]
        others = [row for row in range(1, ITEMS + 1) if row not in seen and row not in best]
        np.testing.assert_array_equal(after[person, others], before[person, others])
        assert after[person, best].min() > after[person, others].max()
        assert after[person, best].min() > after[person, sorted(seen)].max()
    for person, row in enumerate(rank(ranked, sample.histories, 10).tolist()):
        assert len(set(row)) == 10
        assert not set(row) & set(sample.histories.items_of(person).tolist())
        if person < 40:
            assert set(row) == set(lists[person])


def test_scores_of_candidates_differ_by_what_the_networks_say(fitted):
    ranked, sample = fitted
    after = ranked.score(sample.histories, np.arange(10))
    # No two candidates fall together for lack of digits.
    for persons, found, _ in ranked.mixture.shortlists(sample.histories.select(range(10)), 10):
        for person, rows in zip(persons, found.rows, strict=True):
            assert len(np.unique(after[person, rows])) == 10


@pytest.mark.parametrize("seen", [3, 38])
def test_a_list_longer_than_what_is_unseen_is_finite(seen):
    mixture, sample = world(people=120, seen=seen)
    contest = contests(mixture, sample, 100)
    assert np.isneginf(contest.scores).sum() >= 120 * (seen - 1)
    nets = fit_reranker(contest, CONFIG, 1, OPTIONS)
    assert len(nets) == 2
    ranked = Reranked(mixture, nets, 100)
    found = ranked.score(sample.histories, np.arange(120))
    assert np.isfinite(found[:, 1:]).all()
    rankings = rank(ranked, sample.histories, 10)
    for history, row in zip(sample.histories, rankings.tolist(), strict=True):
        shown = [item for item in row if item]
        assert len(shown) == len(set(shown)) == min(10, ITEMS - seen)
        assert not set(shown) & set(history.tolist())


def test_somebody_who_saw_everything_is_ranked_nothing():
    mixture, sample = world(people=120)
    ranked = Reranked(mixture, fit_reranker(contests(mixture, sample, 10), CONFIG, 1, OPTIONS), 10)
    everything = Histories.of_lists([list(range(1, ITEMS + 1)), [1]])
    assert not np.isnan(ranked.score(everything, np.arange(2))).any()
    rankings = rank(ranked, everything, 10)
    assert not rankings[0].any()
    assert rankings[1].all()


def test_too_few_lists_give_no_second_look():
    mixture, sample = world(people=60)
    contest = contests(mixture, sample, 10)
    few = len(contest.wanted)
    assert fit_reranker(contest, replace(CONFIG, least_lists=few + 1), 0, OPTIONS) == ()
    nobody = contests(mixture, Sample(sample.histories.select([]), sample.targets[:0]), 10)
    assert fit_reranker(nobody, CONFIG, 0, OPTIONS) == ()
    alone = Reranked(mixture, (), 10)
    np.testing.assert_array_equal(
        alone.score(sample.histories, np.arange(5)), mixture.score(sample.histories, np.arange(5))
    )


def test_the_same_seed_gives_the_same_networks():
    mixture, sample = world(people=120)
    contest = contests(mixture, sample, 10)
    config = replace(CONFIG, fit=replace(CONFIG.fit, epochs=2), dropout=0.3)
    first, again, other = (fit_reranker(contest, config, seed, OPTIONS) for seed in (4, 4, 5))
    for name, array in first[0].to_arrays().items():
        np.testing.assert_array_equal(array, again[0].to_arrays()[name])
    straight = [nets[0].to_arrays()["straight.weight"] for nets in (first, other)]
    assert (straight[0] != straight[1]).any()


def test_a_number_that_is_the_same_everywhere_does_no_harm():
    mixture, sample = world(people=120)
    constant = Made("constant", np.full((120, ITEMS + 1), 3.0, np.float32))
    more = Mixture([*mixture.evidence, constant], np.array([1.0, 0.3, 0.1], np.float32), ITEMS)
    nets = fit_reranker(contests(more, sample, 10), CONFIG, 1, OPTIONS)
    assert np.isfinite(Reranked(more, nets, 10).score(sample.histories, np.arange(9))[:, 1:]).all()


def test_networks_are_averaged():
    mixture, sample = world(people=8)
    size = 2 * 2 + 2

    def adding(weight):
        """A network that adds so many times the second number."""
        straight = np.zeros((1, size), np.float32)
        straight[0, 1] = weight
        zeros = {"first": (1, size), "second": (1, 1), "last": (1, 1)}
        layers = {name: (np.zeros(shape, np.float32), np.zeros(shape[0], np.float32))
                  for name, shape in zeros.items()}  # fmt: skip
        layers["straight"] = straight, np.zeros(1, np.float32)
        return SmallNet(np.zeros(size, np.float32), np.ones(size, np.float32), layers)

    ranked = Reranked(mixture, (adding(1.0), adding(5.0)), ITEMS)
    found = rank(ranked, sample.histories, 10)
    expected = rank(
        replace(mixture, weights=np.array([1.0, 3.3], np.float32)), sample.histories, 10
    )
    np.testing.assert_array_equal(found, expected)


def test_one_list_is_enough_where_that_is_asked_for():
    evidence, sample = planted(people=2)
    mixture = Mixture(evidence, np.ones(3, np.float32), ITEMS)
    contest = contests(mixture, sample, ITEMS)
    assert isinstance(contest, Contests)
    config = replace(CONFIG, least_lists=1, members=1)
    assert len(fit_reranker(contest, config, 0, OPTIONS)) == 1
