"""What every source of queries promises."""

import pytest
from django.db import connection

from catalog.models import Item
from catalog.profiles import current_profile
from search.models import Query
from search.query_sources.base import MAX_SHOWN_CHARACTERS, presentable
from search.query_sources.registry import SOURCES, names_on
from search.query_store import build_queries
from search.written_queries import Origin, Written, propose
from tests.search.films import log_search, visitor

ONLINE_ONLY = {"recent", "onward"}
pytestmark = pytest.mark.django_db


@pytest.fixture(params=SOURCES, ids=lambda source: source.name)
def source(request, films):
    """Each source, over a catalog that has something for it."""
    for n in range(3):
        log_search("funny hulot films", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    for title in ("Playtime", "Vertigo"):
        written = [Written(text="tricks of the modern eye", descriptor="theme", evidence="eye")]
        origin = Origin(model="m", revision="r", prompt_version="1", call=1)
        propose(films[title], written, text="An eye.", origin=origin)
    return request.param


def test_the_names_are_those_of_the_model():
    assert sorted(source.name for source in SOURCES) == sorted(Query.Source.values)


def test_an_offline_source_offers_something_and_an_online_one_nothing(source):
    offered = list(source.candidates(current_profile()))
    assert bool(offered) == (source.name not in ONLINE_ONLY)


def test_every_text_is_clean_and_short_enough_to_be_shown(source):
    for each in source.candidates(current_profile()):
        assert presentable(each.text) == (each.text, each.normalized)
        assert 0 < len(each.text) <= MAX_SHOWN_CHARACTERS


def test_every_query_carries_where_it_came_from(source):
    for each in source.candidates(current_profile()):
        assert each.source == source.name
        assert each.provenance["rule"]


def test_every_query_is_answered_by_visible_items(source, films):
    visible = set(Item.objects.visible().values_list("pk", flat=True))
    for each in source.candidates(current_profile()):
        assert each.answers_estimate >= 1
        assert 1 <= len(each.witnesses) <= 5
        assert set(each.witnesses) <= visible
        assert 0 <= each.popularity <= 1


def test_the_same_catalog_gives_the_same_queries_in_the_same_order(source):
    assert list(source.candidates(current_profile())) == list(source.candidates(current_profile()))


def test_it_does_not_grow_with_statements(source, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        list(source.candidates(current_profile()))


def test_it_can_be_switched_off_and_its_queries_leave_the_store(source, settings):
    build_queries()
    settings.SEARCH_QUERY_SOURCES_OFF = [source.name]
    assert source.name not in names_on()
    build_queries()
    assert not Query.objects.filter(source=source.name).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM search_query")
        assert cursor.fetchone()[0] > 0


def test_an_empty_catalog_is_no_error(source):
    Item.objects.all().delete()
    assert [c for c in source.candidates(current_profile()) if c.source != "log"] == []
