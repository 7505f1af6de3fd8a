"""The demos: real films and real people, a store's order lines; loaded once, or in place."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.errors import Conflict, InvalidInput
from catalog.importers import demos, films, store
from catalog.importers.bulk import copy_events, copy_items
from catalog.importers.demo_data import DemoMissing
from catalog.importers.film_text import describe
from catalog.importers.films import film_item, match_films, read_film_rows
from catalog.models import Collection, CollectionItem, Event, Item, Label, Person
from catalog.profiles import current_profile
from catalog.types import EventInput, ItemInput
from recs.models import ContentVersion
from search.models import Query

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def film_demo():
    pytest.importorskip("bokeh_sampledata", reason="the extra `demo` is not installed")
    return films.read_demo()


@pytest.fixture(scope="module")
def store_demo():
    pytest.importorskip("bokeh_sampledata", reason="the extra `demo` is not installed")
    return store.read_demo()


def item(demo, title, year=None):
    found = [i for i in demo.items if i.title == title and year in (None, i.year)]
    assert len(found) == 1, f"{len(found)} films are called {title}"
    return found[0]


def test_most_ratings_find_their_film(film_demo):
    assert len(film_demo.items) == 17_472
    assert len({event.item_id for event in film_demo.events}) >= 7_338
    assert len(film_demo.events) >= 0.93 * 100_004
    assert len({event.user_id for event in film_demo.events}) == 671


def test_every_item_event_and_collection_can_be_stored(film_demo, store_demo):
    for demo in (film_demo, store_demo):
        ids = {i.external_id for i in demo.items}
        assert len(ids) == len(demo.items)
        assert {event.item_id for event in demo.events} <= ids
        assert len({c.external_id for c in demo.collections}) == len(demo.collections)
        assert len({c.title for c in demo.collections}) == len(demo.collections)
        assert all(set(c.item_ids) <= ids and c.description for c in demo.collections)
        assert all(3 <= len(set(c.item_ids)) == len(c.item_ids) <= 60 for c in demo.collections)
        assert 40 <= len(demo.collections) <= 120


def test_a_film_is_what_the_source_says(film_demo):
    godfather = item(film_demo, "The Godfather")
    assert (godfather.year, str(godfather.released_on)) == (1972, "1972-03-15")
    assert list(godfather.creators) == ["Francis Ford Coppola"]
    assert "Crime" in godfather.category_paths
    assert godfather.attributes["runtime_minutes"] == 175
    assert godfather.attributes["oscars"] == 2
    assert {"Al Pacino", "Marlon Brando"} <= set(godfather.attributes["cast"])
    assert len(godfather.attributes["cast"]) == 15
    assert "The Godfather" not in godfather.description
    assert godfather.description.startswith("A 1972 Italian-American crime")


def test_a_cast_begins_with_its_stars_and_not_with_who_passes_through(film_demo):
    assert item(film_demo, "Rear Window").attributes["cast"][0] == "James Stewart"
    assert item(film_demo, "Casablanca").attributes["cast"][0] == "Humphrey Bogart"
    assert "with Alfred Hitchcock" not in item(film_demo, "Rear Window").description


def test_series_hold_their_parts_in_order_and_no_strangers(film_demo):
    titles = {i.external_id: i.title for i in film_demo.items}
    series = {c.title: [titles[i] for i in c.item_ids] for c in film_demo.collections}
    assert series["The Godfather, the series"] == [
        "The Godfather", "The Godfather Part II", "The Godfather Part III",
    ]  # fmt: skip
    assert series["Men in Black, the series"][0] == "Men in Black"
    # "Arthur" of 1981 and "Arthur 3: The War of the Two Worlds" of 2010 have nobody in common.
    assert "Arthur, the series" not in series


def test_a_film_is_matched_by_other_names_and_a_year_beside_but_never_twice():
    matches = match_films(
        films=[
            ("a", "Se7en", 1995), ("b", "Les Misérables", 1995), ("c", "Solaris", 1972),
            ("d", "Solaris", 2002), ("e", "Twins", 1990), ("f", "Twins", 1992), ("g", "Solo", 2000),
        ],
        rated={
            1: ("Seven (a.k.a. Se7en)", 1995), 2: ("Misérables, Les", 1994), 3: ("Solaris", 1972),
            4: ("Twins", 1991), 5: ("Unknown", 1995), 6: ("Solo", 2000), 7: ("Solo", 2001),
        },
    )  # fmt: skip
    assert matches == {1: "a", 2: "b", 3: "c", 6: "g"}


def test_a_description_says_only_what_is_known():
    plain = {"genres": [], "countries": [], "directors": [], "attributes": {}, "nominations": 0}
    assert describe(year=1963, **plain) == "A 1963 film."
    full = describe(
        year=2002,
        genres=["Science fiction", "Comedy"],
        countries=["France", "Atlantis"],
        directors=["A", "B"],
        attributes={
            "cast": ["C", "B"],
            "writers": ["D", "A"],
            "runtime_minutes": 84,
            "languages": ["French"],
        },
        nominations=1,
    )
    assert full == (
        "A 2002 science fiction comedy from France and Atlantis, directed by A and B, with C. "
        "Written by D and A. In French, 84 minutes. Nominated for 1 Oscar."
    )


def test_broken_values_of_the_source_are_left_out():
    row = {
        "id": 1, "external_id": "x", "title": " T ", "year": 2000, "certificate": None,
        "runtime": 1.0, "genres": "Sci-Fi, Sci-Fi", "released": "2000-01-01",
        "directors": "Sammy Davis, Jr., B", "writers": None, "cast_names": "", "metacritic": None,
        "languages": None, "countries": "", "awards": None, "oscars": 0, "tomatometer": None,
        "studio": None,
    }  # fmt: skip
    made = film_item(row, {})
    assert made.attributes == {}
    assert made.category_paths == ["Science fiction"]
    assert made.creators == ["Sammy Davis, Jr.", "B"]
    assert made.released_on is None


def test_store_products_are_priced_as_sold(store_demo):
    chair = item(store_demo, "Premium chair, $243.98")
    assert str(chair.price) == "243.98"
    assert chair.category_paths == ["Furniture/Chairs"]
    assert len(store_demo.events) == 9_994
    spent = sum(event.value for event in store_demo.events)
    assert spent == pytest.approx(2_297_200.86, abs=1)
    assert all(event.properties["assumed_time"] for event in store_demo.events)


def small(demo, count=300):
    """The beginning of a demo: what loading does is the same."""
    kept = {i.external_id for i in demo.items[:count]}
    return type(demo)(
        name=demo.name,
        items=demo.items[:count],
        events=[e for e in demo.events if e.item_id in kept][:count],
        collections=[
            type(c)(
                external_id=c.external_id, title=c.title, description=c.description,
                item_ids=[i for i in c.item_ids if i in kept],
            )
            for c in demo.collections[:3]
        ],
        profile=demo.profile,
    )  # fmt: skip


@pytest.fixture
def small_demos(film_demo, store_demo, monkeypatch):
    made = {"films": lambda: small(film_demo), "store": lambda: small(store_demo)}
    monkeypatch.setattr(demos, "DEMOS", made)
    return made


def test_loading_a_demo_again_changes_nothing(small_demos):
    first = demos.load_demo(name="films")
    assert first["items"] == {"created": 300, "updated": 0, "unchanged": 0}
    again = demos.load_demo(name="films")
    assert again["items"] == {"created": 0, "updated": 0, "unchanged": 300}
    assert again["events"]["accepted"] == 0
    assert Event.objects.count() == first["events"]["accepted"]
    assert Person.objects.filter(is_demo=True).count() == Person.objects.count() > 0
    assert current_profile().item_noun == "film"


def test_an_interrupted_load_is_completed(small_demos, kill_after, killed):
    with pytest.raises(killed):
        demos.load_demo(name="films", progress=kill_after(1))
    demos.load_demo(name="films")
    assert Item.objects.count() == 300
    assert Event.objects.exists()
    assert Collection.objects.exists()


def test_another_catalog_is_not_touched_without_being_told_to(small_demos):
    copy_items(items=[ItemInput(external_id="mine", title="My own")])
    with pytest.raises(Conflict, match=r"1 items.*--replace"):
        demos.load_demo(name="films")
    assert Item.objects.count() == 1
    out = StringIO()
    with pytest.raises(CommandError, match="--replace"):
        call_command("demo", "films", stdout=out)


def test_replacing_removes_all_that_stood_on_the_old_catalog_and_keeps_the_rest(small_demos):
    demos.load_demo(name="films")
    Person.objects.create(external_id="kept")
    Query.objects.create(text="films", normalized="films", source="titles")
    version = ContentVersion.objects.create(
        encoder="e", revision="r", template="t", dimensions=3, is_live=True
    )
    Label.objects.create(kind="relevance", query="q", item=Item.objects.first(), grade=1)
    # The test's own transaction still has to check the label's foreign keys.
    connection.check_constraints()
    demos.load_demo(name="store", replace=True)
    assert set(Item.objects.values_list("currency", flat=True)) == {"USD"}
    assert not Label.objects.exists()
    assert not Query.objects.exists()
    assert CollectionItem.objects.exclude(item__currency="USD").count() == 0
    assert Event.objects.exclude(kind=7).count() == 0
    assert Person.objects.filter(external_id="kept").exists()
    assert ContentVersion.objects.get() == version
    assert current_profile().range_facet == "price"


def test_an_item_that_was_added_to_the_demo_does_not_make_it_another_catalog(small_demos):
    demos.load_demo(name="films")
    copy_items(items=[ItemInput(external_id="mine", title="My own")])
    demos.load_demo(name="films")
    assert Item.objects.count() == 301


def test_events_of_a_visitor_survive_loading_again(small_demos, film_demo):
    demos.load_demo(name="films")
    mine = EventInput(
        kind="view", item_id=film_demo.items[0].external_id, anonymous_id="me",
        time=film_demo.events[0].time,
    )  # fmt: skip
    copy_events(events=[mine])
    demos.load_demo(name="films")
    assert Event.objects.filter(anonymous_id="me").count() == 1


def test_an_unknown_demo_and_missing_packages_are_told(monkeypatch):
    with pytest.raises(InvalidInput, match="films, store"):
        demos.load_demo(name="songs")
    monkeypatch.setitem(__import__("sys").modules, "bokeh_sampledata.movies_data", None)
    with pytest.raises(DemoMissing, match="demo"):
        read_film_rows()
    with pytest.raises(CommandError, match=r"pip install.*\[demo\]"):
        call_command("demo", "films", stdout=StringIO())


def test_the_command_tells_what_was_loaded(small_demos):
    out = StringIO()
    call_command("demo", "store", stdout=out)
    assert "Items: 300 new" in out.getvalue()
    assert "collections" in out.getvalue()
