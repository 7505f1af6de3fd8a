from datetime import timedelta

import pytest

from catalog.errors import InvalidInput
from catalog.events import record_events
from catalog.filters import ItemFilters
from catalog.models import Answer, Item
from catalog.types import ItemInput, Viewer
from recs.embeddings import encode_pending
from recs.history import read_history
from recs.models import ItemNeighbour
from recs.recommend import (
    RecommendRequest,
    also_liked,
    recommend,
    similar_by_meaning,
)
from tests.recs.conftest import NOON, like, make_items


def titles(hits):
    rows = dict(Item.objects.values_list("pk", "title"))
    return [rows[hit.item_id] for hit in hits]


def test_a_person_gets_more_of_their_own_taste_and_is_told_why(world, drama_fan):
    hits = recommend(RecommendRequest(surface="home", viewer=Viewer(person_id=drama_fan), k=5)).hits
    assert all(title.startswith("Drama") for title in titles(hits))
    assert hits[0].source == "also_liked"
    assert hits[0].reason.startswith("Because you liked Drama number ")


def test_below_an_item_stand_neighbours_first_then_what_is_similar(world):
    hits = recommend(RecommendRequest(surface="item", item_id=world["drama-0"], k=9)).hits
    sources = [hit.source for hit in hits]
    assert sources == ["also_liked"] * 6 + ["similar"] * 3
    assert hits[-1].reason == "Similar to Drama number 0 in theme and words"
    behind = ItemNeighbour.objects.get(
        version__is_live=True, item_id=world["drama-0"], neighbour_id=hits[0].item_id
    )
    assert hits[0].reason == f"{behind.people} people liked both"


def test_an_item_that_nobody_touched_has_similar_ones(world):
    hits = recommend(RecommendRequest(surface="item", item_id=world["drama-13"], k=6)).hits
    assert {hit.source for hit in hits} == {"similar"}
    assert all(title.startswith("Drama") for title in titles(hits))


def test_an_item_that_is_not_encoded_yet_gets_what_is_popular_in_its_category(world):
    ids = make_items(
        [ItemInput(external_id="fresh", title="Fresh", category_paths=["Western/Late"])]
    )
    hits = recommend(RecommendRequest(surface="item", item_id=ids["fresh"], k=6)).hits
    assert {hit.source for hit in hits} == {"popular"}
    assert all(title.startswith("Western") for title in titles(hits))
    assert hits[0].reason.startswith("Popular with ")


def test_a_new_item_is_below_others_like_it_as_soon_as_it_is_encoded(world):
    Item.objects.filter(pk=world["drama-0"]).update(description="Pirates search for treasure.")
    ids = make_items(
        [ItemInput(external_id="twin", title="Pirates", description="Search for treasure.")]
    )
    Item.objects.filter(pk=world["drama-0"]).update(content_hash="")
    encode_pending()
    hits = recommend(RecommendRequest(surface="item", item_id=world["drama-0"], k=12)).hits
    assert ids["twin"] in {hit.item_id for hit in hits}


def test_a_session_leads_on_from_its_items_and_leaves_them_out(world):
    session = (world["comedy-1"], world["comedy-2"])
    hits = recommend(RecommendRequest(surface="session", session_item_ids=session, k=6)).hits
    assert all(title.startswith("Comedy") for title in titles(hits))
    assert not {hit.item_id for hit in hits} & set(session)
    assert hits[0].reason.startswith("Because you looked at Comedy number ")


def test_what_was_dismissed_stays_out_even_where_seen_items_may_come(world, drama_fan):
    request = RecommendRequest(
        surface="home", viewer=Viewer(person_id=drama_fan), k=5, exclude_seen=False
    )
    first = recommend(request).hits[0].item_id
    name = Item.objects.get(pk=first).external_id
    record_events(
        events=[like("drama-fan-0", name, kind="dismiss", time=NOON + timedelta(days=30))]
    )
    assert first not in {hit.item_id for hit in recommend(request).hits}


def test_an_anonymous_visitor_is_answered_from_their_own_clicks(world):
    record_events(
        events=[
            like("", f"western-{n}", kind="click", time=NOON, anonymous_id="walker")
            for n in range(2)
        ]
    )
    hits = recommend(
        RecommendRequest(surface="home", viewer=Viewer(anonymous_id="walker"), k=5)
    ).hits
    assert all(title.startswith("Western") for title in titles(hits))
    assert hits[0].reason.startswith("Because you looked at Western number ")


def test_the_answer_is_logged_with_what_was_shown(world, drama_fan):
    answer = recommend(
        RecommendRequest(
            surface="home",
            viewer=Viewer(person_id=drama_fan),
            k=3,
            filters=ItemFilters(category=("Drama",)),
        )
    )
    logged = Answer.objects.get(pk=answer.query_id)
    assert (logged.kind, logged.surface, logged.total) == ("recommend", "home", 3)
    assert logged.person_id == drama_fan
    assert logged.filters == {"category": ["Drama"]}
    assert [(hit["item"], hit["position"], hit["source"]) for hit in logged.hits] == [
        (hit.item_id, hit.position, hit.source) for hit in answer.hits
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"surface": "cart"}, "surface"),
        ({"surface": "item"}, "item_id"),
        ({"surface": "home", "k": 0}, "k"),
        ({"surface": "home", "k": 101}, "k"),
    ],
)
def test_a_request_that_cannot_be_answered_names_the_field(db, changes, field):
    with pytest.raises(InvalidInput) as error:
        recommend(RecommendRequest(**changes))
    assert error.value.field == field


def test_the_lists_of_an_item_page_keep_to_their_one_source(world):
    liked, similar = also_liked(world["drama-0"], 5), similar_by_meaning(world["drama-0"], 5)
    assert {hit.source for hit in liked} == {"also_liked"}
    assert {hit.source for hit in similar} == {"similar"}
    assert world["drama-0"] not in {hit.item_id for hit in (*liked, *similar)}
    assert also_liked(world["drama-13"]) == ()


def test_few_queries_for_a_person(world, drama_fan, django_assert_max_num_queries):
    request = RecommendRequest(surface="home", viewer=Viewer(person_id=drama_fan))
    with django_assert_max_num_queries(19):
        recommend(request)


def test_as_many_queries_for_many_items_as_for_few(world, drama_fan, django_assert_max_num_queries):
    for k in (3, 40):  # 40 is more than the world holds: all is compared as well
        request = RecommendRequest(surface="home", viewer=Viewer(person_id=drama_fan), k=k)
        with django_assert_max_num_queries(25):
            recommend(request)


def test_the_title_of_a_hidden_item_is_in_no_reason(world, drama_fan):
    liked = read_history(viewer=Viewer(person_id=drama_fan)).seen
    Item.objects.filter(pk__in=liked).update(is_hidden=True)
    hits = recommend(RecommendRequest(surface="home", viewer=Viewer(person_id=drama_fan), k=4)).hits
    assert hits[0].reason == "Because you liked something that is gone"
