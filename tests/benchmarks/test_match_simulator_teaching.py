"""The filter that simulated people meet: learned of what people said before, by the product."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.match_simulator.comparing import Setting, rises, threshold_at
from benchmarks.match_simulator.config import Assumptions
from benchmarks.match_simulator.lists import SHORTER, UNKNOWN, Plan
from benchmarks.match_simulator.tables import some
from benchmarks.match_simulator.teaching import OPEN, RATED, Order, graded, pool_of, teach
from benchmarks.match_simulator.world import Rated, Rater, World, read_people, wanted_by
from benchmarks.simulator.compare import draw
from recs.ml.match.texts import ItemText

ASSUMED = Assumptions(runs=6)
# Two kinds of films, and people who like the one and cannot stand the other.
KINDS, EACH = 2, 40


def world_of_tastes(people=160, seed=0):
    random = np.random.default_rng(seed)
    centres = np.eye(KINDS, 16)
    vectors = np.repeat(centres, EACH, axis=0) + 0.15 * random.normal(size=(KINDS * EACH, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    raters = [_rater(number, random) for number in range(people)]
    return World(texts=texts_of(raters), vectors=vectors.astype(np.float32), people=raters)


def texts_of(raters):
    return [
        ItemText(title=f"Film {n}", categories=("Drama", "Horror")[n // EACH], people=count)
        for n, count in enumerate(wanted_by(raters, KINDS * EACH))
    ]


def _rater(number, random):
    liked = number % KINDS
    items = random.permutation(KINDS * EACH)[:54]
    # They say what they think, a seventh of the time they do not.
    stars = [
        float(random.choice([5, 3, 1], p=[0.8, 0.06, 0.14] if item // EACH == liked
                            else [0.14, 0.06, 0.8]))
        for item in items
    ]  # fmt: skip
    rated = [
        Rated(int(item), star, 1_000_000 + 1_000 * number + place)
        for place, (item, star) in enumerate(zip(items, stars, strict=True))
    ]
    return Rater(name=str(number), is_reported=number % 4 > 1, earlier=rated[:36], later=rated[36:])


@pytest.fixture(scope="module")
def taught():
    world = world_of_tastes()
    teachers = some(world, is_reported=False, most=1_000)
    heads = [teach(world, teachers, seed=0, flipped=flipped) for flipped in (False, True)]
    people = some(world, is_reported=True, most=1_000)
    pool, (turned,) = pool_of(world, people, heads, order=Order.of(world), kind=RATED, most=36)
    return world, heads, people, pool, turned


def test_a_filter_that_was_taught_the_opposite_does_worse_than_lots(taught):
    _, _, people, pool, turned = taught
    setting = Setting(pool=pool, plan=Plan(way=SHORTER, length=6, most_lists=3),
                      assumed=ASSUMED, seed=0)  # fmt: skip
    draws = draw(len(people), 200, 0)
    for scores, is_right in ((pool.chances, True), (turned, False)):
        ours, lots = setting.by(scores, threshold_at(pool, setting.plan, scores, 0.3))
        told = rises(ours, lots, draws)
        taken, bad = told["taken, a person"], told["bad ones looked at, a person"]
        left = told["unsubscribed"].value
        if is_right:
            assert taken.low > 0 > bad.high
        else:
            assert taken.high < 0 < bad.low
        assert (left < 0) == is_right


def test_the_filter_is_learned_from_the_half_that_is_not_reported_on(taught):
    world, heads, people, _, _ = taught
    teachers = some(world, is_reported=False, most=1_000)
    assert not {one.name for one in people} & {one.name for one in teachers}
    rows = heads[0].report["rows"]
    assert sum(rows[part]["groups"] for part in rows) <= len(teachers)
    assert heads[0].report["auc"]["mean"] > 0.7


def test_what_is_later_is_seen_by_nobody(taught):
    world, heads, _, pool, _ = taught
    turned = [
        replace(one, later=[replace(rated, stars=6.0 - rated.stars) for rated in one.later])
        for one in world.people
    ]
    other = replace(world, people=turned)
    teachers = some(other, is_reported=False, most=1_000)
    before, after = (
        graded(each, some(each, is_reported=False, most=1_000)) for each in (world, other)
    )
    assert (before.features == after.features).all()
    assert (before.grades == after.grades).all()
    assert len(teachers) == 80
    told, _ = pool_of(
        other,
        some(other, is_reported=True, most=1_000),
        heads,
        order=Order.of(world),
        kind=RATED,
        most=36,
    )
    assert (told.chances == pool.chances).all()
    assert (told.truth[told.exists] == -pool.truth[pool.exists]).all()


def test_a_grade_is_not_in_its_own_features(taught):
    world = taught[0]
    person = world.people[0]
    turned = replace(
        person,
        earlier=[*person.earlier[:-1], replace(person.earlier[-1], stars=5.0)],
    )
    other = replace(person, earlier=[*person.earlier[:-1], replace(person.earlier[-1], stars=1.0)])
    read = []
    for one in (turned, other):
        people = [one, *world.people[1:]]
        told = replace(world, people=people, texts=texts_of(people))
        read.append(graded(told, [one]))
    assert read[0].grades[-1] != read[1].grades[-1]
    assert (read[0].features == read[1].features).all()


def test_an_open_pool_holds_everything_that_was_not_rated_before(taught):
    world, heads, people, _, _ = taught
    pool, _ = pool_of(world, people, heads, order=Order.of(world), kind=OPEN, most=100)
    assert (pool.exists.sum(axis=1) == KINDS * EACH - 36).all()
    assert ((pool.truth != UNKNOWN).sum(axis=1) == 18).all()


def test_ratings_are_cut_by_their_own_time(tmp_path):
    path = tmp_path / "ratings.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["userId", "movieId", "rating", "timestamp"])
        writer.writerows([7, n, 4.0, 1_000 - n] for n in range(1, 11))
        writer.writerow([7, 99, 4.0, 1])
    (person,) = read_people(path, {str(n): n for n in range(1, 11)})
    assert [one.item for one in person.earlier] == [10, 9, 8, 7, 6, 5, 4]
    assert [one.item for one in person.later] == [3, 2, 1]
