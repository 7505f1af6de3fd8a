import dataclasses

import numpy as np
import pytest
import torch

from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.m3csr import M3csrNet, m3csr_loss
from recs.ml.m3csr_batches import PairBatches, Sides
from recs.ml.m3csr_config import ContentTables, M3csrConfig
from recs.ml.m3csr_fit import DecayingFitConfig, fit_m3csr, hold_out_last, validation_ndcg
from recs.ml.m3csr_fitted import content_tables
from recs.ml.m3csr_graph import EventGraph, FutureCounts
from recs.ml.m3csr_layers import decoupling
from recs.ml.m3csr_member import train_m3csr
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import VectorScorer, target_ranks
from recs.ml.semantic_ids import fit_flat
from recs.ml.sequence_data import SequenceData, TrainOptions
from tests.recs.ml.m3csr_world import CPU, ITEMS, planted_world, small_config

COLD = 40


@pytest.fixture(scope="module")
def world():
    return planted_world(cold=COLD)


@pytest.fixture(scope="module")
def fitted(world):
    config = small_config(epochs=25, hidden_share=0.5)
    return fit_m3csr(world.histories, world.content, config, CPU)


def untrained(world, **settings):
    """A network, what makes its sides, and one batch."""
    config = small_config(**settings).net
    flat = fit_flat(world.content.vectors, k=24, seed=0)
    tables = content_tables(world.content.vectors, flat, ("image", "text"))
    net = M3csrNet(config, tables, len(world.histories))
    sides = Sides(EventGraph(world.histories, ITEMS), config)
    return net, sides, next(iter(PairBatches(sides, world.histories, 256, (0, 0))))


def test_gradients_reach_tables_and_mapping_and_never_encoder_outputs(world):
    net, _, batch = untrained(world)
    m3csr_loss(net, batch).backward()
    for name in ("image", "text"):
        assert net.modal.tables[name].weight.grad.abs().sum() > 0
        assert net.modal.dense[name].weight.grad.abs().sum() > 0
        assert net.content[name].weight.grad is None
        assert not net.content[name].weight.requires_grad
    untouched = [n for n, p in net.named_parameters() if p.requires_grad and p.grad is None]
    assert untouched == []


def test_content_that_is_trainable_gets_gradients(world):
    net, _, batch = untrained(world, content_trainable=True)
    m3csr_loss(net, batch).backward()
    assert net.content["text"].weight.grad.abs().sum() > 0


def test_one_modal_encoder_serves_candidates_and_histories(world):
    net, _, batch = untrained(world)
    seen = []
    net.modal.dense["text"].register_forward_hook(lambda layer, given, out: seen.append(layer))
    net.encode_people(batch.people)
    of_history = list(seen)
    seen.clear()
    net.encode_items(batch.taken)
    assert {id(layer) for layer in of_history} == {id(layer) for layer in seen} != set()
    names = [name for name, _ in net.named_parameters() if ".text." in name]
    assert sorted(n for n in names if "dense" in n or "tables" in n) == [
        "modal.dense.text.weight",
        "modal.tables.text.weight",
    ]


def test_no_gradient_goes_through_the_query(world):
    net, _, batch = untrained(world, people="id")
    parts = net.people_parts(batch.people)
    parts.interests.square().sum().backward(retain_graph=True)
    parts.intensities.sum().backward()
    assert net.people.weight.grad is None or net.people.weight.grad.abs().sum() == 0


def test_decoupling_equals_the_slow_form():
    a, b, c = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0))
    slow = sum(((x @ y.T) ** 2).sum() for x, y in ((a, b), (a, c), (b, c))) / 7**2
    assert torch.allclose(decoupling([a, b, c]), slow, rtol=1e-5)
    assert decoupling([a]) == 0


def test_lists_are_drawn_anew_at_each_step_and_alike_for_the_same_seed(world):
    _, sides, _ = untrained(world)
    first, again = (list(PairBatches(sides, world.histories, 256, (0, 3))) for _ in range(2))
    other = next(iter(PairBatches(sides, world.histories, 256, (0, 4))))
    assert all(
        torch.equal(a.people.history, b.people.history) for a, b in zip(first, again, strict=True)
    )
    assert sum(len(batch) for batch in first) == len(world.histories.items)
    assert not torch.equal(first[0].people.history, other.people.history)


def test_what_an_example_is_made_of_lies_before_it(world):
    _, sides, _ = untrained(world)
    histories, places = world.histories, np.arange(0, 2400, 7)
    batch = sides.pairs(histories, places, np.random.default_rng(0))
    later = np.flatnonzero(histories.days >= 50.0)
    changed = dataclasses.replace(histories, items=histories.items.copy())
    changed.items[later] = np.random.default_rng(1).permutation(changed.items[later])
    early = histories.days[places] < 50.0
    twin = Sides(EventGraph(changed, ITEMS), sides.config)
    other = twin.pairs(changed, places, np.random.default_rng(0))
    for mine, its in ((batch.people, other.people), (batch.taken, other.taken)):
        for field in dataclasses.fields(mine):
            a, b = getattr(mine, field.name)[early], getattr(its, field.name)[early]
            assert torch.equal(a, b), field.name


def test_the_person_asked_about_is_not_among_the_neighbours(world):
    _, sides, _ = untrained(world)
    places = np.arange(len(world.histories.items))
    batch = sides.pairs(world.histories, places, np.random.default_rng(0))
    own = torch.from_numpy(world.histories.owners + 1)[:, None]
    assert not (batch.people.near_people == own).any()
    assert not (batch.taken.near_people == own).any()


def test_what_the_person_took_is_no_negative(world):
    _, sides, _ = untrained(world)
    batch = sides.pairs(world.histories, np.arange(500), np.random.default_rng(0))
    wrong = sides.graph.took(world.histories.owners[:500], batch.other.items.numpy())
    assert wrong.mean() < 0.01
    assert int(batch.other.items.max()) <= ITEMS - COLD


def test_counts_newer_than_the_scores_raise(fitted):
    with pytest.raises(FutureCounts):
        fitted.encode_items(50.0, fitted.graph.known_counts(60.0))
    assert fitted.encode_items(50.0, fitted.graph.known_counts(50.0)).shape == (ITEMS + 1, 48)


def test_an_item_nobody_took_leans_on_content_alone(fitted):
    vectors = fitted.encode_items()
    assert not vectors[-COLD:, :16].any()
    assert (np.linalg.norm(vectors[-COLD:, 16:], axis=1) > 0).all()
    # Before the first event nobody had taken anything.
    assert not fitted.encode_items(-1.0)[:, :16].any()


def test_the_score_is_the_product_of_exported_vectors(world, fitted):
    side = Sides(fitted.graph, fitted.net.config)
    batch = side.pairs(world.histories, np.arange(300), np.random.default_rng(0))
    fitted.net.eval()
    with torch.inference_mode():
        taken, _, _ = fitted.net(batch)
        people, items = fitted.net.encode_people(batch.people), fitted.net.encode_items(batch.taken)
    product = (people.numpy() * items.numpy()).sum(axis=1)
    assert np.abs(product - taken.numpy()).max() < 1e-5
    scorer = fitted.scorer(world.histories)
    exported = fitted.encode_users(world.histories)[:7] @ fitted.encode_items().T
    assert np.abs(scorer.score(world.histories, np.arange(7))[:, 1:] - exported[:, 1:]).max() < 1e-5


def test_people_unseen_in_training_are_encoded_one_by_one_as_together(world, fitted):
    strangers = Histories.of_lists([[1, 2, 3], [5], []], ["x", "y", "z"])
    together = fitted.encode_users(strangers)
    alone = [fitted.encode_users(strangers.select([row]))[0] for row in range(3)]
    assert np.allclose(together, alone, atol=1e-6)
    assert np.isfinite(together).all()
    assert not together[2, 16:].any()  # nothing known, no interests


def test_items_that_came_after_training_are_encoded_as_cold_ones_of_the_vocabulary(world, fitted):
    vectors = {name: table[-COLD:] for name, table in world.content.vectors.items()}
    assert np.allclose(fitted.encode_new(vectors), fitted.encode_items()[-COLD:], atol=1e-6)


def test_an_item_without_a_modality_is_encoded(world, fitted):
    vectors = {name: table[-3:].copy() for name, table in world.content.vectors.items()}
    vectors["image"][:] = 0
    found = fitted.encode_new(vectors)
    assert np.isfinite(found).all()
    assert not found[:, 16:32].any()
    assert found[:, 32:].any()


def test_items_without_interactions_are_retrieved(world, fitted):
    """People of a topic get cold items of their topic before other cold items."""
    scores = fitted.scorer(world.histories).score(world.histories, np.arange(len(world.histories)))
    cold = np.arange(ITEMS - COLD + 1, ITEMS + 1)
    best = cold[scores[:, cold].argmax(axis=1)]
    first = world.histories.items[world.histories.offsets[:-1]]
    hits = [
        world.topics[name][best[people] - 1] == world.topics[name][first[people] - 1]
        for name, people in (("text", world.follows_text), ("image", ~world.follows_text))
    ]
    assert np.concatenate(hits).mean() > 0.5  # chance is 1 in 6


def test_the_network_learns_more_than_popularity(world, fitted):
    kept, asked = hold_out_last(world.histories)
    counts = kept.counts(ITEMS).astype(np.float32)
    plain = VectorScorer(np.ones((len(asked.histories), 1), np.float32), counts[:, None])
    popular = target_ranks(plain, asked.histories, asked.targets)
    learned = target_ranks(fitted.scorer(asked.histories), asked.histories, asked.targets)
    assert (learned < 40).mean() > (popular < 40).mean() + 0.3


def test_intensity_follows_the_modality_that_predicts(world, fitted):
    side = Sides(fitted.graph, fitted.net.config).serving_people(world.histories, np.inf)
    with torch.inference_mode():
        parts = fitted.net.people_parts(side)
    weights = parts.intensities.mean(dim=2).numpy()  # (U, 2) image, text
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    text = weights[:, 1]
    assert text[world.follows_text].mean() > text[~world.follows_text].mean() + 0.04


def test_decoupling_keeps_interests_apart(world):
    cosines = {}
    for alpha in (0.0, 1.0):
        fitted = fit_m3csr(world.histories, world.content, small_config(epochs=4, alpha=alpha), CPU)
        side = Sides(fitted.graph, fitted.net.config).serving_people(world.histories, np.inf)
        with torch.inference_mode():
            one, other = fitted.net.people_parts(side).interests.unbind(dim=1)
        cosines[alpha] = float((one * other).sum(dim=1).abs().mean())
    assert cosines[1.0] < cosines[0.0]


@pytest.mark.parametrize(
    "change",
    [
        {"use_tables": False},
        {"use_dense": False},
        {"use_gate": False},
        {"people": "id"},
        {"alpha": 0.0},
    ],
)
def test_every_ablation_trains_and_scores(world, change):
    fitted = fit_m3csr(world.histories, world.content, small_config(epochs=1, **change), CPU)
    _, asked = hold_out_last(world.histories)
    assert 0.0 <= validation_ndcg(fitted, asked) <= 1.0
    assert len(fitted.report.curve) == 1


def test_what_is_left_out_changes_nothing(world):
    net, _, batch = untrained(world, use_tables=False)
    before = net.encode_items(batch.taken)
    for table in net.modal.tables.values():
        torch.nn.init.normal_(table.weight)
    assert torch.equal(before, net.encode_items(batch.taken))


def test_without_a_gate_both_paths_weigh_the_same(world):
    net, _, _ = untrained(world, use_gate=False)
    assert (net.gates() == 0.5).all()


def test_same_seed_same_vectors(world):
    one, other = (
        fit_m3csr(world.histories, world.content, small_config(epochs=1), CPU) for _ in range(2)
    )
    assert np.array_equal(one.encode_items(), other.encode_items())


def test_clusters_can_be_given_in_place_of_the_fitted(world):
    clusters = np.random.default_rng(0).integers(1, 25, ITEMS + 1)
    clusters[0] = 0
    fitted = fit_m3csr(
        world.histories, world.content, small_config(epochs=1), CPU, clusters=clusters
    )
    assert np.array_equal(fitted.net.clusters.numpy(), clusters)


def test_events_without_times_are_enough():
    world = planted_world()
    undated = dataclasses.replace(world.histories, days=np.full(len(world.histories.items), np.nan))
    fitted = fit_m3csr(undated, world.content, small_config(epochs=1), CPU)
    assert np.isfinite(fitted.encode_items()).all()
    sides = Sides(fitted.graph, fitted.net.config)
    kept, _ = hold_out_last(undated)
    batch = sides.pairs(kept, np.arange(200), np.random.default_rng(0))
    own = torch.from_numpy(kept.owners[:200] + 1)[:, None]
    assert not (batch.taken.near_people == own).any()


def test_the_rate_falls_as_published():
    config = DecayingFitConfig(learning_rate=1.0)
    assert config.rate_of_epoch(0) == 1.0
    assert config.rate_of_epoch(50) == pytest.approx(0.96)
    assert config.rate_of_epoch(25) == pytest.approx(0.96**0.5)


@pytest.mark.parametrize("lists", [[], [[]], [[1]], [[1], [2]]])
def test_too_little_to_learn_from_is_said_by_name(lists, world):
    with pytest.raises(NothingToLearn):
        fit_m3csr(Histories.of_lists(lists), world.content, small_config(), CPU)


def test_content_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="content"):
        fit_m3csr(
            Histories.of_lists([[1, 2, 3], [2, 3, 1]]), ItemContent.none(3), small_config(), CPU
        )


@pytest.mark.parametrize(
    "wrong",
    [{"embedding_size": 10}, {"people": "name"}, {"use_tables": False, "use_dense": False}],
)
def test_settings_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match=r"multiple|people|content"):
        M3csrConfig(**wrong)


def test_tables_hold_a_cluster_for_every_item_that_has_content(world):
    flat = fit_flat(world.content.vectors, k=24, seed=0)
    tables = content_tables(world.content.vectors, flat, ("image", "text"))
    assert isinstance(tables, ContentTables)
    assert int(tables.clusters[0]) == 0
    assert int(tables.clusters[1:].min()) >= 1
    assert int(tables.clusters.max()) <= tables.cluster_count == 24


def test_as_a_member_of_the_family_it_ranks_better_than_popularity(world):
    kept, asked = hold_out_last(world.histories)
    data = SequenceData(histories=kept, targets=asked.targets, content=world.content)
    config = small_config(epochs=10)
    options = TrainOptions(run=CPU, most_validation_people=100)
    scorer = train_m3csr(data, config, options)
    popular = PopularityScorer.of(kept, ITEMS)
    sample = data.sample(1000, 0)
    assert sample.ndcg(scorer) > 2 * sample.ndcg(popular)
    vectors = scorer.fitted.scorer(kept)
    rows = np.arange(5)
    assert np.abs(scorer.score(kept, rows)[:, 1:] - vectors.score(kept, rows)[:, 1:]).max() < 1e-5


def test_clusters_are_made_of_items_from_before_the_split_alone(world):
    other = {name: table.copy() for name, table in world.content.vectors.items()}
    for table in other.values():
        table[-COLD:] = np.random.default_rng(5).normal(size=(COLD, table.shape[1]))
    changed = dataclasses.replace(world.content, vectors=other)
    one, two = (
        fit_m3csr(world.histories, content, small_config(epochs=1), CPU).flat
        for content in (world.content, changed)
    )
    assert np.array_equal(one.levels[0], two.levels[0])
    before = one.assign(world.content.vectors)[: ITEMS + 1 - COLD]
    assert np.array_equal(before, two.assign(other)[: ITEMS + 1 - COLD])
