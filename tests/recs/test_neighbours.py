from datetime import timedelta

import pytest

from catalog.events import record_events
from catalog.models import Event, Item
from catalog.types import ItemInput
from recs import neighbours
from recs.ml.cooccurrence import CooccurrenceConfig
from recs.models import ItemNeighbour, ItemPopularity, NeighbourVersion
from recs.neighbours import NeighbourConfig, build_neighbours, read_wanted
from tests.recs.conftest import NOON, like, make_items


@pytest.fixture
def ids(db):
    return make_items([ItemInput(external_id=f"i{n}", title=f"Item {n}") for n in range(6)])


def likes(people, items, *, start=NOON, **changes):
    return [
        like(person, item, time=start + timedelta(minutes=place), **changes)
        for person in people
        for place, item in enumerate(items)
    ]


def pairs(version):
    rows = ItemNeighbour.objects.filter(version=version)
    return {
        (row.item.external_id, row.neighbour.external_id, row.people)
        for row in rows.select_related("item", "neighbour")
    }


def content(version):
    neighbour = ItemNeighbour.objects.filter(version=version).order_by("item", "neighbour")
    popularity = ItemPopularity.objects.filter(version=version).order_by("item")
    return (
        list(neighbour.values_list("item", "neighbour", "score", "people")),
        list(popularity.values_list("item", "wanted", "people", "trending", "rating")),
    )


def test_what_people_want_together_becomes_neighbours(ids):
    record_events(events=likes(("ann", "bob", "cem"), ("i0", "i1")) + likes(("dee",), ("i0", "i2")))
    version = build_neighbours()
    assert version.is_live
    assert pairs(version) == {("i0", "i1", 3), ("i1", "i0", 3)}


def test_events_at_and_after_as_of_change_nothing(ids):
    record_events(events=likes(("ann", "bob"), ("i0", "i1")))
    as_of = NOON + timedelta(hours=1)
    before = build_neighbours(as_of=as_of)
    expected = content(before)
    record_events(
        events=[
            *likes(("ann", "bob"), ("i0", "i1", "i2"), start=as_of),
            *likes(("cem",), ("i3",), start=as_of + timedelta(days=9), kind="rating", value=1.0),
        ]
    )
    assert content(build_neighbours(as_of=as_of)) == expected
    assert content(build_neighbours()) != expected


def test_low_ratings_dislikes_and_impressions_are_no_wish(ids):
    record_events(
        events=[
            *likes(("ann", "bob"), ("i0", "i1"), kind="rating", value=2.0),
            *likes(("ann", "bob"), ("i2", "i3"), kind="dislike"),
            *likes(("ann", "bob"), ("i4", "i5"), kind="impression"),
        ]
    )
    version = build_neighbours()
    assert pairs(version) == set()
    rows = ItemPopularity.objects.filter(version=version)
    assert set(rows.values_list("item__external_id", "wanted")) == {("i0", 0), ("i1", 0)}


def test_visitors_without_an_account_count_as_people(ids):
    record_events(
        events=[
            *likes(("",), ("i0", "i1"), anonymous_id="one"),
            *likes(("",), ("i0", "i1"), anonymous_id="two"),
        ]
    )
    assert ("i0", "i1", 2) in pairs(build_neighbours())
    assert len(set(read_wanted(as_of=NOON + timedelta(days=1)).people.tolist())) == 2


def test_popularity_holds_counts_people_and_shrunk_ratings(ids):
    record_events(
        events=[
            *likes(("ann", "bob"), ("i0",), kind="rating", value=5.0),
            *likes(("ann",), ("i0",), start=NOON + timedelta(hours=3)),
            *likes(("ann",), ("i1",), kind="rating", value=2.0),
        ]
    )
    version = build_neighbours()
    best = ItemPopularity.objects.get(version=version, item_id=ids["i0"])
    assert (best.wanted, best.people) == (3, 2)
    assert best.rating == pytest.approx((10 + 10 * 4) / 12)
    assert best.trending == pytest.approx(3)


def test_no_events_give_an_empty_live_version(ids):
    version = build_neighbours()
    assert version.is_live
    assert (version.events, version.pairs) == (0, 0)


def test_a_new_version_replaces_the_old_and_two_are_kept(ids):
    record_events(events=likes(("ann", "bob"), ("i0", "i1")))
    first, second, third = build_neighbours(), build_neighbours(), build_neighbours()
    assert list(NeighbourVersion.objects.live()) == [third]
    assert set(NeighbourVersion.objects.all()) == {second, third}
    assert not ItemNeighbour.objects.filter(version_id=first.pk).exists()


def test_a_run_that_dies_leaves_the_live_version_as_it_was(ids, monkeypatch):
    record_events(events=likes(("ann", "bob"), ("i0", "i1")))
    live = build_neighbours()

    def die(version):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(neighbours, "_make_live", die)
        with pytest.raises(KeyboardInterrupt):
            build_neighbours()
    assert list(NeighbourVersion.objects.all()) == [live]
    assert len(pairs(live)) == 2


def test_events_of_items_that_are_gone_are_left_out(ids):
    record_events(events=likes(("ann", "bob"), ("i0", "i1", "i2")))
    Item.objects.filter(pk=ids["i2"]).delete()
    assert Event.objects.filter(item_id=ids["i2"]).exists()
    assert {pair[:2] for pair in pairs(build_neighbours())} == {("i0", "i1"), ("i1", "i0")}


def test_the_configuration_is_kept_with_the_version(ids):
    config = NeighbourConfig(cooccurrence=CooccurrenceConfig(window=7))
    version = build_neighbours(config=config)
    version.refresh_from_db()
    assert version.config["cooccurrence"]["window"] == 7
    assert version.config["popularity"]["half_life_days"] == 60.0
