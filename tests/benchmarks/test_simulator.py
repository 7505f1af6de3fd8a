"""Simulated people: the same in every arm, and unknown to what answers them."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.simulator import compare
from benchmarks.simulator.behaviour import Mind, Page
from benchmarks.simulator.chance import Chance
from benchmarks.simulator.config import Assumptions, scaled, variants
from benchmarks.simulator.day import Day
from benchmarks.simulator.histories import Size, read_world
from benchmarks.simulator.people import Person, intents
from catalog.types import ItemInput
from search.exploration.log import Search

ITEMS = {
    f"i{n}": ItemInput(
        external_id=f"i{n}", title=f"Film {n}", category_paths=["Drama" if n % 2 else "Comedy"],
        year=1960 + n, attributes={"cast": [f"Actor {n % 7}"]},
    )
    for n in range(40)
}  # fmt: skip
ANNA = Person(name="anna", later=("i1", "i2", "i3", "i30", "i31"), typed=("slow films", "rain"))
SURE = Assumptions(
    depth=1, recognise=1, recognise_other=1, near=0, stray=0, pill_attention=1, pill_depth=1,
    pill_right=1, pill_wrong=0, pill_noise=0, after_success=1, after_failure=1,
)  # fmt: skip


class Shelf:
    """Answers every query with the same hits, and remembers what it was asked and told."""

    def __init__(self, hits, pills=(), beside=()):
        self.hits, self.pills, self.beside = hits, pills, beside
        self.asked, self.acts = [], []

    def ask(self, person, query, picked_from):
        self.asked.append((query, picked_from))
        return Page(query_id="q", items=self.hits, pills=self.pills)

    def peek(self, query):
        return self.beside

    def home(self, person):
        return Page(query_id="", items=(), pills=self.pills)

    def act(self, person, page, item, position, *, taken):
        self.acts.append((item, position, taken))


def day(shelf, *, assumed=SURE, seed=0, person=ANNA, known=None):
    mind = Mind(person, items=ITEMS, assumed=assumed, chance=Chance(seed), known=known)
    return list(mind.live(shelf))


def test_a_day_is_the_same_with_the_same_seed_and_another_with_another():
    assumed = Assumptions()
    shelf = list(ITEMS)[:24]
    days = [day(Shelf(shelf), assumed=assumed, seed=seed) for seed in (1, 1, 2, 3)]
    assert days[0] == days[1]
    assert days[0] != days[2] or days[0] != days[3]


def test_arms_share_what_people_come_with():
    bare, full = Shelf(["i9"]), Shelf(["i9"], pills=[("drama", "expansions")], beside=["i30"])
    day(bare)
    day(full)
    planned = [
        [one.query for one in intents(ANNA, session, items=ITEMS, assumed=SURE, chance=Chance(0))]
        for session in range(SURE.sessions)
    ]
    assert [query for query, _ in bare.asked] == planned[0] + planned[1]
    # Recommended queries come between and put off the rest; what is asked stays the same.
    came_with = [query for query, picked in full.asked if not picked]
    assert len(came_with) < len(bare.asked)
    first = came_with[: came_with.index(planned[1][0], 1)]
    assert first == planned[0][: len(first)]
    assert came_with[len(first) :] == planned[1][: len(came_with) - len(first)]


def test_without_recommended_queries_none_is_picked():
    shelf = Shelf(list(ITEMS)[:24])
    asked = day(shelf)
    assert len(asked) == SURE.sessions * SURE.most_searches
    assert {picked for _, picked in shelf.asked} == {""}
    assert "pill" not in {one.kind for one in asked}


def test_a_recommended_query_is_picked_for_what_it_finds():
    right = Shelf(["i9"], pills=[("rainy films", "log")], beside=["i30"])
    day(right)
    assert ("rainy films", "log") in right.asked
    wrong = Shelf(["i9"], pills=[("rainy films", "log")], beside=["i8"])
    day(wrong)
    assert ("rainy films", "log") not in wrong.asked


def test_pills_are_seen_before_leaving_or_in_place_of_asking_again():
    tired = replace(SURE, after_success=0.0, after_failure=0.0)
    pills = {"pills": [("rainy films", "log")], "beside": ["i30"]}
    first, instead = Shelf(["i9"], **pills), Shelf(["i9"], **pills)
    day(first, assumed=tired)
    day(instead, assumed=replace(tired, pill_first=False))
    assert ("rainy films", "log") in first.asked
    assert len(instead.asked) == SURE.sessions
    # Without any pill the two are the same.
    bare = [day(Shelf(["i9"]), assumed=replace(Assumptions(), pill_first=way)) for way in (0, 1)]
    assert bare[0] == bare[1]


def test_places_to_start_are_met_on_the_home_page_alone():
    shelf = Shelf(["i9"], pills=[("rainy films", "log")], beside=["i30"])
    asked = day(shelf, assumed=replace(SURE, home=1.0))
    assert shelf.asked[0] == ("rainy films", "log")
    # What they came for is asked next.
    assert asked[0].kind == "pill"
    bare, there = Shelf(["i9"]), Shelf(["i9"])
    assert day(bare) == day(there, assumed=replace(SURE, home=1.0))


def test_what_is_wanted_is_taken_once_and_nothing_else_is():
    shelf = Shelf(["i9", "i30", "i31"])
    day(shelf)
    assert [act for act in shelf.acts if act[2]] == [("i30", 2, True), ("i31", 3, True)]
    assert not [item for item, _, taken in shelf.acts if not taken]


def test_people_come_only_for_what_they_know():
    known = [item for item in ITEMS if item not in ("i30", "i31")]
    shelf = Shelf(["i30"])
    asked = day(shelf, known=known, assumed=replace(SURE, title=1.0, typed=0.0))
    assert not {"Film 30", "Film 31"} & {query for query, _ in shelf.asked}
    assert asked[0].taken == ("i30",)  # met by chance, and wanted all the same


def test_the_first_hit_is_always_looked_at_and_the_number_follows_its_persistence():
    chance = Chance(0)
    counts = [chance.count(0.8, 1000, n) for n in range(20_000)]
    assert min(counts) == 1
    assert np.mean(counts) == pytest.approx(1 / (1 - 0.8), rel=0.03)
    assert chance.count(0.8, 0, "none") == 0


def test_halved_and_doubled_are_of_the_number_looked_at():
    assert 1 / (1 - scaled(0.85, 2)) == pytest.approx(2 / (1 - 0.85))
    assert 1 / (1 - scaled(0.85, 0.5)) == pytest.approx(0.5 / (1 - 0.85))
    assert len(variants(Assumptions())) == 9
    with pytest.raises(ValueError, match="probability"):
        Assumptions(near=2.0)


def write_films(folder):
    """Ten films and two people; the last three ratings of each are later."""
    folder.mkdir()
    with (folder / "items.jsonl").open("w") as file:
        for n in range(1, 31):
            genres = ["Horror"] if n % 10 == 0 else ["Drama"]
            row = {"movieId": n, "title": f"Film {n} (1990)", "genres": genres, "n_ratings": 99 - n}
            file.write(json.dumps(row) + "\n")
    with (folder / "ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["userId", "movieId", "rating", "timestamp"])
        for user in (1, 2):
            for n in range(1, 21):
                writer.writerow([user, n, 5.0, 1_000_000_000 + n])
    with (folder / "tags.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["userId", "movieId", "tag", "timestamp"])
        writer.writerow([1, 3, "early words", 1_000_000_003])
        writer.writerow([1, 19, "late words", 1_000_000_019])
    return folder


def test_what_is_later_is_not_in_what_is_loaded(tmp_path):
    world = read_world(
        write_films(tmp_path / "films"), new_category="Horror", size=Size(items=50), seed=0
    )
    cut = datetime.fromtimestamp(1_000_000_015, tz=UTC)
    assert {event.time < cut for event in world.history} == {True}
    for person in world.people:
        before = {event.item_id for event in world.history if event.user_id == person.name}
        assert person.later
        assert not before & set(person.later)
    assert [query for _, query in world.log] == ["early words"]
    assert world.people[0].typed == ("late words",)


def test_nobody_has_a_history_with_the_category_held_out(tmp_path):
    world = read_world(
        write_films(tmp_path / "films"), new_category="Horror", size=Size(items=50), seed=0
    )
    held = {item.external_id for item in world.newcomers}
    assert held == {"10", "20", "30"}
    assert not held & {item.external_id for item in world.items}
    assert not held & {event.item_id for event in world.history}
    with pytest.raises(ValueError, match="no item has the category"):
        read_world(tmp_path / "films", new_category="Opera", size=Size(), seed=0)


def test_the_two_parts_of_people_have_nobody_in_common(tmp_path):
    folder = write_films(tmp_path / "films")

    def names(part):
        world = read_world(folder, new_category="Horror", size=Size(items=50, part=part), seed=0)
        return {person.name for person in world.people}

    assert not names("choosing") & names("reported")
    assert names("choosing") | names("reported") == names("all")


def people(exploratory, searches, shown):
    size = len(searches)
    zeros = np.zeros(size)
    return compare.People(
        searches=np.array(searches, float), exploratory=np.array(exploratory, float), wanted=zeros,
        own=zeros, own_wanted=zeros, known=zeros, known_wanted=zeros,
        other=zeros, other_wanted=zeros, explored=zeros, took=zeros, reached=zeros,
        words=zeros, longest=zeros,
        shown=np.array(shown, float), items=4,
    )  # fmt: skip


def test_differences_are_taken_person_by_person():
    draws = compare.draw(3, 200, 0)
    assert draws.sum(axis=1).tolist() == [3.0] * 200
    more = people([2, 4, 6], [9, 9, 9], np.eye(3, 4))
    less = people([1, 2, 3], [9, 9, 9], np.eye(3, 4))
    measure = compare.MEASURES["exploratory searches a person"]
    # Twice as much for each of them: whoever is drawn, it is twice as much.
    rise = compare.difference(measure, more, less, draws, relative=True)
    assert (rise.value, rise.low, rise.high) == pytest.approx((1, 1, 1))
    same = compare.difference(compare.MEASURES["Gini"], more, less, draws)
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0))
    assert compare.number(compare.MEASURES["Gini"], more, draws).value == pytest.approx(0.25)


def test_several_days_of_the_same_people_are_one_longer_day():
    first, second = people([2, 0], [4, 4], np.eye(2, 4)), people([1, 3], [4, 6], np.ones((2, 4)))
    both = compare.pooled([first, second])
    assert both.exploratory.tolist() == [3, 3]
    assert both.searches.tolist() == [8, 10]
    assert both.shown.tolist() == [[2, 1, 1, 1], [1, 2, 1, 1]]
    assert both.items == 4


def test_a_change_counts_for_one_arm_what_it_did_not_do_in_the_other():
    draws = compare.draw(2, 200, 0)
    was, became = people([1, 1], [4, 4], np.eye(2, 4)), people([4, 4], [4, 4], np.eye(2, 4))
    less = people([2, 2], [4, 4], np.eye(2, 4))
    measure = compare.MEASURES["exploratory searches a person"]
    told = compare.difference_of_changes(measure, (was, became), (was, less), draws)
    assert (told.value, told.low, told.high) == pytest.approx((2, 2, 2))


def test_a_search_for_what_is_left_out_is_not_one_for_anything_else():
    def search(items, wanted):
        return Search(
            viewer="pa", day="", query="q", picked_from="", is_exploratory=True, is_wanted=wanted,
            is_taken=wanted, items=items,
        )  # fmt: skip

    new = tuple(range(100, 110))
    day = Day(
        arm="the whole", asked={"a": ()}, keys={"a": "pa"}, items=4,
        searches=[
            search((1, 2, *new[:5]), True), search((1, 2, *new[:4]), True), search((), False),
        ],
    )  # fmt: skip
    found = compare.people_of(day, {1: 0, 2: 1}, only=["i1", "i2"])
    assert found.searches.tolist() == [3]
    assert (found.other.tolist(), found.other_wanted.tolist()) == ([2], [1])
    # Where nothing is left out, every search counts.
    everything = {item: place for place, item in enumerate((1, 2, *new))}
    assert compare.people_of(day, everything).other.tolist() == [3]
