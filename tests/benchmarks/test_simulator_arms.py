"""Arms of the simulator over a real database: paired, and leaving the log as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from benchmarks.simulator.arms import NO_PILLS, WHOLE, arms, switched_off
from benchmarks.simulator.config import Assumptions
from benchmarks.simulator.day import Plan, simulate
from benchmarks.simulator.people import Person, World
from benchmarks.simulator.serving import Asking, reached
from catalog.event_kinds import EventKind
from catalog.events import EventRow, copy_events
from catalog.items import item_input
from catalog.models import Answer, Event, Item
from catalog.models import Person as StoredPerson
from catalog.types import Viewer
from search.models import Query
from search.query_sources.registry import SOURCES, names_on
from search.query_store import build_queries
from search.text import normalize_query
from search.types import SearchRequest
from tests.search.films import load_films

pytestmark = pytest.mark.django_db
LATER = {
    "anna": ("Playtime", "Trafic", "Le Corniaud", "Vertigo"),
    "bert": ("The Birds", "Rope", "Mon Oncle"),
}
CURIOUS = Assumptions(
    title=0.1, typed=0.5, pill_attention=1.0, pill_depth=1.0, pill_wrong=0.5, pill_noise=0.0
)


@pytest.fixture
def world():
    films = load_films()
    build_queries()
    names = {title: item.external_id for title, item in films.items()}
    for name in LATER:
        person = StoredPerson.objects.create(external_id=name)
        copy_events(
            rows=[
                EventRow(
                    timezone.now() - timedelta(days=9), int(EventKind.LIKE), person.pk,
                    None, None, films["The Godfather"].pk, None, "", None, None, None,
                )
            ]
        )  # fmt: skip
    return World(
        items=[item_input(item) for item in Item.objects.all()],
        newcomers=[],
        history=[],
        log=[],
        people=[
            Person(name=name, later=tuple(names[t] for t in titles), typed=("french comedy",))
            for name, titles in LATER.items()
        ],
        profile={},
        new_category="",
    )


def named(name):
    return next(arm for arm in arms() if arm.name == name)


def day(world, name, **changes):
    plan = Plan(assumed=replace(CURIOUS, **changes), seed=3)
    return simulate(named(name), world, Asking(), plan)


def test_a_day_leaves_log_events_and_store_as_they_were(world):
    def state():
        return Answer.objects.count(), Event.objects.count(), Query.objects.count()

    before = state()
    off = f"without {SOURCES[1].name}"
    found = [day(world, name) for name in (NO_PILLS, WHOLE, off)]
    assert state() == before
    assert all(one.searches for one in found)
    assert settings.SEARCH_QUERY_SOURCES_OFF == []


def test_without_pills_none_is_picked_and_with_them_some_are(world):
    bare, whole = day(world, NO_PILLS), day(world, WHOLE)
    assert {one.picked_from for one in bare.searches} == {""}
    assert any(one.picked_from for one in whole.searches)
    assert "pill" in {one.kind for asked in whole.asked.values() for one in asked}


def test_arms_begin_with_the_same_search_of_the_same_people(world):
    bare, whole = day(world, NO_PILLS), day(world, WHOLE)
    assert list(bare.asked) == list(whole.asked)
    for name, asked in bare.asked.items():
        assert asked[0].query == whole.asked[name][0].query
        assert asked[0].clicked == whole.asked[name][0].clicked
    assert day(world, WHOLE).asked == whole.asked


def test_the_log_tells_what_the_people_tell(world):
    found = day(world, WHOLE)
    told = sum(len(one.taken) > 0 for asked in found.asked.values() for one in asked)
    assert sum(one.is_taken for one in found.searches) == told
    assert len(found.searches) == sum(len(asked) for asked in found.asked.values())


def test_a_source_that_is_off_recommends_nothing(world):
    name = SOURCES[1].name
    found = Asking().retrieve(SearchRequest(query="french comedy", per_page=24))

    def sources():
        recommended = named(WHOLE).recommend(
            query=found.query, normalized=normalize_query(found.query),
            top_item_ids=found.top_item_ids, exact_title=False, viewer=Viewer(),
        )  # fmt: skip
        return {one.source for one in recommended.queries}

    assert name in sources()
    with switched_off((name,)):
        assert name not in names_on()
        assert name not in sources()


def test_popular_candidates_come_first_where_popularity_decides(world):
    found = Asking().retrieve(SearchRequest(query="french comedy", per_page=24))
    recommended = named("popularity order").recommend(
        query=found.query, normalized="french comedy", top_item_ids=found.top_item_ids,
        exact_title=False, viewer=Viewer(),
    )  # fmt: skip
    scores = [one.score for one in recommended.queries]
    assert scores == sorted(scores, reverse=True)
    assert recommended.queries
    assert "french comedy" not in {normalize_query(one.text) for one in recommended.queries}


def test_recommended_queries_reach_more_of_the_catalog(world):
    asking = Asking()
    bare = reached(named(NO_PILLS), ["french comedy"], asking)
    whole = reached(named(WHOLE), ["french comedy"], asking)
    assert set(bare) < set(whole)


def test_an_arm_without_its_switch_says_so(world):
    for arm in arms():
        assert arm.unavailable == "" or arm.unavailable.startswith("no ranker")
