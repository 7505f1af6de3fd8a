"""The noisy channel: what sounds alike and what slips cost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.channel import (
    LONGEST_WORD,
    NEVER,
    SlipCosts,
    channel_of,
    english_channel,
    read_counts,
)

COSTS = SlipCosts()
WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0é", min_size=1, max_size=12)


def cost(typed, word):
    return float(english_channel().cost(typed, [word])[0])


@given(WORDS)
def test_what_is_typed_as_it_is_costs_nothing(word):
    assert cost(word, word) == 0.0


@given(WORDS, st.lists(WORDS, min_size=1, max_size=5))
def test_words_do_not_change_each_others_costs(typed, words):
    together = english_channel().cost(typed, words)
    alone = [cost(typed, word) for word in words]
    assert np.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("typed", "word", "expected"),
    [
        ("hosue", "house", COSTS.swapped),
        ("stqone", "stone", COSTS.added),
        ("blqt", "bldt", COSTS.other_letter),
        ("ab1", "ab2", COSTS.other_letter),
    ],
)
def test_a_slip_costs_what_is_said(typed, word, expected):
    assert cost(typed, word) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("sounds", "differs", "word"),
    [
        ("fone", "tone", "phone"),
        ("nite", "bite", "knight"),
        ("sity", "mity", "city"),
        ("gorilaz", "gorilbaz", "gorillaz"),
    ],
)
def test_what_sounds_alike_is_cheaper_than_another_letter(sounds, differs, word):
    assert cost(sounds, word) < cost(differs, word)


def test_costs_are_those_of_the_cheapest_way():
    """A dear swap is two other letters, or one letter left out and added again."""
    dear = channel_of(read_counts(), replace(COSTS, swapped=50.0))
    found = float(dear.cost("hosue", ["house"])[0])
    assert COSTS.swapped < found <= 2 * COSTS.other_letter


def test_nothing_typed_and_no_words():
    assert english_channel().cost("", ["star"]).tolist() == [NEVER]
    assert english_channel().cost("star", []).shape == (0,)


def test_of_long_words_the_beginning_is_read():
    long = "ab" * LONGEST_WORD
    assert cost(long, long[:-1] + "x") == 0.0
    assert cost("a", long) >= NEVER


def test_the_table_of_sounds_says_what_people_hear():
    counts = read_counts()
    assert set(counts["ph"]) == {"F"}
    assert max(counts["igh"], key=counts["igh"].get) == "AY"
    assert {"S", "K"} <= set(counts["c"])
