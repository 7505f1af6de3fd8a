from datetime import timedelta

import pytest

from catalog.events import record_events
from catalog.models import Answer, Item
from catalog.profiles import save_profile
from catalog.types import ItemInput, Viewer
from recs.neighbours import build_neighbours
from recs.recommend import home_rows
from tests.recs.conftest import NOON, like, make_items

GENRES = ("Drama", "Comedy", "Western", "Crime")


@pytest.fixture
def cinema(db):
    """160 films in four genres; twelve people who each like one genre, and Ann, who likes crime."""
    save_profile(item_noun="film", item_noun_plural="films", range_facet="year")
    ids = make_items(
        [
            ItemInput(
                external_id=f"{genre}-{n}",
                title=f"{genre} {n}",
                category_paths=[genre],
                creators=[f"Director {n}"],
                year=1970 + n,
            )
            for genre in GENRES
            for n in range(40)
        ]
    )
    events = [
        like(f"{genre}-{fan}", f"{genre}-{n}", kind="rating", value=4.0 + n % 3 / 2,
             time=NOON + timedelta(days=fan, minutes=n))
        for genre in GENRES
        for fan in range(4)
        for n in range(fan, 34)
    ]  # fmt: skip
    events += [like("ann", f"Crime-{n}", time=NOON + timedelta(days=9, hours=n)) for n in range(4)]
    record_events(events=events)
    build_neighbours()
    return ids


@pytest.fixture
def ann(cinema):
    from catalog.models import Person

    return Viewer(person_id=Person.objects.get(external_id="ann").pk)


def test_rows_for_a_person_begin_with_what_they_liked_last(cinema, ann):
    rows = home_rows(ann)
    titles = [row.title for row in rows]
    assert titles[0] == "Because you liked Crime 3"
    assert "People who like what you like" in titles
    assert "Popular films now" in titles
    shown = Item.objects.filter(pk__in=[hit.item_id for hit in rows[0].hits])
    assert {item.category_paths[0] for item in shown} == {"Crime"}


def test_rows_for_nobody_show_what_is_loved_and_new(cinema):
    titles = [row.title for row in home_rows(Viewer())]
    assert titles[:2] == ["Loved by many", "New here"]
    assert sum(title.startswith("Loved in ") for title in titles) >= 1


@pytest.mark.parametrize("somebody", [True, False])
def test_no_row_is_empty_no_item_stands_twice_and_nothing_seen_returns(cinema, ann, somebody):
    rows = home_rows(ann if somebody else Viewer())
    assert 1 <= len(rows) <= 7
    shown = [hit.item_id for row in rows for hit in row.hits]
    assert len(set(shown)) == len(shown)
    assert all(row.hits and row.title and row.why for row in rows)
    assert len({row.key for row in rows}) == len(rows)
    if somebody:
        assert not set(shown) & {cinema[f"Crime-{n}"] for n in range(4)}


def test_every_row_is_an_answer_of_its_own_in_the_log(cinema, ann):
    rows = home_rows(ann)
    logged = Answer.objects.in_bulk([row.query_id for row in rows])
    assert len(logged) == len(rows)
    for row in rows:
        assert logged[row.query_id].surface == f"home:{row.key}"
        assert logged[row.query_id].person_id == ann.person_id
        assert [hit["item"] for hit in logged[row.query_id].hits] == [
            hit.item_id for hit in row.hits
        ]


def test_hidden_films_leave_the_rows_at_once(cinema):
    first = home_rows(Viewer())[0].hits[0].item_id
    Item.objects.filter(pk=first).update(is_hidden=True)
    shown = {hit.item_id for row in home_rows(Viewer()) for hit in row.hits}
    assert first not in shown


def test_a_catalog_without_any_history_still_has_a_row(db):
    make_items([ItemInput(external_id=f"i{n}", title=f"Item {n}") for n in range(3)])
    rows = home_rows(Viewer())
    assert [len(row.hits) for row in rows] == [3]
    assert rows[0].title == "New here"


def test_an_empty_catalog_has_no_rows(db):
    assert home_rows(Viewer()) == []


def test_the_number_of_queries_stays_small(cinema, ann, django_assert_max_num_queries):
    with django_assert_max_num_queries(50):
        home_rows(ann)
    with django_assert_max_num_queries(35):
        home_rows(Viewer())
