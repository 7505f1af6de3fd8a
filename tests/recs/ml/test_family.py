from dataclasses import replace

import numpy as np
import pytest

from recs.ml.family import FAMILY, UnknownMember, member, train
from recs.ml.fit_types import FitConfig
from recs.ml.histories import Histories
from recs.ml.item_knn_tuning import TuningOptions
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import rank
from recs.ml.sequence_data import RunOptions, TrainOptions
from tests.recs.ml.worlds import ITEMS, groups_in_turn

QUICK = TrainOptions(seed=1, seconds=20.0, run=RunOptions(device="cpu"))
FAST_FIT = FitConfig(epochs=6, batch_size=64, learning_rate=0.01, warmup_steps=0)
CHANGES = {
    "item-knn": {"rounds": 1},
    "item2vec": {"fit": FAST_FIT},
    "gru4rec": {"fit": FAST_FIT, "dropout": 0.0, "embedding_size": 24},
    "generation": {"fit": FAST_FIT},
}
MEMBERS = [name for name in FAMILY if name in CHANGES or name in ("popularity", "text-neighbours")]


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_gives_full_rankings_without_what_was_seen(name):
    data = groups_in_turn(people=80)
    scorer = train(name, data, QUICK, **CHANGES.get(name, {}))
    assert scorer.item_count == ITEMS
    scores = scorer.score(data.histories, np.arange(4))
    assert scores.shape == (4, ITEMS + 1)
    assert scores.dtype == np.float32
    assert np.isneginf(scores[:, 0]).all()
    assert np.isfinite(scores[:, 1:]).all()
    rankings = rank(scorer, data.histories, 10)
    for history, ranking in zip(data.histories, rankings.tolist(), strict=True):
        assert 0 not in ranking
        assert len(set(ranking)) == 10
        assert not set(ranking) & set(history.tolist())


@pytest.mark.parametrize("name", ["item-knn", "gru4rec", "generation"])
def test_what_reads_the_order_beats_popularity_where_the_order_says_it(name):
    data = groups_in_turn(people=200)
    sample = data.sample(1000, seed=0)
    scorer = train(name, data, QUICK, **CHANGES[name])
    popularity = PopularityScorer.of(data.histories, ITEMS)
    assert sample.ndcg(scorer) > 1.5 * sample.ndcg(popularity)


@pytest.mark.parametrize("name", list(FAMILY))
def test_every_member_says_where_it_comes_from_and_what_differs(name):
    found = member(name)
    assert all(len(text) > 4 for text in (found.source, found.published, found.differs))


def test_another_name_and_another_field_are_refused():
    data = groups_in_turn(people=5)
    with pytest.raises(UnknownMember, match=r"'bert' is none of .*item-knn"):
        train("bert", data)
    with pytest.raises(TypeError):
        train("item-knn", data, QUICK, epochs=3)


def test_the_seconds_reach_the_search_of_item_knn():
    data = groups_in_turn(people=60)
    start = train("item-knn", data, TrainOptions(seconds=0.0))
    assert start.config == TuningOptions().start


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_fitted_again_learns_from_what_it_was_validated_on(name):
    data = groups_in_turn(people=80)
    found = member(name)
    config = replace(found.config, **CHANGES.get(name, {}))
    chosen = found.train(data, config, QUICK)
    lists = [
        [*history, target] for history, target in zip(data.histories, data.targets, strict=True)
    ]
    everything = replace(
        data, histories=Histories.of_lists(lists), targets=np.zeros_like(data.targets)
    )
    again = found.refit(chosen, everything, config, QUICK)
    persons = np.arange(80)
    before, after = (scorer.score(everything.histories, persons) for scorer in (chosen, again))
    assert after.shape == before.shape
    assert (before == after).all() == (name == "text-neighbours")


@pytest.mark.parametrize("name", ["item2vec", "gru4rec", "generation"])
def test_a_network_fitted_again_trains_for_as_long_as_validation_had_found_best(name):
    data = groups_in_turn(people=60)
    found, lengths = member(name), []
    config = replace(found.config, **CHANGES[name])
    chosen = replace(found.train(data, config, QUICK), epochs=3)
    heard = RunOptions(device="cpu", progress=lambda progress: lengths.append(progress.epochs))
    nobody = replace(data, targets=np.zeros_like(data.targets))
    again = found.refit(chosen, nobody, config, TrainOptions(run=heard))
    assert set(lengths) == {3}
    assert again.epochs is None
