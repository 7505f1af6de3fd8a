import random
from dataclasses import replace

import numpy as np
import pytest

from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories
from recs.ml.sequence_benchmark import (
    BenchmarkOptions,
    NoSuchProtocol,
    run_sequence_benchmark,
    shuffled,
)
from tests.recs.ml.sequence_world import NAMES, encode, files_of, small_member, walks

MEMBERS = ["popularity", "item-knn", "sasrec", "user-model"]


@pytest.fixture(autouse=True)
def small_members(monkeypatch):
    monkeypatch.setattr("recs.ml.sequence_benchmark.member", small_member)


def rankings_of(folder, people, *, items=True, names=NAMES, **options):
    """Rankings as the names of items, by person."""
    files = files_of(folder, people, items=items, names=names)
    result = run_sequence_benchmark(files, encode, BenchmarkOptions(**options))
    lists = (files.vocabulary.ids(row[row > 0]) for row in result.rankings)
    return dict(zip(files.histories.people, lists, strict=True))


def with_other_lasts(people, shift=1):
    """The same people, each with the last item of another one, always a different item."""
    names, lasts = list(people), [items[-1] for items in people.values()]
    moved = lasts[shift:] + lasts[:shift]
    return {
        name: [*people[name][:-1], new if new != people[name][-1] else NAMES[NAMES.index(new) - 1]]
        for name, new in zip(names, moved, strict=True)
    }


@pytest.mark.parametrize("items", [True, False], ids=["with items", "without"])
@pytest.mark.parametrize("protocol", ["paper", "production"])
@pytest.mark.parametrize("model", MEMBERS)
def test_no_target_is_read(tmp_path, model, protocol, items):
    people = walks()
    others = with_other_lasts(people)
    assert all(others[name][-1] != people[name][-1] for name in people)
    options = {"model": model, "protocol": protocol, "items": items}
    assert rankings_of(tmp_path, others, **options) == rankings_of(tmp_path, people, **options)


@pytest.mark.parametrize("model", MEMBERS)
def test_names_of_items_carry_nothing(tmp_path, model):
    # What is invariant: any renaming, with the lines of both files in the order they had.
    people = walks()
    drawn = random.Random(3).sample(range(10_000), len(NAMES))
    new = {name: str(number) for name, number in zip(NAMES, drawn, strict=True)}
    renamed = {name: [new[item] for item in items] for name, items in people.items()}
    expected = rankings_of(tmp_path, people, model=model)
    found = rankings_of(tmp_path, renamed, model=model, names=[new[name] for name in NAMES])
    assert found == {name: [new[item] for item in items] for name, items in expected.items()}


@pytest.mark.parametrize("model", MEMBERS)
def test_names_of_people_carry_nothing(tmp_path, model):
    people = walks()
    renamed = {f"person-{name[::-1]}": items for name, items in people.items()}
    expected = rankings_of(tmp_path, people, model=model)
    found = rankings_of(tmp_path, renamed, model=model)
    assert list(found.values()) == list(expected.values())


@pytest.mark.parametrize("model", MEMBERS)
def test_everybody_gets_ten_distinct_items_that_were_not_seen(tmp_path, model):
    people = {**walks(), "short": ["i1", "i2"], "three": ["i3", "i4", "i5"]}
    found = rankings_of(tmp_path, people, model=model)
    assert list(found) == [name for name in people if name != "short"]
    for name, ranking in found.items():
        assert len(ranking) == len(set(ranking)) == 10
        assert set(ranking) <= set(NAMES)
        assert not set(ranking) & set(people[name][:-1])


def test_the_same_seed_gives_the_same_rankings_and_another_one_others(tmp_path):
    first, again, other = (
        rankings_of(tmp_path, walks(), model="sasrec", seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_production_learns_from_the_validation_items_and_paper_does_not(tmp_path):
    people = {name: [*items[:-2], "i7", items[-1]] for name, items in walks().items()}
    people = {
        name: [item if item != "i7" else "i8" for item in items[:-2]] + items[-2:]
        for name, items in people.items()
    }
    people["new"] = ["i1", "i2", "i3", "i4"]
    paper = rankings_of(tmp_path, people, model="popularity")
    production = rankings_of(tmp_path, people, model="popularity", protocol="production")
    # Item 7 stands nowhere but next to last.
    assert "i7" not in paper["new"]
    assert production["new"][0] == "i7"


def test_an_item_that_only_the_test_names_is_a_candidate(tmp_path):
    people = {**walks(), "late": ["i1", "i2", "i3", "i4", "unheard-of"]}
    for model in ("popularity", "user-model"):
        files = files_of(tmp_path, people)
        result = run_sequence_benchmark(files, encode, BenchmarkOptions(model=model))
        row = files.vocabulary.rows(["unheard-of"])[0]
        scores = result.scorer.score(files.histories.without_last(), np.arange(3))
        assert np.isfinite(scores[:, row]).all()


def test_a_small_catalogue_gives_what_there_is(tmp_path):
    people = {f"p{n}": [["a", "b", "c"][(n + step) % 3] for step in range(4)] for n in range(9)}
    people["one"] = ["a", "b", "a", "d"]
    found = rankings_of(tmp_path, people, items=False, model="popularity")
    assert set(found["p0"]) == {"d"}
    assert set(found["one"]) == {"c", "d"}


def test_nobody_with_three_events_is_told(tmp_path):
    for people in ({"a": ["i1", "i2"]}, {}):
        with pytest.raises(NothingToLearn, match="Nobody has three events"):
            rankings_of(tmp_path, people, model="popularity")


@pytest.mark.parametrize("model", ["sasrec", "user-model"])
def test_three_events_each_leave_nothing_to_train_a_network_on(tmp_path, model):
    people = {name: items[:3] for name, items in walks().items()}
    with pytest.raises(NothingToLearn, match="two events"):
        rankings_of(tmp_path, people, model=model)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"protocol": "mine"}, NoSuchProtocol, "one of paper, production"),
        (
            {"protocol": "production", "model": "user-model-alone"},
            NoSuchProtocol,
            "user-model-alone has no",
        ),
        ({"minutes": 0}, ValueError, "minutes is above 0"),
        ({"minutes": float("nan")}, ValueError, "minutes is above 0"),
        ({"unordered": 0}, ValueError, "unordered from 1"),
        ({"seed": -1}, ValueError, "seed from 0"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(options, error, message):
    with pytest.raises(error, match=message):
        BenchmarkOptions(**options)


def histories(seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, 40)
    return Histories.of_lists([rng.integers(1, 99, length).tolist() for length in lengths])


@pytest.mark.parametrize("block", [2, 5, 100])
def test_hiding_the_order_keeps_what_stands_in_each_block(block):
    before = histories()
    after = shuffled(before, block, seed=4)
    np.testing.assert_array_equal(after.offsets, before.offsets)
    moved = 0
    for old, new in zip(before, after, strict=True):
        for end in range(len(old), 0, -block):
            start = max(0, end - block)
            assert sorted(new[start:end]) == sorted(old[start:end])
        moved += int((old != new).any())
    assert moved > 10


def test_hiding_the_order_of_single_events_hides_nothing():
    before = histories()
    np.testing.assert_array_equal(shuffled(before, 1, seed=4).items, before.items)


def test_times_and_kinds_move_with_their_events():
    before = histories()
    numbers = np.arange(len(before.items))
    before = replace(before, days=numbers.astype(float), kinds=(numbers % 100).astype(np.int8))
    after = shuffled(before, 3, seed=4)
    order = after.days.astype(np.int64)
    np.testing.assert_array_equal(after.items, before.items[order])
    np.testing.assert_array_equal(after.kinds, before.kinds[order])


def test_a_hidden_order_reaches_what_is_learned_and_what_is_asked(tmp_path):
    people = walks()
    plain, hidden = (
        rankings_of(tmp_path, people, model="item-knn", unordered=block) for block in (1, 4)
    )
    assert plain != hidden
    assert hidden == rankings_of(tmp_path, with_other_lasts(people), model="item-knn", unordered=4)
    for name, ranking in hidden.items():
        assert not set(ranking) & set(people[name][:-1])
