"""Words that look or sound like what was typed are found among many."""

import random
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.channel import english_channel
from search.word_index import NEAREST, WEIGHTS, Weighed, WordIndex

WORDS = ("hitchcock", "hitcher", "kurosawa", "star", "stars", "wars", "phone", "fine")


def test_nearest_by_letters_and_sound_come_first():
    index = WordIndex.of(WORDS)
    assert index.meant("hitchcok")[0].word == "hitchcock"
    assert index.meant("fone")[0].word == "phone"
    first = index.meant("satr")[0]
    assert (first.word, first.edits) == ("star", 1)
    scores = [each.score for each in index.meant("satr")]
    assert scores == sorted(scores, reverse=True)


def test_a_word_is_not_its_own_correction():
    assert "star" not in [each.word for each in WordIndex.of(WORDS).meant("star")]


@pytest.mark.parametrize("words", [(), ("a",)])
@pytest.mark.parametrize("typed", ["", "a", "b", "\U0001f600", "日本語", "x" * 300])
def test_few_words_and_odd_ones(words, typed):
    found = WordIndex.of(words).meant(typed)
    assert all(np.isfinite(each.score) for each in found)
    assert {each.word for each in found} <= set(words) - {typed}


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=20), st.text(max_size=8))
def test_any_words_whatever_the_script(words, typed):
    words = [word for word in words if "\0" not in word]
    typed = typed.replace("\0", "")
    found = WordIndex.of(words).meant(typed)
    assert {each.word for each in found} <= set(words) - {typed}
    assert len(found) <= NEAREST


def test_among_many_words_a_slip_is_undone():
    """Each slip of a letter, in a vocabulary of five thousand."""
    drawn = random.Random(1)
    many = {"".join(drawn.choices(string.ascii_lowercase, k=8)) for _ in range(5_000)}
    index = WordIndex.of((*sorted(many), *WORDS))
    for word in drawn.sample(sorted(many), 60):
        place = drawn.randrange(1, 7)
        for typed in (
            word[:place] + word[place + 1 :],
            word[:place] + "q" + word[place:],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        ):
            if typed not in index.words:
                assert index.meant(typed)[0].word == word, typed


def test_features_are_as_many_as_weights():
    found = Weighed.of("fone", ["phone", "fine"], english_channel())
    assert found.values.shape == (2, len(WEIGHTS))
    assert found.edits.tolist() == [2, 1]
    assert Weighed.of("fone", [], english_channel()).meant() == []
