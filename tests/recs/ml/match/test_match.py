"""The parts of the match filter without a database."""

import itertools

import numpy as np
import pytest
from scipy.stats import beta

from recs.ml.errors import NothingToLearn
from recs.ml.match import fit_features, relevance_features
from recs.ml.match.fit_features import Taste
from recs.ml.match.fitting import (
    LINE,
    TREES,
    MatchConfig,
    MatchRows,
    Schema,
    _fit,
    _grown,
    calibrated,
    fit_scorer,
)
from recs.ml.match.measures import (
    Judged,
    auc_interval,
    auc_within,
    kappa,
    point_at,
    reliability,
    sweep,
    thresholds_of,
    upper_bound,
)
from recs.ml.match.relevance_features import NAMES, Asked
from recs.ml.match.scorer import MatchScorer, scorer_of
from recs.ml.match.splits import LEARN, NOT_USED, TEST, TUNE, split
from recs.ml.match.texts import ItemText, Rarity, fast_stems, learn_rarity
from recs.ml.relevance.words import stems

ITEMS = [
    ItemText(title="Red wooden chair", description="A chair.", categories="Furniture\nChairs"),
    ItemText(title="Cushion for chair", description="Soft.", creators="Maker"),
    ItemText(title="Lamp", facts="red\nsteel", people=9),
]
RARITY = learn_rarity(ITEMS)


def rows_of(count=900, seed=0, groups=60):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 3)).astype(np.float32)
    odds = 2.0 * features[:, 0] * (features[:, 1] > 0) - features[:, 2]
    bad = rng.random(count) < 1 / (1 + np.exp(-odds))
    return MatchRows(
        features=features, bad=bad, groups=np.arange(count) % groups, weights=np.ones(count)
    )


SCHEMA = Schema(names=("a", "b", "c"))


@pytest.mark.parametrize(
    "text", ["Red's 15pounds of Boxes", "Zazie dans le Métro", "", "16GB usb-c, 2 pack", "x" * 300]
)
def test_the_fast_way_gives_the_same_words(text):
    assert fast_stems(text) == stems(text)


def test_a_rare_word_weighs_more():
    rarity = Rarity(items=100, held_by={"chair": 90, "violin": 1})
    weights = rarity.weighed(["the", "violin", "chair", "unheard"])
    assert "the" not in weights
    assert weights["unheard"] > weights["violin"] > weights["chair"] > 0


def value(read, name, row=0):
    return read[row, NAMES.index(name)]


def test_features_of_words_are_what_they_say():
    read = relevance_features.relevance_features(
        Asked(text="red chairs"), ITEMS, np.zeros((3, 4), np.float32), RARITY
    )
    assert value(read, "title coverage") == pytest.approx(1)
    assert value(read, "title coverage", 1) < 1
    assert value(read, "last word named") == 1
    # "Cushion for chair" is a cushion; a part of one word goes on to the next turn.
    assert value(read, "fact coverage", 2) > 0
    assert value(read, "text coverage", 2) == pytest.approx(value(read, "fact coverage", 2))
    assert value(read, "category coverage") > 0
    assert value(read, "people", 2) == pytest.approx(np.log1p(9))


def test_features_of_meaning_leave_the_item_itself_out_of_its_agreement():
    vectors = np.eye(3, 4, dtype=np.float32)
    asked = Asked(text="x", vector=vectors[0], near=vectors[:2])
    read = relevance_features.relevance_features(asked, ITEMS, vectors, RARITY)
    assert value(read, "cosine") == 1
    assert value(read, "agreement") == 0
    assert value(read, "share of nearest", 1) == 0


def test_an_item_has_the_same_features_alone_and_among_others():
    vectors = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    asked = Asked(text="red chair", vector=vectors[1], near=vectors)
    together = relevance_features.relevance_features(asked, ITEMS, vectors, RARITY)
    for place in range(3):
        alone = relevance_features.relevance_features(
            asked, ITEMS[place : place + 1], vectors[place : place + 1], RARITY
        )
        assert alone[0] == pytest.approx(together[place], abs=1e-6)


def test_no_items_and_no_words_are_no_trouble():
    nothing = relevance_features.relevance_features(
        Asked(text=""), [], np.zeros((0, 4), np.float32), RARITY
    )
    assert nothing.shape == (0, len(NAMES))
    read = relevance_features.relevance_features(
        Asked(text=""), ITEMS, np.zeros((3, 4), np.float32), Rarity()
    )
    assert np.isfinite(read).all()


def test_fit_knows_what_was_wanted_and_what_was_not():
    vectors = np.eye(3, 4, dtype=np.float32)
    taste = Taste(
        wanted=ITEMS[:1], wanted_vectors=vectors[:1], weights=[1.0], unwanted_vectors=vectors[2:]
    )
    read = fit_features.fit_features(taste, ITEMS, vectors)
    names = fit_features.NAMES
    assert read[0, names.index("nearest wanted")] == 1
    assert read[2, names.index("nearest unwanted")] == 1
    assert read[0, names.index("share of category")] == 1
    assert read[1, names.index("share of category")] == 0
    assert np.isfinite(fit_features.fit_features(Taste(), ITEMS, vectors)).all()


def test_trees_in_numpy_say_what_scikit_learn_says():
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, config = rows_of(), MatchConfig()
    model = HistGradientBoostingClassifier(
        max_iter=config.trees, learning_rate=config.learning_rate, max_leaf_nodes=config.leaves,
        min_samples_leaf=config.least_in_leaf, l2_regularization=config.decay, max_features=0.3,
        max_depth=config.most_depth,
        early_stopping=False, random_state=config.seed, monotonic_cst=SCHEMA.directions,
    ).fit(rows.features, rows.bad)  # fmt: skip
    ours = _fit(rows, SCHEMA, config, TREES)
    assert ours.raw(rows.features) == pytest.approx(
        model.decision_function(rows.features), abs=1e-9
    )
    assert 3 <= ours.trees.depth <= 4


def test_a_saved_scorer_answers_the_same_and_a_broken_one_is_refused():
    fitted = fit_scorer(rows_of(), SCHEMA, MatchConfig())
    assert fitted.way == TREES  # what is bad depends on two things together
    tensors = fitted.scorer.tensors("x")
    again = scorer_of(SCHEMA.names, tensors, "x")
    features = rows_of(seed=3).features
    assert again.chances(features) == pytest.approx(fitted.scorer.chances(features))
    with pytest.raises(ValueError, match="other features"):
        scorer_of(("a", "b"), tensors, "x")
    with pytest.raises(ValueError, match="out of itself"):
        scorer_of(SCHEMA.names, {**tensors, "x.tree_left": tensors["x.tree_left"] + 999}, "x")
    broken = {**tensors, "x.tree_feature": tensors["x.tree_feature"] + 9}
    with pytest.raises(ValueError, match="not there"):
        scorer_of(SCHEMA.names, broken, "x")
    with pytest.raises(KeyError):
        scorer_of(SCHEMA.names, tensors, "y")


def test_more_of_what_speaks_for_it_never_makes_it_worse():
    schema = Schema(names=("a", "b", "c"), better=frozenset({"c"}))
    trees, start = _grown(rows_of(), schema, MatchConfig(), np.ones(900))
    line = np.zeros((50, 3), np.float32)
    line[:, 2] = np.linspace(-3, 3, 50)
    assert (np.diff(trees.added(line) + start) <= 1e-12).all()


def test_calibration_makes_the_chances_true():
    taught, held, later = rows_of(seed=1), rows_of(seed=2), rows_of(count=3000, seed=3)
    scorer = _fit(taught, SCHEMA, MatchConfig(), LINE)
    off = MatchScorer(
        names=scorer.names, mean=scorer.mean, scale=scorer.scale, linear=4 * scorer.linear,
        bias=scorer.bias + 2,
    )  # fmt: skip
    true = calibrated(off, held)
    told = reliability(true.chances(later.features), later.bad)
    assert max(abs(row["said"] - row["true"]) for row in told if row["pairs"] > 100) < 0.12
    turned = calibrated(
        MatchScorer(
            names=scorer.names, mean=scorer.mean, scale=scorer.scale, linear=-scorer.linear,
            bias=0.0,
        ),
        held,
    )  # fmt: skip
    assert turned.slope == 0


def test_too_little_teaches_nothing():
    with pytest.raises(NothingToLearn, match="30 of each"):
        fit_scorer(rows_of(count=40), SCHEMA, MatchConfig())


def test_groups_are_on_one_side_and_the_newest_are_the_test():
    groups = np.repeat(np.arange(40), 10)
    items = np.arange(400)
    times = groups.astype(float)
    parts, is_apart = split(groups, items, times)
    assert is_apart
    for one, other in itertools.combinations((LEARN, TUNE, TEST), 2):
        assert not set(groups[parts == one]) & set(groups[parts == other])
    assert times[parts == LEARN].max() < times[parts == TUNE].min()
    assert times[parts == TUNE].max() < times[parts == TEST].min()


def test_an_item_that_is_tested_teaches_nothing_unless_nothing_would_be_left():
    groups = np.repeat(np.arange(40), 10)
    items = np.arange(400)
    items[:20] = 399  # copies of one that is tested
    parts, is_apart = split(groups, items, groups.astype(float))
    assert is_apart
    assert (parts[:20] == NOT_USED).all()
    parts, is_apart = split(groups, np.arange(400) % 10, groups.astype(float))
    assert not is_apart
    assert (parts != NOT_USED).all()


def judged_of(count=400, seed=0):
    rng = np.random.default_rng(seed)
    bad = rng.random(count) < 0.3
    judged = Judged(
        bad=bad, good=~bad, groups=np.arange(count) % 40, weights=np.ones(count, np.float64)
    )
    return judged, np.clip(rng.normal(0.3 + 0.4 * bad, 0.15), 0, 1)


def test_a_point_of_the_sweep_counts_what_goes():
    judged = Judged(
        bad=np.array([1, 1, 0, 0, 0], bool), good=np.array([0, 0, 1, 1, 0], bool),
        groups=np.array([0, 0, 0, 1, 2]), weights=np.array([1.0, 1.0, 2.0, 1.0, 1.0]),
    )  # fmt: skip
    point = point_at(0.5, np.array([0.9, 0.1, 0.2, 0.8, 0.7]), judged)
    assert point.volume == pytest.approx(3 / 6)
    assert point.bad_removed == pytest.approx(0.5)
    assert point.lost == pytest.approx(1 / 3)
    assert point.emptied == pytest.approx(2 / 3)


def test_of_none_lost_the_bound_is_still_not_nothing():
    assert upper_bound(0.0, np.ones(149)) == pytest.approx(0.0199, abs=2e-4)
    assert upper_bound(0.0, np.ones(20)) > 0.1
    assert upper_bound(0.0, np.zeros(0)) == 1.0
    assert upper_bound(1.0, np.ones(9)) == 1.0
    assert upper_bound(3 / 300, np.ones(300)) == pytest.approx(beta.ppf(0.95, 4, 297))


def test_the_sweep_removes_more_and_more():
    judged, chances = judged_of()
    points = sweep(thresholds_of(chances, judged.weights), chances, judged)
    assert [p.volume for p in points] == sorted(p.volume for p in points)
    assert points[-1].volume == pytest.approx(0.5, abs=0.01)
    assert all(p.lost <= p.lost_high for p in points)
    assert thresholds_of(np.zeros(0), np.zeros(0)) == []


def test_agreement_beyond_chance():
    one = np.array([1, 1, 0, 0], bool)
    assert kappa(one, one) == 1
    assert kappa(one, ~one) == -1
    assert kappa(one, np.array([1, 0, 1, 0], bool)) == 0
    # A judge who always says the same agrees with nobody beyond chance.
    assert kappa(one, np.ones(4, bool)) == 0
    assert np.isnan(kappa(np.ones(4, bool), np.ones(4, bool)))


def test_auc_has_an_interval_over_groups():
    judged, chances = judged_of()
    told = auc_interval(chances, judged)
    assert told.low < told.mean < told.high
    assert auc_within(chances, judged) == pytest.approx(told.mean, abs=0.05)
