from dataclasses import replace

import numpy as np
import pytest

from recs.ml import user_model
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_facts import ItemFactsConfig
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.transformer import TransformerConfig
from recs.ml.user_model import UserModelConfig
from recs.ml.user_model_fit import UserModelSettings, fit_user_model, refit_user_model
from tests.recs.ml.worlds import ITEMS, SIZE, group_of, groups_in_turn

SETTINGS = UserModelSettings(
    net=UserModelConfig(body=TransformerConfig(embedding_size=16, layers=1, dropout=0.1)),
    facts=ItemFactsConfig(
        content_width=6, semantic_ids=SemanticIdConfig(levels=2, codes=4, flat=6)
    ),
    fit=FitConfig(
        learning_rate=1e-2, patience=0, validate_every=2, warmup_steps=2, precision="fp32"
    ),
    predictions_a_step=256,
    steps=60,
    epochs=(2, 8),
)
BRIEF = replace(SETTINGS, epochs=(2, 2))
OPTIONS = TrainOptions(seed=2, run=RunOptions(device="cpu"))


def fit(data, settings=BRIEF, options=OPTIONS):
    return fit_user_model(data, settings, options)


def data_of(lists, targets=None, items=ITEMS):
    """Of events without times, and items of which nothing is known."""
    return SequenceData(
        histories=Histories.of_lists(lists),
        targets=np.array(targets or [0] * len(lists), np.int64),
        content=ItemContent.none(items),
    )


@pytest.fixture(scope="module")
def world():
    return groups_in_turn(people=150)


@pytest.fixture(scope="module")
def fitted(world):
    return fit(world, SETTINGS)


def test_it_beats_popularity_where_the_order_says_what_comes(world, fitted):
    new = groups_in_turn(seed=5, people=200)
    sample = new.sample(1000, seed=0)
    popularity = PopularityScorer.of(world.histories, ITEMS)
    assert sample.ndcg(fitted) > 2 * sample.ndcg(popularity)
    assert fitted.report.best_score is not None


def test_scores_are_products_of_people_and_items(world, fitted):
    people = np.array([3, 0])
    found = fitted.score(world.histories, people)
    assert found.dtype == np.float32
    assert np.isneginf(found[:, 0]).all()
    expected = fitted.users(world.histories)[people] @ fitted.items.T
    np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=1e-4)
    assert fitted.item_count == ITEMS


def test_the_same_seed_gives_the_same_weights_bit_for_bit(world):
    first, again = fit(world), fit(world)
    other = fit(world, options=replace(OPTIONS, seed=3))
    for name, weight in first.net.state_dict().items():
        np.testing.assert_array_equal(weight, again.net.state_dict()[name], err_msg=name)
    np.testing.assert_array_equal(first.items, again.items)
    assert (first.items != other.items).any()


def test_no_target_gets_into_the_weights(world):
    # With a fixed number of epochs validation chooses between them at most; with one, nothing.
    one = replace(SETTINGS, epochs=(1, 1))
    other = replace(world, targets=world.targets % ITEMS + 1)
    np.testing.assert_array_equal(fit(world, one).items, fit(other, one).items)


@pytest.mark.parametrize("lists", [[], [[]], [[3]], [[3], [4], []]])
def test_without_anybody_who_did_two_things_there_is_nothing_to_learn(lists):
    with pytest.raises(NothingToLearn, match="two events"):
        fit(data_of(lists))


@pytest.mark.parametrize(
    ("lists", "items"),
    [([[1, 2, 3]], 3), ([[1, 1, 1], [1, 1]], 1), ([[1, 2]] * 5, 2), ([[2, 1], [1]], 500)],
    ids=["one person", "one item", "two items", "few events of many items"],
)
def test_as_little_as_there_can_be_is_fitted(lists, items):
    found = fit(data_of(lists, items=items))
    scores = found.score(Histories.of_lists([*lists, []]), np.arange(len(lists) + 1))
    assert scores.shape == (len(lists) + 1, items + 1)
    assert np.isfinite(scores[:, 1:]).all()
    assert found.report.best_epoch is None


def test_an_item_that_has_nearly_all_events_drowns_nobody():
    rng = np.random.default_rng(0)
    lists = [[1] * 200 + rng.integers(2, ITEMS + 1, 2).tolist() + [1] * 50 for _ in range(20)]
    found = fit(data_of(lists, targets=[1] * 20))
    assert np.isfinite(found.items).all()
    assert found.known.now()[1] == 13
    scores = found.score(Histories.of_lists([[1, 1, 1]]), np.array([0]))[0]
    assert scores[1:].argmax() == 0


def test_a_history_of_fifty_thousand_events_is_read():
    rng = np.random.default_rng(0)
    short = replace(BRIEF, net=replace(BRIEF.net, longest=100), epochs=(1, 1))
    lists = [rng.integers(1, ITEMS + 1, length).tolist() for length in (50_000, 5, 7)]
    found = fit(data_of(lists, targets=[1, 2, 3]), short)
    assert np.isfinite(found.score(Histories.of_lists(lists), np.arange(3))[:, 1:]).all()


def without(world, items):
    """The world had nobody ever met those items; their content stays."""
    keep = ~np.isin(world.histories.items, items)
    targets = np.where(np.isin(world.targets, items), 0, world.targets)
    return replace(world, histories=world.histories.only(keep), targets=targets)


def test_items_without_any_event_get_vectors_by_their_content(world):
    new = [5, 17, 28]
    found = fit(without(world, new), SETTINGS)
    assert found.known.now()[new].tolist() == [0, 0, 0]
    table = found.items / np.maximum(np.linalg.norm(found.items, axis=1, keepdims=True), 1e-9)
    near = table[new] @ table.T
    near[:, 0] = -np.inf
    for place, item in enumerate(new):
        near[place, new] = -np.inf
        best = np.argsort(-near[place])[: SIZE - 1]
        assert (group_of(best) == group_of(item)).mean() >= 0.5


def test_items_taken_for_new_lose_what_was_learned_of_them_alone(world, fitted):
    is_new = np.zeros(ITEMS + 1, bool)
    is_new[[5, 17]] = True
    before = fitted.items.copy()
    found = fitted.forgetting(is_new, world.content)
    known = np.flatnonzero(~is_new)
    np.testing.assert_allclose(found.items[known], before[known], atol=1e-5)
    assert (np.abs(found.items[is_new] - before[is_new]).max(axis=1) > 1e-2).all()
    # The network itself is as it was.
    np.testing.assert_array_equal(fitted.forgetting(is_new & False, world.content).items, before)


def test_a_catalogue_past_the_stated_size_is_trained_with_drawn_candidates(world, monkeypatch):
    asked = []
    whole = user_model.sampled_softmax_loss

    def counted(hidden, table, wanted, *, samples, log_q):
        asked.append(tuple(samples.shape))
        return whole(hidden, table, wanted, samples=samples, log_q=log_q)

    monkeypatch.setattr(user_model, "sampled_softmax_loss", counted)
    fit(world, replace(BRIEF, full_softmax_items=ITEMS))
    assert asked == []
    found = fit(world, replace(SETTINGS, full_softmax_items=ITEMS - 1, samples=40))
    assert set(asked) == {(40,)}
    sample = world.sample(1000, seed=0)
    popularity = PopularityScorer.of(world.histories, ITEMS)
    assert sample.ndcg(found) > 1.3 * sample.ndcg(popularity)


def test_the_published_loss_learns_too(world):
    found = fit(world, replace(SETTINGS, loss="bce"))
    losses = [point.loss for point in found.report.curve]
    assert losses[-1] < losses[0]
    with pytest.raises(ValueError, match="softmax, bce, not 'mse'"):
        UserModelSettings(loss="mse")


def test_a_refit_keeps_maps_and_epochs_and_learns_from_what_came_later(world, fitted):
    everything = replace(
        world,
        histories=Histories.of_lists(
            [
                [*history.tolist(), int(target)]
                for history, target in zip(world.histories, world.targets, strict=True)
            ]
        ),
        targets=np.zeros_like(world.targets),
    )
    found = refit_user_model(fitted, everything, SETTINGS, OPTIONS)
    assert found.facts is fitted.facts
    assert len(found.report.curve) <= fitted.report.best_epoch + 1
    assert found.known.reached.shape == fitted.known.reached.shape
    assert (found.items != fitted.items).any()
    new = groups_in_turn(seed=5, people=200).sample(1000, seed=0)
    assert new.ndcg(found) > 2 * new.ndcg(PopularityScorer.of(world.histories, ITEMS))
    again = refit_user_model(fitted, everything, SETTINGS, OPTIONS)
    np.testing.assert_array_equal(found.items, again.items)


def test_attributes_alone_are_enough_for_an_item_that_nobody_knows(world):
    lists = [[], *([int(group)] for group in group_of(np.arange(1, ITEMS + 1)))]
    content = ItemContent(item_count=ITEMS, attributes=Attributes.of_lists(lists, 6))
    found = fit(without(replace(world, content=content), [5]), SETTINGS)
    # Nothing but the group is known of it: it stands nearer to its group than to others.
    likeness = found.items[1:] @ found.items[5]
    own = group_of(np.arange(1, ITEMS + 1)) == group_of(5)
    own[4] = False
    assert likeness[own].mean() > likeness[~own].mean()


def test_hardly_any_time_still_gives_a_network(world):
    found = fit(world, SETTINGS, replace(OPTIONS, seconds=1e-3))
    assert found.report.stopped_by == "seconds"
    assert np.isfinite(found.items).all()
