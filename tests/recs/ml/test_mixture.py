from dataclasses import dataclass

import numpy as np
import pytest

from recs.ml.evidence import PopularityEvidence
from recs.ml.histories import Histories
from recs.ml.mixture import Mixture, MixtureConfig, contests, fit_mixture
from recs.ml.sequence_data import Sample

ITEMS, PEOPLE = 40, 1500


@dataclass(frozen=True)
class Made:
    """Numbers made in advance: those of the person whose only event is item n are row n."""

    name: str
    values: np.ndarray  # (PEOPLE, N + 1)

    @property
    def names(self):
        return (self.name,)

    def tables(self, histories):
        return [self.values[[int(person) for person in histories.people]].copy()]


def planted(weights=(2.0, -1.0, 0.0), people=PEOPLE, seed=0, seen=1):
    """People who choose by a softmax of known weights among what they have not seen."""
    rng = np.random.default_rng(seed)
    evidence = [
        Made(f"e{n}", rng.normal(size=(people, ITEMS + 1)).astype(np.float32))
        for n in range(len(weights))
    ]
    lists = [rng.choice(ITEMS, seen, replace=False) + 1 for _ in range(people)]
    utility = sum(w * part.values for w, part in zip(weights, evidence, strict=True))
    utility = utility + rng.gumbel(size=utility.shape)
    utility[:, 0] = -np.inf
    for person, items in enumerate(lists):
        utility[person, items] = -np.inf
    histories = Histories.of_lists([items.tolist() for items in lists])
    return evidence, Sample(histories, utility.argmax(axis=1))


CONFIG = MixtureConfig(candidates=ITEMS, start={}, ridge=0.0)


def test_the_planted_weights_are_found():
    evidence, sample = planted()
    found = fit_mixture(evidence, sample, ITEMS, CONFIG)
    assert found.names == ("e0", "e1", "e2")
    np.testing.assert_allclose(found.weights, [2.0, -1.0, 0.0], atol=0.15)


def test_what_was_seen_does_not_compete_where_the_catalogue_is_small():
    # Most of the catalogue was seen, and what was seen looks best of all by the first number.
    evidence, sample = planted(weights=(2.0, 1.0), seen=25)
    for person, items in enumerate(sample.histories):
        evidence[0].values[person, items] += 8.0
    found = fit_mixture(evidence, sample, ITEMS, CONFIG)
    np.testing.assert_allclose(found.weights, [2.0, 1.0], atol=0.2)


def test_fixed_names_stay_as_they_start():
    evidence, sample = planted()
    config = MixtureConfig(candidates=ITEMS, start={"e1": 0.7}, fixed=("e1",), ridge=0.0)
    found = fit_mixture(evidence, sample, ITEMS, config)
    assert found.weights[1] == np.float32(0.7)
    assert found.weights[0] > 1.0


def test_a_ridge_pulls_toward_the_start():
    evidence, sample = planted(people=300)
    config = MixtureConfig(candidates=ITEMS, start={"e0": 5.0}, ridge=100.0)
    found = fit_mixture(evidence, sample, ITEMS, config)
    np.testing.assert_allclose(found.weights, [5.0, 0.0, 0.0], atol=0.05)


@pytest.mark.parametrize("seed", [0, 1])
def test_fewer_candidates_than_items_find_nearly_the_same(seed):
    evidence, sample = planted(seed=seed)
    config = MixtureConfig(candidates=15, start={"e0": 1.0}, ridge=0.0)
    found = fit_mixture(evidence, sample, ITEMS, config)
    np.testing.assert_allclose(found.weights, [2.0, -1.0, 0.0], atol=0.4)


def test_with_nobody_to_learn_from_the_weights_are_those_of_the_start():
    evidence, sample = planted(people=3)
    nobody = Sample(sample.histories.select([]), sample.targets[:0])
    config = MixtureConfig(start={"e2": 0.5})
    assert fit_mixture(evidence, nobody, ITEMS, config).weights.tolist() == [0.0, 0.0, 0.5]


def test_the_score_is_the_weighted_sum_and_the_padding_is_last():
    evidence, sample = planted(people=20)
    mixture = Mixture(evidence, np.array([1.0, 0.0, -2.0], np.float32), ITEMS)
    persons = np.array([4, 0, 19])
    found = mixture.score(sample.histories, persons)
    expected = evidence[0].values[persons] - 2 * evidence[2].values[persons]
    np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=1e-5)
    assert np.isneginf(found[:, 0]).all()


def test_people_are_scored_in_parts_as_they_are_together(monkeypatch):
    evidence, sample = planted(people=20)
    mixture = Mixture(evidence, np.array([1.0, 2.0, 3.0], np.float32), ITEMS)
    whole = mixture.score(sample.histories, np.arange(20))
    monkeypatch.setattr("recs.ml.mixture._NUMBERS_AT_ONCE", 400)
    np.testing.assert_array_equal(mixture.score(sample.histories, np.arange(20)), whole)
    lists = list(mixture.shortlists(sample.histories, 5))
    assert len(lists) == 7
    assert np.concatenate([persons for persons, _, _ in lists]).tolist() == list(range(20))


def test_a_shortlist_has_the_best_unseen_items_with_their_numbers():
    evidence, sample = planted(people=30, seen=4)
    mixture = Mixture(evidence, np.array([1.0, 1.0, 0.0], np.float32), ITEMS)
    scores = mixture.score(sample.histories, np.arange(30))
    for persons, found, _ in mixture.shortlists(sample.histories, 6):
        for place, person in enumerate(persons):
            seen = set(sample.histories.items_of(person).tolist())
            order = [row for row in np.argsort(-scores[person]).tolist() if row not in seen]
            assert set(found.rows[place].tolist()) == set(order[:6])
            for column, part in enumerate(evidence):
                expected = part.values[person, found.rows[place]]
                np.testing.assert_array_equal(found.numbers[place, :, column], expected)


def test_a_target_that_was_seen_may_stand_in_its_list():
    evidence, sample = planted(people=2, seen=2)
    mixture = Mixture(evidence, np.array([1.0, 0.0, 0.0], np.float32), ITEMS)
    target = sample.histories.items_of(0)[:1]
    evidence[0].values[:, target] = 50.0
    targets = np.array([target[0], sample.targets[1]])
    (_, found, _), = mixture.shortlists(sample.histories, 5, targets)  # fmt: skip
    assert target[0] in found.rows[0]
    assert np.isfinite(found.scores).all()


def test_contests_are_of_those_whose_wanted_item_is_among_the_best():
    evidence, sample = planted(people=200)
    mixture = Mixture(evidence, np.array([2.0, -1.0, 0.0], np.float32), ITEMS)
    found = contests(mixture, sample, 5)
    assert 60 < len(found.wanted) < 200
    assert found.scores.shape == (len(found.wanted), 5)
    assert found.numbers.shape == (len(found.wanted), 5, 3)
    assert set(found.lengths.tolist()) == {1}
    doubled = found + found
    assert len(doubled.wanted) == 2 * len(found.wanted)
    everybody = contests(mixture, sample, 1000)
    assert len(everybody.wanted) == 200


def test_popularity_alone_is_learned_from_what_was_chosen():
    counts = np.array([0, 1, 3, 9, 27, 81])
    rng = np.random.default_rng(0)
    chosen = rng.choice(np.arange(1, 6), 800, p=(1 + counts[1:]) / (1 + counts[1:]).sum())
    sample = Sample(Histories.of_lists([[6]] * 800), chosen)
    evidence = [PopularityEvidence(np.append(counts, 0))]
    found = fit_mixture(evidence, sample, 6, MixtureConfig(start={}, ridge=0.0))
    assert found.weights[0] == pytest.approx(1.0, abs=0.1)
