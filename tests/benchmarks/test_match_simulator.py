"""People who are sent lists: the arms keep their promises, and the truth is seen by nobody."""

from dataclasses import fields, replace

import numpy as np
import pytest

from benchmarks.match_simulator.behaviour import Sums, live, resolved
from benchmarks.match_simulator.comparing import MEASURES, Setting, rises, threshold_at
from benchmarks.match_simulator.config import BAD as BAD_ONES
from benchmarks.match_simulator.config import BY_LOT, Assumptions, unknowns, variants
from benchmarks.match_simulator.lists import (
    BAD,
    GOOD,
    NEUTRAL,
    NOTHING,
    REFILLED,
    SHORTER,
    SPARE,
    UNKNOWN,
    Plan,
    Pool,
    anywhere,
    at_random,
    filtered,
    unfiltered,
)
from benchmarks.simulator.compare import draw
from recs.history import History
from recs.match_filter import FIT, ON, Filtering, FitFilter, ServedFilter
from recs.ml.match.texts import Rarity
from recs.recommenders.base import Candidate

WAYS = [SHORTER, REFILLED]
ASSUMED = Assumptions(runs=6)


def pool_with(chances=None, *, people=60, places=72, seed=0):
    """Pools of different lengths; a fifth of what is in them is bad, two fifths are good."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, places + 1, size=people)
    exists = np.arange(places) < lengths[:, None]
    truth = random.choice([BAD, NEUTRAL, NEUTRAL, GOOD, GOOD], size=exists.shape).astype(np.int8)
    noise = random.random(exists.shape)
    return Pool(
        exists=exists,
        truth=np.where(exists, truth, UNKNOWN).astype(np.int8),
        chances=(truth == BAD) * 0.4 + 0.6 * noise if chances is None else chances,
    )


def plan_of(way):
    return Plan(way=way, length=6, most_lists=4)


@pytest.mark.parametrize("way", WAYS)
def test_a_random_filter_leaves_out_just_as_many_of_each_list(way):
    pool, plan = pool_with(), plan_of(way)
    ours = filtered(pool, plan, pool.chances, 0.6)
    lots = at_random(pool, plan, ours, runs=5, seed=1)
    assert ours.dropped.sum() > 0
    assert (lots.dropped == ours.dropped).all()
    shown = [(lists.places != NOTHING).sum(axis=3) for lists in (ours, lots)]
    assert (shown[0] == shown[1]).all()
    # By lot, and in each run by another one.
    assert not (lots.places[0] == lots.places[1]).all()


def test_a_random_filter_of_all_lists_leaves_out_just_as_much():
    pool, plan = pool_with(), plan_of(SHORTER)
    ours = filtered(pool, plan, pool.chances, 0.6)
    lots = anywhere(pool, plan, ours, runs=5, seed=1)
    assert lots.dropped.sum(axis=(1, 2)).tolist() == [ours.dropped.sum()] * 5
    assert not (lots.dropped == ours.dropped).all()
    with pytest.raises(ValueError, match="shorter"):
        anywhere(pool, plan_of(REFILLED), ours, runs=5, seed=1)


def test_a_shorter_list_lacks_what_has_the_score_and_nothing_else():
    pool, plan = pool_with(), plan_of(SHORTER)
    ours, whole = filtered(pool, plan, pool.chances, 0.6), unfiltered(pool, plan)
    for person, lists in enumerate(whole.places[0]):
        for day, places in enumerate(lists):
            kept = [p for p in places if p != NOTHING and pool.chances[person, p] < 0.6]
            left = [p for p in ours.places[0, person, day] if p != NOTHING]
            assert left == kept


def test_a_refilled_list_is_the_products():
    pool, plan = pool_with(), Plan(way=REFILLED, length=6, most_lists=1)
    ours = filtered(pool, plan, pool.chances, 0.5)
    dropped = 0
    for person in np.flatnonzero(plan.due(pool)[:, 0]):
        ids = np.flatnonzero(pool.exists[person])[: 6 * SPARE].tolist()
        fits = FitFilter(
            filtering=Filtering(
                version=None, mode=ON, head=FIT, threshold=0.5,
                served=ServedFilter(scorers={}, rarity=Rarity()),
            ),
            history=History(),
            _scores={item: pool.chances[person, item] for item in ids},
        )  # fmt: skip
        left_out = fits.without([Candidate(item_id=one, score=1, source="x") for one in ids], 6)
        dropped += len(left_out)
        assert ours.places[0, person, 0].tolist() == [i for i in ids if i not in left_out][:6]
    assert dropped > 0


def test_refilled_lists_are_never_shorter():
    pool, plan = pool_with(), plan_of(REFILLED)
    everything = filtered(pool, plan, pool.chances, -1.0)
    assert ((everything.places != NOTHING).all(axis=3) == everything.due).all()
    for person in everything.places[0]:
        shown = person[person != NOTHING]
        assert len(set(shown.tolist())) == len(shown)


@pytest.mark.parametrize("way", WAYS)
def test_the_one_that_knows_never_loses_a_good_match(way):
    pool, plan = pool_with(), plan_of(way)
    knows = filtered(pool, plan, (pool.truth == BAD).astype(float), 1.0)
    whole = unfiltered(pool, plan)

    def goods(lists):
        return [
            {int(p) for p in places[places != NOTHING] if pool.truth[person, p] == GOOD}
            for person, places in enumerate(lists.places[0])
        ]

    assert all(before <= after for before, after in zip(goods(whole), goods(knows), strict=True))
    assert knows.dropped.sum() > 0
    setting = Setting(pool=pool, plan=plan, assumed=ASSUMED, seed=0)
    assert setting.oracle().bad.sum() < setting.none().bad.sum()
    assert setting.oracle().taken.sum() > setting.none().taken.sum()


@pytest.mark.parametrize("way", WAYS)
def test_nobody_leaves_who_does_not_tire(way):
    assumed = replace(ASSUMED, fatigue=0.0)
    setting = Setting(pool=pool_with(), plan=plan_of(way), assumed=assumed, seed=0)
    assert setting.none().left.sum() == 0
    assert replace(setting, assumed=ASSUMED).none().left.sum() > 0


def test_who_left_is_sent_nothing_more():
    assumed = replace(ASSUMED, fatigue=1e6, good=0.0)
    told = Setting(pool=pool_with(), plan=plan_of(SHORTER), assumed=assumed, seed=0).none()
    assert set(told.sent.tolist()) == {0.0, 1.0}
    assert told.left == pytest.approx(told.sent)


def test_an_empty_list_is_not_sent_and_tires_nobody():
    pool, plan = pool_with(), plan_of(SHORTER)
    setting = Setting(pool=pool, plan=plan, assumed=ASSUMED, seed=0)
    told, lots = setting.by(pool.chances, -1.0)
    assert told.sent.sum() == told.left.sum() == told.looked.sum() == 0
    assert (told.empty == told.due).all()
    assert (told.nothing == (told.due > 0)).all()
    assert (lots.empty == told.due).all()


def slowly(lists, truth, assumed, seed, coins=None):  # noqa: C901  the plain loop is the point
    """One person and one run after another; `coins`: so often it is drawn whether they leave."""
    people, days = lists.due.shape
    random = np.random.default_rng([seed, 0])
    deep = random.random((assumed.runs, people, days))
    takes = random.random((assumed.runs, people, truth.shape[1]))
    sums = {name: np.zeros(people) for name in ("sent", "looked", "bad", "taken", "left")}
    for run in range(assumed.runs):
        of_run = lists.places[run % len(lists.places)]
        for person in range(people):
            annoyance, stays = 0.0, 1.0
            for day in range(days):
                places = [p for p in of_run[person, day] if p != NOTHING]
                annoyance *= assumed.keeps
                if not places:
                    continue
                sums["sent"][person] += stays
                annoyance += assumed.list
                for position, place in enumerate(places):
                    if position and deep[run, person, day] >= assumed.depth**position:
                        break
                    sums["looked"][person] += stays
                    match = truth[person, place]
                    if match == BAD:
                        sums["bad"][person] += stays
                        annoyance += assumed.bad
                    if match == GOOD:
                        sums["taken"][person] += stays * (takes[run, person, place] < assumed.take)
                        annoyance = max(0.0, annoyance - assumed.good)
                chance = np.exp(-assumed.fatigue * annoyance)
                stays = (
                    coins.binomial(round(stays * 500), chance) / 500 if coins else stays * chance
                )
            sums["left"][person] += 1 - stays
    return {name: values / assumed.runs for name, values in sums.items()}


@pytest.mark.parametrize("way", WAYS)
def test_a_period_is_that_of_a_plain_loop(way):
    pool, plan = pool_with(), plan_of(way)
    ours = filtered(pool, plan, pool.chances, 0.5)
    for lists in (ours, at_random(pool, plan, ours, runs=ASSUMED.runs, seed=2)):
        told = live(lists, pool.truth, ASSUMED, seed=3)
        for name, values in slowly(lists, pool.truth, ASSUMED, 3).items():
            assert getattr(told, name) == pytest.approx(values), name


def test_chances_to_be_there_are_what_drawn_people_do():
    pool, plan = pool_with(), plan_of(SHORTER)
    lists = unfiltered(pool, plan)
    told = live(lists, pool.truth, ASSUMED, seed=3)
    drawn = slowly(lists, pool.truth, ASSUMED, 3, coins=np.random.default_rng(4))
    for name, values in drawn.items():
        assert getattr(told, name).sum() == pytest.approx(values.sum(), rel=0.02), name


def test_the_interval_between_equal_arms_is_nothing_and_between_lots_holds_nothing():
    pool = pool_with(people=120)
    setting = Setting(pool=pool, plan=plan_of(SHORTER), assumed=ASSUMED, seed=0)
    draws = draw(120, 200, 0)
    same = rises(setting.none(), setting.none(), draws)
    assert {(one.value, one.low, one.high) for one in same.values()} == {(0.0, 0.0, 0.0)}
    # A filter that knows nothing is one by lot.
    blind = np.random.default_rng(9).random(pool.exists.shape)
    ours, lots = setting.by(blind, 0.8)
    told = rises(ours, lots, draws)
    assert all(told[name].low <= 0 <= told[name].high for name in MEASURES), told
    # One that knows something is not.
    ours, lots = setting.by(pool.chances, 0.5)
    assert rises(ours, lots, draws)["bad ones looked at, a person"].high < 0


def test_the_same_seed_gives_the_same_and_another_another():
    def sums(seed):
        told = Setting(pool=pool_with(), plan=plan_of(SHORTER), assumed=ASSUMED, seed=seed).none()
        return [getattr(told, each.name).tolist() for each in fields(Sums)]

    assert sums(1) == sums(1)
    assert sums(1) != sums(2)


def test_what_was_never_rated_is_what_is_assumed():
    pool = pool_with(people=200)
    hidden = np.random.default_rng(0).random(pool.exists.shape) < 0.5
    pool = replace(pool, truth=np.where(hidden, UNKNOWN, pool.truth).astype(np.int8))
    rated = pool.truth != UNKNOWN
    for assumed, share in ((NEUTRAL, 0.0), (BAD, 1.0)):
        name = {NEUTRAL: "neutral", BAD: BAD_ONES}[assumed]
        truth = resolved(pool, Assumptions(unknown=name), 0)
        assert (truth[rated] == pool.truth[rated]).all()
        assert (truth[~rated] == BAD).mean() == share
    truth = resolved(pool, Assumptions(unknown=BY_LOT), 0)
    drawn = ~rated & pool.exists
    assert (truth[drawn] == BAD).mean() == pytest.approx(0.2, abs=0.03)
    assert (truth[drawn] == GOOD).mean() == pytest.approx(0.4, abs=0.03)
    assert UNKNOWN not in truth


def test_assumptions_that_mean_nothing_are_refused():
    assert len(variants(ASSUMED)) == 8
    assert {one.unknown for one in unknowns(ASSUMED).values()} == {BAD_ONES, BY_LOT}
    for wrong in ({"depth": 1.5}, {"fatigue": -1.0}, {"runs": 0}, {"unknown": "good"}):
        with pytest.raises(ValueError, match=r"not|below"):
            Assumptions(**wrong)


def test_a_threshold_leaves_out_the_share_that_was_asked_for():
    pool, plan = pool_with(people=400), plan_of(SHORTER)
    threshold = threshold_at(pool, plan, pool.chances, 0.2)
    ours = filtered(pool, plan, pool.chances, threshold)
    whole = (unfiltered(pool, plan).places != NOTHING).sum()
    assert ours.dropped.sum() / whole == pytest.approx(0.2, abs=0.01)
