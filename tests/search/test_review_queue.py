"""Approval: what waits, with what speaks for it, and what becomes of it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog.types import Viewer
from search.models import Query
from search.query_store import build_queries, set_review
from search.review_queue import proposals
from search.suggest import suggest
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db
URL = "admin:search_review_queue"


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


def typed(films, text="hulot films", people=3):
    for n in range(people):
        log_search(text, viewer=visitor(f"v{n}"), items=[films["Playtime"]])


def suggested(prefix):
    return {query.text for query in suggest(prefix=prefix, viewer=Viewer()).queries}


@pytest.mark.parametrize(
    ("setting", "log", "made"),
    [
        ("none", "approved", "approved"),
        ("log", "proposed", "approved"),
        ("all", "proposed", "proposed"),
    ],
)
def test_the_setting_says_which_new_queries_wait(films, settings, setting, log, made):
    settings.SEARCH_QUERY_APPROVAL = setting
    typed(films)
    build_queries()
    assert Query.objects.get(text="hulot films").review == log
    assert Query.objects.get(text="French comedy").review == made
    assert ("hulot films" in suggested("hul")) == (log == "approved")


def test_a_build_changes_neither_a_decision_nor_what_was_shown_already(films, settings):
    typed(films)
    build_queries()
    settings.SEARCH_QUERY_APPROVAL = "all"
    typed(films, "tati films")
    build_queries()
    reviews = dict(Query.objects.filter(source="log").values_list("text", "review"))
    assert reviews == {"hulot films": "approved", "tati films": "proposed"}
    query = Query.objects.get(text="tati films")
    set_review(query_ids=[query.pk], review="approved", by="ed")
    build_queries()
    query.refresh_from_db()
    assert query.review == "approved"
    assert "tati films" in suggested("tat")


def test_the_queue_tells_what_speaks_for_each_the_most_typed_first(films, settings):
    settings.SEARCH_QUERY_APPROVAL = "log"
    typed(films)
    typed(films, "tati films", people=5)
    build_queries()
    waiting, rows = proposals()
    assert waiting == 2
    assert [(row.text, row.people, row.best_hit) for row in rows] == [
        ("tati films", 5, "Playtime"),
        ("hulot films", 3, "Playtime"),
    ]


def test_an_editor_decides_on_many_at_once_and_only_on_what_waits(boss, films, settings):
    settings.SEARCH_QUERY_APPROVAL = "log"
    typed(films)
    typed(films, "tati films")
    typed(films, "oncle films")
    build_queries()
    page = boss.get(reverse(URL)).content.decode()
    assert 'accesskey="a"' in page
    assert "hulot films" in page
    ids = {q.text: q.pk for q in Query.objects.filter(source="log")}
    set_review(query_ids=[ids["oncle films"]], review="banned", by="ann")
    boss.post(reverse(URL), {"decision": "approve", "query": list(ids.values())})
    reviews = dict(Query.objects.filter(source="log").values_list("text", "reviewed_by"))
    assert reviews == {"hulot films": "boss", "tati films": "boss", "oncle films": "ann"}
    assert "tati films" in suggested("tat")


@pytest.mark.parametrize(
    "posted",
    [{}, {"decision": "approve"}, {"decision": "x", "query": ["1"]},
     {"decision": "ban", "query": ["x", "-1", "9" * 40, "\u0664"]}],
)  # fmt: skip
def test_a_strange_form_decides_nothing(boss, posted):
    assert boss.post(reverse(URL), posted).status_code == 302


def test_who_may_only_look_decides_nothing(client, films):
    user = User.objects.create_user("reader", password="correct horse battery", is_staff=True)
    client.force_login(user)
    assert client.get(reverse(URL)).status_code == 403
    assert client.get(reverse("admin:search_answerability")).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_query"))
    assert client.get(reverse(URL)).status_code == 200
    assert client.get(reverse("admin:search_answerability")).status_code == 200
    assert client.post(reverse(URL), {"decision": "approve"}).status_code == 403
