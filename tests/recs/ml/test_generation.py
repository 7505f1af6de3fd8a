from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.batches import BatchConfig, next_item_batches
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig
from recs.ml.generation import (
    NOT_FOUND,
    GenerationConfig,
    GenerationScorer,
    Generator,
    generation_loss,
    item_codes,
    train_generation,
    with_collisions,
)
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.seeding import seed_everything
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.sequence_data import RunOptions, SequenceData, TrainOptions
from recs.ml.transformer import TransformerConfig
from tests.recs.ml.worlds import GROUPS, ITEMS, SIZE, group_of, groups_in_turn

CPU = RunOptions(device="cpu")
SMALL = GenerationConfig(
    body=TransformerConfig(embedding_size=32, layers=1, heads=1, dropout=0.1),
    codes=SemanticIdConfig(levels=2, codes=6),
    beam=20,
    fit=FitConfig(epochs=12, batch_size=32, learning_rate=0.01, warmup_steps=0),
)
CODES = with_collisions(np.array([[0, 1], [1, 0], [0, 1], [-1, -1], [1, 1]]), (2, 2))


def small_net(codes=CODES):
    seed_everything(0)
    return Generator(SMALL, codes)


def test_items_of_the_same_codes_are_told_apart_and_unknown_ones_have_none():
    assert CODES.sizes == (2, 2, 2)
    none = [-1, -1, -1]
    assert CODES.paths.tolist() == [none, [0, 1, 0], [1, 0, 0], [0, 1, 1], none, [1, 1, 0]]


def test_codes_of_an_item_do_not_depend_on_items_that_were_not_there():
    content = groups_in_turn().content
    config = SemanticIdConfig(levels=2, codes=4)
    available = np.ones(ITEMS + 1, bool)
    available[-3:] = False
    before = item_codes(content, config, seed=1, available=available)
    changed = content.vectors["text"].copy()
    changed[-3:] = changed[-3:][::-1] * 3
    other = replace(content, vectors={"text": changed})
    after = item_codes(other, config, seed=1, available=available)
    np.testing.assert_array_equal(before.paths[:-3, :-1], after.paths[:-3, :-1])
    assert (before.paths[-3:] >= 0).all()


def test_the_loss_equals_the_sum_over_codes_one_by_one():
    net = small_net().eval()
    histories = Histories.of_lists([[1, 5, 2, 3], [2, 4], [3, 1]])
    (batch,) = next_item_batches(histories, BatchConfig(), epoch=0)
    with torch.no_grad():
        states, total, count = net(batch), 0.0, 0
        for row in range(len(batch)):
            for place, target in enumerate(batch.targets[row].tolist()):
                path = CODES.paths[target]
                if not target or path[0] < 0:
                    continue
                count += 1
                state = states[row, place]
                for level, code in enumerate(path.tolist()):
                    total -= float(net.log_probabilities(level, state)[code])
                    state = net.next_states(level, state[None], torch.tensor([code]))[0]
        assert count == 4
        assert float(generation_loss(net, batch)) == pytest.approx(total / count, rel=1e-5)


def test_an_item_without_events_is_read_by_its_codes_alone_and_by_nothing_without_them():
    net = small_net().eval()
    torch.nn.init.normal_(net.ids.weight)
    bare = Generator(replace(SMALL, use_ids=False), CODES).eval()
    bare.load_state_dict({k: v for k, v in net.state_dict().items() if not k.startswith("ids")})
    items = torch.arange(6)
    difference = net.read(items) - bare.read(items)
    assert not difference[0].any()
    assert difference[1:].any(dim=1).all()
    assert not bare.read(items)[4].any()
    more = with_collisions(np.concatenate([CODES.paths[1:, :-1], [[1, 1]]]), (2, 2))
    net.use(more)
    bare.use(more)
    torch.testing.assert_close(net.read(torch.tensor([6])), bare.read(torch.tensor([6])))


def test_a_batch_whose_targets_have_no_codes_has_no_loss():
    (batch,) = next_item_batches(Histories.of_lists([[1, 4]]), BatchConfig(), epoch=0)
    assert generation_loss(small_net(), batch).item() == 0.0


def test_every_weight_learns_from_a_batch():
    net = small_net()
    histories = Histories.of_lists([[1, 5, 2, 3, 1, 2], [2, 3, 5, 1]])
    (batch,) = next_item_batches(histories, BatchConfig(), epoch=0)
    generation_loss(net, batch).backward()
    silent = [
        name
        for name, weight in net.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    assert silent == []


def test_what_was_found_scores_its_log_probability_and_the_rest_nothing():
    net = small_net()
    scorer = GenerationScorer.of(net, CODES, beam=3)
    histories = Histories.of_lists([[1, 5], [], [4]])
    items, logs = scorer.generate(histories, np.arange(3))
    scores = scorer.score(histories, np.arange(3))
    assert np.isneginf(scores[:, 0]).all()
    for person in range(3):
        assert len(set(items[person])) == 3
        assert scores[person, items[person]].tolist() == logs[person].tolist()
        rest = sorted(set(range(1, 6)) - set(items[person].tolist()))
        assert (scores[person, rest] == NOT_FOUND).all()
        assert 4 not in items[person]


def test_all_items_together_have_the_probability_of_the_valid_codes():
    scorer = GenerationScorer.of(small_net(), CODES, beam=8)
    items, logs = scorer.generate(Histories.of_lists([[1]]), np.array([0]))
    assert sorted(items[0][items[0] > 0].tolist()) == [1, 2, 3, 5]
    assert 0.2 < np.exp(logs[0][items[0] > 0]).sum() < 1.0


def test_a_batch_equals_one_by_one():
    scorer = GenerationScorer.of(small_net(), CODES)
    histories = Histories.of_lists([[1, 5, 3, 3, 2], [2], [], [4, 4]])
    items, logs = scorer.generate(histories, np.arange(4))
    for person in range(4):
        alone, its_logs = scorer.generate(histories, np.array([person]))
        np.testing.assert_array_equal(alone[0], items[person])
        np.testing.assert_allclose(its_logs[0], logs[person], rtol=1e-4)


def trained(data, seed=0):
    return train_generation(data, SMALL, TrainOptions(seed=seed, run=CPU))


def test_it_learns_and_generates_an_item_that_nobody_has_seen():
    data = groups_in_turn(people=150)
    cold = SIZE  # the last of the first group: taken out of all histories
    histories = data.histories.only(data.histories.items != cold)
    targets = np.where(data.targets == cold, 0, data.targets)
    scorer = trained(replace(data, histories=histories, targets=targets))
    assert data.sample(500, seed=0).ndcg(scorer) > 0.4
    before_it = Histories.of_lists([[1 + SIZE * (GROUPS - 2), 1 + SIZE * (GROUPS - 1)]])
    items, _ = scorer.generate(before_it, np.array([0]))
    assert group_of(items[0, 0]) == 0
    assert cold in items[0, : 2 * SIZE]


def test_an_item_that_came_after_training_can_be_read_and_generated():
    data = groups_in_turn(people=60)
    scorer = trained(data)
    net = scorer.net
    old = item_codes(data.content, SMALL.codes, seed=0)
    more = with_collisions(
        np.concatenate([old.paths[1:, :-1], old.paths[1:2, :-1]]), old.sizes[:-1]
    )
    later = GenerationScorer.of(net, more, beam=ITEMS + 1)
    assert later.item_count == ITEMS + 1
    items, _ = later.generate(Histories.of_lists([[ITEMS + 1, 3]]), np.array([0]))
    assert set(items[0].tolist()) == set(range(1, ITEMS + 2))


def test_the_same_seed_gives_the_same():
    data = groups_in_turn(people=40)
    first, second = (trained(data, seed=2) for _ in range(2))
    persons = np.arange(40)
    np.testing.assert_array_equal(
        first.score(data.histories, persons), second.score(data.histories, persons)
    )


def test_without_content_or_events_there_is_nothing_to_learn():
    data = groups_in_turn(people=5)
    empty = np.zeros((ITEMS + 1, 4), np.float32)
    blank = ItemContent(
        item_count=ITEMS, vectors={"text": empty}, attributes=Attributes.none(ITEMS)
    )
    for content in (ItemContent.none(ITEMS), blank):
        with pytest.raises(NothingToLearn):
            trained(replace(data, content=content))
    nobody = SequenceData(
        histories=Histories.of_lists([]), targets=np.zeros(0, np.int64), content=data.content
    )
    with pytest.raises(NothingToLearn):
        trained(nobody)


def test_numbers_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="beam"):
        GenerationConfig(beam=0)
