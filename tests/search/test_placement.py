"""When queries are recommended and how many, and the share of places for cold categories."""

import numpy as np
import pytest

from search.cold_share import (
    COLD_SHARE,
    HALF_LIFE,
    KNOWN_FROM,
    evidence,
    kept_places,
    lot_of,
    share_of,
    with_cold,
)
from search.placement import (
    DEFAULTS,
    FEWEST,
    MOST,
    Signals,
    learned_counts,
    place,
    situation_of,
)

GOOD = {"surface": "search", "hits": 40, "breadth": 0.2, "categories": 2}


@pytest.mark.parametrize(
    ("changed", "situation"),
    [
        ({}, "plain"),
        ({"exact_title": True, "hits": 1}, "exact"),
        ({"hits": 3}, "poor"),
        ({"hits": 0, "is_typing": True}, "poor"),
        ({"holds_words": False}, "poor"),
        ({"best_chance": 0.001}, "poor"),
        ({"best_chance": 0.4}, "plain"),
        ({"is_typing": True}, "typing"),
        ({"breadth": 0.9, "categories": 6}, "broad"),
        ({"breadth": 0.9, "categories": 2}, "plain"),
        ({"breadth": 0.9, "categories": 6, "shared": 1.0}, "plain"),
        ({"hits": 500}, "broad"),
        ({"surface": "start"}, "start"),
        ({"surface": "item"}, "item"),
        ({"surface": ""}, "unknown"),
    ],
)
def test_the_situation_follows_from_the_page(changed, situation):
    assert situation_of(Signals(**{**GOOD, **changed})) == situation


def test_none_above_an_exact_title_whatever_was_learned():
    assert place(Signals(exact_title=True), {"exact": 8}).count == 0


def test_more_where_hits_are_poor_or_the_query_is_broad():
    plain = place(Signals(**GOOD)).count
    assert place(Signals(**{**GOOD, "hits": 1})).count > plain
    assert place(Signals(**{**GOOD, "breadth": 1.0, "categories": 9})).count > plain


def test_searches_from_here_stand_below_the_item_and_else_above():
    assert place(Signals(surface="item")).where == "below"
    assert {place(Signals(**GOOD)).where, place(Signals(surface="start")).where} == {"above"}


def test_what_was_learned_replaces_the_default_within_bounds():
    assert place(Signals(**GOOD), {"plain": 3}).count == 3
    assert place(Signals(**GOOD), {"plain": 99}).count == MOST
    assert place(Signals(**GOOD), {"plain": 0}).count == FEWEST
    assert place(Signals(**GOOD), {"poor": 2}).count == DEFAULTS["plain"]


def test_how_many_is_learned_of_the_places_that_led_to_something():
    lists = 4000
    rng = np.random.default_rng(0)
    places = np.tile(np.arange(1, 9), lists)
    # Plain: the first three places lead to something. Poor: all of them do, half as often.
    plain = rng.random(len(places)) < np.where(places <= 3, 0.1, 0.001)
    poor = rng.random(len(places)) < 0.05
    counts = learned_counts(
        ["plain"] * len(places) + ["poor"] * len(places),
        np.tile(places, 2),
        np.concatenate([plain, poor]).astype(float),
    )
    assert counts == {"plain": 3, "poor": MOST}


def test_few_lists_or_no_good_end_teach_no_count():
    places = np.arange(1, 9)
    assert learned_counts(["plain"] * 8, places, np.ones(8)) == {}
    assert learned_counts(["plain"] * 8, places, np.zeros(8)) == {}
    assert learned_counts([], np.zeros(0, np.int64), np.zeros(0)) == {}


def test_the_cold_share_is_one_of_eight_and_halves_with_evidence():
    assert share_of(0) == COLD_SHARE == 1 / 8
    assert share_of(HALF_LIFE) == pytest.approx(COLD_SHARE / 2)
    assert share_of(2 * HALF_LIFE) == pytest.approx(COLD_SHARE / 4)
    assert share_of(KNOWN_FROM) == 0.0
    shares = [share_of(shown) for shown in range(0, 600, 10)]
    assert shares == sorted(shares, reverse=True)


def test_kept_places_are_the_share_on_average():
    assert kept_places(8, 0, 0.99) == 1
    lots = np.linspace(0, 0.9999, 1000)
    mean = np.mean([kept_places(8, HALF_LIFE, lot) for lot in lots])
    assert mean == pytest.approx(8 * share_of(HALF_LIFE), abs=0.01)
    assert kept_places(8, KNOWN_FROM, 0.0) == 0


def test_lots_are_spread_and_stay():
    lots = [lot_of("hour", n) for n in range(400)]
    assert 0.45 < np.mean(lots) < 0.55
    assert lot_of("hour", 1) == lots[1]


def test_the_coldest_takes_the_last_place_and_nobody_gets_more_than_k():
    seen = [900, 900, 900, 0, 50]
    assert with_cold([0, 1, 2], [3, 4], seen, 3, 0.0) == [0, 1, 3]
    assert with_cold([0, 1], [3, 4], seen, 8, 0.0) == [0, 1, 3]
    # It is there already, by its own worth.
    assert with_cold([0, 3], [1, 4], seen, 8, 0.0) == [0, 3]


def test_where_all_are_known_or_nothing_is_counted_the_list_stays():
    assert with_cold([0, 1], [2], [900, 900, 900], 2, 0.0) == [0, 1]
    assert with_cold([0, 1], [2], [None, None, None], 2, 0.0) == [0, 1]
    assert with_cold([], [], [], 0, 0.0) == []


def test_evidence_is_of_the_least_shown_category():
    assert evidence(["category:A", "category:B"], {"category:A": 7, "category:B": 3}) == 3
    assert evidence(["category:C"], {"category:A": 7}) is None
