from dataclasses import replace

import numpy as np
import pytest

from recs.ml import blended
from recs.ml.blended import BlendedSettings, fit_blended, refit_blended
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import RunOptions
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import rank
from recs.ml.sequence_data import Sample, SequenceData, TrainOptions
from recs.ml.user_model_fit import fit_user_model
from tests.recs.ml.test_served_model import attributed, small_settings
from tests.recs.ml.test_user_model_fit import SETTINGS as NETWORK
from tests.recs.ml.worlds import ITEMS, groups_in_turn

OPTIONS = TrainOptions(seed=1, run=RunOptions(device="cpu"))
# Nothing whose result depends on how fast the machine is.
SETTINGS = replace(small_settings(), tuning_seconds=0.0)


def fit(data, settings=SETTINGS, options=OPTIONS):
    return fit_blended(data, settings, options)


@pytest.fixture(scope="module")
def world():
    return attributed(groups_in_turn(people=120))


@pytest.fixture(scope="module")
def fitted(world):
    return fit(world)


def test_each_kind_of_evidence_has_a_weight_and_new_items_their_own(fitted):
    weights = fitted.weights()
    assert set(weights) == {
        "user_model", "neighbours", "neighbours_any", "follows", "follows_any", "around",
        "around_any", "text_mean", "text_last", "text_nearest", "attributes", "popularity",
        "new_item", "new_user_model", "new_text_mean", "new_text_last", "new_text_nearest",
        "new_attributes",
    }  # fmt: skip
    assert np.isfinite(list(weights.values())).all()
    assert any(weights[name] for name in weights if name.startswith("new_"))


def test_the_weights_are_learned_on_further_questions_too(world, fitted, monkeypatch):
    learned_from = []

    def spied(data, *rest):
        learned_from.append(data)
        return fit_user_model(data, *rest)

    monkeypatch.setattr(blended, "fit_user_model", spied)
    places = np.flatnonzero(world.histories.lengths > 2)
    further = Sample(world.histories.select(places), world.targets[places[::-1]])
    assert fit(replace(world, further=further)).weights() != fitted.weights()
    # The scout, which comes last, is not asked for what it must not know either.
    scout = learned_from[-1]
    known = set(scout.histories.items.tolist())
    assert len(known) < len(set(world.histories.items.tolist()))
    assert 0 < len(scout.further.targets) < len(further.targets)
    assert {*scout.further.targets.tolist(), *scout.further.histories.items.tolist()} <= known


def test_it_ranks_all_items_and_nothing_that_was_seen(world, fitted):
    assert fitted.item_count == ITEMS
    rankings = rank(fitted, world.histories, 10)
    for history, row in zip(world.histories, rankings.tolist(), strict=True):
        assert len(set(row) - {0}) == 10
        assert not set(row) & set(history.tolist())


def test_the_same_seed_gives_the_same_scores(world, fitted):
    again = fit(world)
    assert again.weights() == fitted.weights()
    people = np.arange(20)
    np.testing.assert_array_equal(
        again.score(world.histories, people), fitted.score(world.histories, people)
    )
    assert fit(world, options=replace(OPTIONS, seed=2)).weights() != fitted.weights()


def test_without_the_blend_the_networks_are_averaged_and_nothing_else(world):
    found = fit(world, replace(SETTINGS, blend=False))
    assert found.weights() == {"user_model": 1.0}
    assert found.knn == {}
    assert found.ranking.nets == ()
    people = np.arange(5)
    parts = []
    for member in found.members:
        scores = member.score(world.histories, people)
        scores[:, 0] = np.minimum(scores[:, 1:].min(axis=1), 0.0)
        parts.append(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
    expected = np.mean(parts, axis=0)
    found = found.score(world.histories, people)
    np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=1e-4)


def test_where_nothing_is_known_of_items_behaviour_alone_is_weighed(world):
    found = fit(replace(world, content=ItemContent.none(ITEMS)))
    assert not any(name.startswith(("new_", "text", "attributes")) for name in found.weights())
    assert np.isfinite(found.score(world.histories, np.arange(9))[:, 1:]).all()


def test_with_nobody_to_weigh_on_the_weights_are_those_of_the_start(world):
    found = fit(replace(world, targets=np.zeros_like(world.targets)))
    start = SETTINGS.mixture.start
    for name, weight in found.weights().items():
        assert weight == pytest.approx(start.get(name, 0.0))
    assert found.ranking.nets == ()


def test_a_refit_keeps_weights_and_second_look_and_counts_anew(world, fitted):
    histories = Histories.of_lists(
        [
            [*history.tolist(), int(target)]
            for history, target in zip(world.histories, world.targets, strict=True)
        ]
    )
    everything = SequenceData(
        histories=histories, targets=np.zeros_like(world.targets), content=world.content
    )
    found = refit_blended(fitted, everything, SETTINGS, OPTIONS)
    assert found.weights() == fitted.weights()
    assert found.ranking.nets is fitted.ranking.nets
    assert found.knn["neighbours"].config == fitted.knn["neighbours"].config
    changed = found.knn["neighbours"].similar != fitted.knn["neighbours"].similar
    assert changed.nnz > 0
    assert (found.members[0].items != fitted.members[0].items).any()
    other = replace(everything, targets=world.targets)
    np.testing.assert_array_equal(
        refit_blended(fitted, other, SETTINGS, OPTIONS).score(histories, np.arange(9)),
        found.score(histories, np.arange(9)),
    )


@pytest.mark.parametrize("lists", [[], [[1]], [[1], [2], []]])
def test_nothing_to_learn_is_told(lists):
    data = SequenceData(
        histories=Histories.of_lists(lists),
        targets=np.zeros(len(lists), np.int64),
        content=ItemContent.none(5),
    )
    with pytest.raises(NothingToLearn):
        fit(data)


@pytest.mark.parametrize(("lists", "items"), [([[1, 2, 1]], 2), ([[1, 1], [1, 1, 1]], 1)])
def test_one_person_and_one_item_are_fitted(lists, items):
    data = SequenceData(
        histories=Histories.of_lists(lists),
        targets=np.ones(len(lists), np.int64),
        content=ItemContent.none(items),
    )
    found = fit(data)
    scores = found.score(Histories.of_lists([[1], []]), np.arange(2))
    assert np.isfinite(scores[:, 1:]).all()


def test_no_member_is_refused():
    with pytest.raises(ValueError, match="members counts from 1"):
        BlendedSettings(members=0)


@pytest.mark.slow
@pytest.mark.quality
def test_an_item_that_nobody_wanted_yet_comes_among_the_first_ten():
    """Six groups in turn; of each, one item was never met: its content alone says where it is."""
    whole = groups_in_turn(people=300)
    cold = np.arange(1, ITEMS + 1, 5)
    keep = ~np.isin(whole.histories.items, cold)
    was_cold = np.isin(whole.targets, cold)
    learned = replace(
        whole,
        histories=whole.histories.only(keep),
        targets=np.where(was_cold, 0, whole.targets),
    )
    settings = replace(SETTINGS, user_model=NETWORK, reranker=replace(SETTINGS.reranker, members=1))
    found = fit(learned, settings)
    assert was_cold.sum() > 30
    asked = Sample(learned.histories.select(np.flatnonzero(was_cold)), whole.targets[was_cold])
    rankings = rank(found, asked.histories, 10)
    hits = (rankings == asked.targets[:, None]).any(axis=1).mean()
    counts = PopularityScorer.of(learned.histories, ITEMS)
    chance = (rank(counts, asked.histories, 10) == asked.targets[:, None]).any(axis=1).mean()
    # Of some two dozen unseen items ten are shown, so chance alone would find two in five.
    assert hits > 0.6
    assert hits > chance + 0.3
