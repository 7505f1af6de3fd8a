"""Beam search over a trie against the list of all items, scored one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recs.ml.generation_search import CodeTrie, beam_search
from recs.ml.semantic_ids import collisions

SIZES = (3, 4)


@st.composite
def catalogues(draw):
    """Paths of some items, with items without codes between them, and sizes of the levels."""
    codes = draw(
        st.lists(
            st.one_of(st.none(), st.tuples(*(st.integers(0, size - 1) for size in SIZES))),
            min_size=1,
            max_size=25,
        ).filter(any)
    )
    known = np.array([row is not None for row in codes])
    last = np.full(len(codes), -1)
    last[known] = collisions(np.array([row for row in codes if row is not None]))
    paths = [[-1] * 3]
    paths += [[-1] * 3 if row is None else [*row, last[n]] for n, row in enumerate(codes)]
    return np.array(paths), (*SIZES, int(last.max()) + 1)


class Decoder:
    """States are running sums; log probabilities are a fixed random map of level and state."""

    def __init__(self, sizes, seed, rounded=False):
        make = torch.Generator().manual_seed(seed)
        self.tables = [torch.randn(size, 5, generator=make) for size in sizes]
        self.steps = [torch.randn(size, 5, generator=make) for size in sizes]
        # Few different values, so that ties are many.
        self.rounded = rounded

    def log_probabilities(self, level, states):
        logits = states @ self.tables[level].T
        return logits.sign() if self.rounded else logits.log_softmax(-1)

    def next_states(self, level, states, codes):
        return states + self.steps[level][codes]

    def plain(self, state, path):
        """What one item scores, level by level."""
        total = 0.0
        for level, code in enumerate(path):
            code = min(code, len(self.tables[level]) - 1)
            total += float(self.log_probabilities(level, state)[code])
            state = self.next_states(level, state, torch.tensor(code))
        return total


def search(states, paths, decoder, sizes, beam):
    return beam_search(
        states,
        CodeTrie.of(paths, sizes),
        log_probabilities=decoder.log_probabilities,
        next_states=decoder.next_states,
        beam=beam,
    )


@given(catalogues(), st.integers(1, 30), st.integers(0, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_comes_out_is_an_item_with_codes_and_none_twice(world, beam, seed, rounded):
    paths, sizes = world
    decoder = Decoder(sizes, seed, rounded)
    states = torch.randn(3, 5, generator=torch.Generator().manual_seed(seed))
    items, scores = search(states, paths, decoder, sizes, beam)
    assert items.shape == scores.shape == (3, beam)
    for state, row, row_scores in zip(states, items.tolist(), scores.tolist(), strict=True):
        found = [item for item in row if item]
        assert len(found) == len(set(found)) >= 1
        assert row == found + [0] * (beam - len(found))
        for item, score in zip(found, row_scores, strict=False):
            assert paths[item].min() >= 0
            assert score == pytest.approx(decoder.plain(state, paths[item]), abs=1e-4)


@given(catalogues(), st.integers(0, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_beam_as_wide_as_the_catalogue_finds_every_item_in_order_ties_by_path(
    world, seed, rounded
):
    paths, sizes = world
    decoder = Decoder(sizes, seed, rounded)
    states = torch.randn(2, 5, generator=torch.Generator().manual_seed(seed))
    items, _ = search(states, paths, decoder, sizes, len(paths))
    known = [item for item in range(1, len(paths)) if paths[item].min() >= 0]
    for state, row in zip(states, items.tolist(), strict=True):
        expected = sorted(
            known,
            key=lambda item: (
                -round(decoder.plain(state, paths[item]), 4),
                paths[item].tolist(),
            ),
        )
        assert row[: len(known)] == expected


def test_a_narrow_beam_keeps_the_best_of_each_level():
    # Code 1 looks better at first, and only it is followed: greedy search.
    paths = np.array([[-1, -1], [0, 0], [1, 0], [1, 1]])
    first, second = torch.tensor([0.4, 0.6]).log(), torch.tensor([0.1, 0.9]).log()
    items, scores = beam_search(
        torch.zeros(1, 1),
        CodeTrie.of(paths, (2, 2)),
        log_probabilities=lambda level, s: (second if level else first).expand(*s.shape[:2], 2),
        next_states=lambda level, states, codes: states,
        beam=1,
    )
    assert items.tolist() == [[3]]
    assert scores.exp().item() == pytest.approx(0.54)


def test_a_collision_number_past_what_was_trained_is_read_as_the_last_and_stays_an_item():
    paths = np.array([[-1, -1], [0, 0], [0, 1], [0, 7]])
    decoder = Decoder((1, 2), seed=0)
    items, scores = search(torch.ones(1, 5), paths, decoder, (1, 2), 3)
    assert sorted(items[0].tolist()) == [1, 2, 3]
    by_item = dict(zip(items[0].tolist(), scores[0].tolist(), strict=True))
    assert by_item[2] == by_item[3]


def test_the_same_path_twice_and_a_catalogue_without_codes_are_refused():
    with pytest.raises(ValueError, match="same codes"):
        CodeTrie.of(np.array([[-1, -1], [0, 0], [0, 0]]), (1, 1))
    with pytest.raises(ValueError, match="No item"):
        CodeTrie.of(np.array([[0, 0], [-1, -1]]), (1, 1))
