"""The labeller that is tuned on reviewed grades: what it learns, from whom, and how it is kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recs.ml.artifacts import ArtifactError
from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import FitConfig
from recs.ml.match import tuned_files
from recs.ml.match.read_pairs import ReadPairs, best_bound
from recs.ml.match.tuned import TunedConfig, drawn_groups, score_pairs, tune, untuned
from recs.ml.match.tuned_files import load_tuned, save_tuned
from recs.ml.relevance.measures import auc
from recs.ml.relevance.token_states import encode_tokens
from recs.ml.text_encoder import packaged_model_dir

NOUNS = ("chair", "lamp", "tent", "kettle", "violin", "bicycle", "camera", "hammer", "jacket",
         "clock", "mirror", "helmet", "pillow", "kite", "vase", "candle", "piano", "wallet",
         "drill", "boat", "printer", "phone", "guitar", "drum")  # fmt: skip
PLAIN = ("red {}", "{} for adults", "a {} of steel", "small {}")
BESIDE = ("cover for a {}", "spare part for {}", "repair kit for {}", "bag for a {}")
FAST = TunedConfig(
    frozen=5, tokens=24, least=8, least_groups=4, dropout=0.0,
    fit=FitConfig(
        epochs=8, learning_rate=5e-4, batch_size=16, warmup_steps=4, clip_norm=1.0, patience=3,
        precision="fp32", rate_factors=(("head", 20.0), ("nearness", 100.0)),
    ),
)  # fmt: skip


def pairs(nouns=NOUNS, first=0, nearness=None):
    """What goes with the thing is bad, and the nearness of the two tells nothing of it."""
    rows = [(n, noun, text.format(noun), bad) for n, noun in enumerate(nouns, start=first)
            for bad, texts in ((False, PLAIN), (True, BESIDE)) for text in texts]  # fmt: skip
    random = np.random.default_rng(first)
    near = random.uniform(0.3, 0.8, len(rows)) if nearness is None else np.full(len(rows), nearness)
    return ReadPairs(
        asked=[noun for _, noun, _, _ in rows], offered=[text for *_, text, _ in rows],
        nearness=near.astype(np.float32), groups=np.array([row[0] for row in rows]),
        bad=np.array([row[-1] for row in rows]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder():
    return packaged_model_dir()


@pytest.fixture(scope="module")
def taught():
    return pairs(NOUNS[:16])


@pytest.fixture(scope="module")
def tuned(taught, folder):
    return tune(taught, folder, FAST)


def test_it_learns_what_nearness_does_not_tell_of_things_it_never_saw(tuned, taught, folder):
    others = pairs(NOUNS[16:], first=100)
    before = auc(score_pairs(untuned(taught, folder, FAST), others, folder), others.bad)
    scores = score_pairs(tuned, others, folder)
    assert auc(scores, others.bad) > 0.9 > before
    assert ((scores > tuned.bound) == others.bad).mean() > 0.8
    assert tuned.taught == len(taught)
    assert tuned.report.best_score > 0.9


def test_before_it_is_tuned_nearness_decides_alone(taught, folder):
    plain = untuned(taught, folder, FAST)
    scores = score_pairs(plain, taught, folder)
    assert scores == pytest.approx(4 - 10 * taught.nearness.astype(np.float64), abs=1e-5)


def test_the_same_seed_gives_the_same_labeller(taught, folder):
    config = replace(FAST, fit=replace(FAST.fit, epochs=1))
    few = taught.take(np.arange(64))
    first, second = (tune(few, folder, config) for _ in range(2))
    assert first.bound == second.bound
    assert score_pairs(first, few, folder).tolist() == score_pairs(second, few, folder).tolist()
    other = tune(few, folder, replace(config, fit=replace(config.fit, seed=1)))
    assert score_pairs(other, few, folder).tolist() != score_pairs(first, few, folder).tolist()


def test_a_pair_has_the_same_score_alone_and_among_others(tuned, taught, folder):
    together = score_pairs(tuned, taught, folder)
    alone = score_pairs(tuned, taught.take(np.array([5])), folder)
    assert alone[0] == pytest.approx(together[5], abs=1e-4)


def test_both_texts_are_read_and_the_longer_one_is_cut(folder):
    short, long = "lamp", "a lamp " * 200
    states = encode_tokens(folder, [(short, long), (short, short)], blocks=1, longest=24)
    assert states.lengths.tolist() == [24, 5]


def test_it_is_kept_and_read_again_and_a_changed_one_is_refused(
    tuned, taught, folder, tmp_path, monkeypatch
):
    place = tmp_path / "tuned"
    save_tuned(place, tuned, folder, {"apart from": "a set"})
    again = load_tuned(place, folder)
    assert again.bound == tuned.bound
    assert again.taught == len(taught)
    assert again.config == tuned.config
    few = taught.take(np.arange(8))
    assert score_pairs(again, few, folder).tolist() == score_pairs(tuned, few, folder).tolist()
    assert not list(place.glob("*.p*kl"))
    with pytest.raises(ArtifactError, match="exists"):
        save_tuned(place, tuned, folder, {})
    with monkeypatch.context() as changed:
        changed.setattr(tuned_files, "encoder_revision", lambda _: "other weights")
        with pytest.raises(ArtifactError, match="other weights"):
            load_tuned(place, folder)
    (place / "config.json").write_text("{}")
    with pytest.raises(ArtifactError):
        load_tuned(place, folder)


def test_too_little_is_refused(folder):
    with pytest.raises(NothingToLearn, match="2 queries or people"):
        tune(pairs(NOUNS[:2]), folder, FAST)
    good = pairs(NOUNS[:8])
    good = replace(good, bad=np.zeros(len(good), bool))
    with pytest.raises(NothingToLearn, match="0 bad"):
        tune(good, folder, FAST)


def test_every_weight_that_is_tuned_is_reached_by_the_loss(folder):
    net = untuned(pairs(NOUNS[:4]), folder, FAST).net.train()
    torch.nn.init.ones_(net.head.weight)
    told = net(torch.randn(2, 4, 384), torch.ones(2, 4, dtype=torch.bool), torch.tensor([0.1, 0.9]))
    told.square().sum().backward()
    silent = [
        name for name, weight in net.named_parameters()
        # A shift of the keys changes no attention.
        if "in_proj_bias" not in name and not weight.grad.abs().sum() > 0
    ]  # fmt: skip
    assert silent == []


def test_whole_queries_are_drawn():
    groups = np.repeat(np.arange(10), 7)
    rows = drawn_groups(groups, 30, 0)
    assert len(rows) == 28
    assert set(np.bincount(groups[rows], minlength=10)) == {0, 7}
    assert drawn_groups(groups, 30, 1).tolist() != rows.tolist()
    assert len(drawn_groups(groups, 1_000, 0)) == 70


def test_the_bound_is_the_one_of_the_best_f1():
    random = np.random.default_rng(0)
    scores = random.normal(size=200)
    bad = scores + random.normal(size=200) > 1
    bound = best_bound(scores, bad)

    def f1(one):
        called = scores > one
        return 2 * (called & bad).sum() / (called.sum() + bad.sum())

    assert f1(bound) >= max(f1(one) for one in np.quantile(scores, np.linspace(0.3, 0.99, 24)))
