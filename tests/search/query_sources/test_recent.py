import pytest

from catalog.models import Answer
from catalog.people import erase_history
from catalog.types import Viewer
from search.models import Query
from search.query_sources.recent import Recent
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


def texts(viewer):
    return [each.text for each in Recent().of_viewer(viewer)]


def test_it_is_the_viewers_own_newest_first_and_nobody_elses(films):
    me = visitor("me")
    log_search("hulot", viewer=me, items=[films["Playtime"]], seconds_ago=900)
    log_search("hitchcock", viewer=me, items=[films["Vertigo"]], seconds_ago=300)
    log_search("hulot", viewer=me, items=[films["Playtime"]], seconds_ago=100)
    log_search("secret", viewer=visitor("other"), items=[films["Rope"]])
    assert texts(me) == ["hulot", "hitchcock"]
    assert texts(Viewer()) == []


def test_half_typed_and_fruitless_searches_are_left_out(films):
    me = visitor("me")
    log_search("hit", viewer=me, items=[films["Vertigo"]], seconds_ago=100, is_typing=True)
    log_search("hitchcock", viewer=me, items=[films["Vertigo"]], seconds_ago=99, is_typing=True)
    log_search("asdf", viewer=me, seconds_ago=50)
    assert texts(me) == ["hitchcock"]


def test_it_is_gone_with_the_history_and_was_never_stored(films):
    me = visitor("me")
    log_search("hulot", viewer=me, items=[films["Playtime"]])
    assert not Query.objects.exists()
    erase_history(viewer=me)
    assert not Answer.objects.exists()
    assert texts(me) == []
