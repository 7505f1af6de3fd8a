import numpy as np
import pytest

from recs.ml.simulator import WorldConfig, coverage, make_world, simulate, velocity

CONFIG = WorldConfig(
    people=60, items_at_first=80, new_each_round=10, rounds=4, modality_noise={"text": 0.3}
)


@pytest.fixture(scope="module")
def world():
    return make_world(CONFIG)


def oracle(world):
    return lambda histories, exists, turn: world.chance


def by_chance(histories, exists, turn):
    return np.random.default_rng(turn).random((len(histories), len(exists)))


def only_old(histories, exists, turn):
    scores = by_chance(histories, exists, turn)
    scores[:, CONFIG.items_at_first + 1 :] -= 10
    return scores


def test_coverage_is_the_share_of_new_items_among_shown():
    new = np.array([False, False, True, True])
    assert coverage(np.array([[1, 2], [3, 0]]), new) == pytest.approx(2 / 3)
    assert coverage(np.array([[0, 0]]), new) == 0.0


def test_velocity_counts_new_items_past_the_threshold():
    views, new = np.array([9, 9, 5, 4]), np.array([False, False, True, True])
    assert [velocity(views, new, t) for t in (1, 4, 5, 6)] == [2, 2, 1, 0]
    with pytest.raises(ValueError, match="threshold"):
        velocity(views, new, 0)


def test_nothing_is_shown_before_it_exists_or_twice_once_viewed(world):
    report = simulate(world, by_chance)
    for turn, page in enumerate(report.shown):
        assert (world.born[page[page > 0]] <= turn).all()
        assert all(len(set(row)) == len(row) for row in page.tolist())
    for items in report.histories:
        assert len(set(items.tolist())) == len(items)


def test_views_are_what_histories_grew_by(world):
    report = simulate(world, by_chance)
    grown = report.histories.counts(CONFIG.item_count) - world.first.counts(CONFIG.item_count)
    assert np.array_equal(grown, report.views)
    assert report.views.sum() > 0
    assert (np.diff(report.histories.days[: report.histories.offsets[1]]) >= 0).all()


def test_who_knows_what_people_like_gets_more_views(world):
    assert simulate(world, oracle(world)).views_each > 2 * simulate(world, by_chance).views_each


def test_old_items_alone_cover_nothing_and_speed_nothing(world):
    report = simulate(world, only_old)
    assert report.coverage == 0.0
    assert report.velocity(1) == 0


def test_velocity_never_grows_with_the_threshold(world):
    report = simulate(world, oracle(world))
    found = [report.velocity(threshold) for threshold in range(1, 12)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_same_seed_same_loop(world):
    again = make_world(CONFIG)
    assert np.array_equal(world.chance, again.chance)
    assert np.array_equal(simulate(world, by_chance).shown, simulate(again, by_chance).shown)


def test_a_recommender_sees_only_the_rounds_before(world):
    newest = []

    def watching(histories, exists, turn):
        newest.append((turn, float(histories.days.max()), int(exists.sum())))
        return by_chance(histories, exists, turn)

    simulate(world, watching)
    assert all(day <= turn for turn, day, _ in newest)
    assert [count for *_, count in newest] == [90, 100, 110, 120]


def test_content_says_something_of_taste(world):
    vectors = world.content.vectors["text"][1:]
    similar = vectors @ vectors.T
    liked = np.corrcoef(world.chance[:, 1:].T)
    off = ~np.eye(len(vectors), dtype=bool)
    assert np.corrcoef(similar[off], liked[off])[0, 1] > 0.5
