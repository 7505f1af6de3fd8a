"""The admin's first page, the review of queries and the report of what was not found."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import Answer, Job, Person
from search.models import Query
from search.reports import Share, asked_queries, picked_share

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


def _search(text, *, total=0, days_ago=0.0, **more):
    return Answer.objects.create(
        time=timezone.now() - timedelta(days=days_ago),
        kind="search",
        surface="search",
        query=text,
        normalized_query=text.lower(),
        total=total,
        **more,
    )


def test_the_first_page_names_what_waits_and_links_to_it(boss):
    Query.objects.create(text="new one", normalized="new one", source="log", review="proposed")
    Job.objects.create(kind="x", state="failed", finished_at=timezone.now())
    Job.objects.create(kind="x", state="running", heartbeat_at=timezone.now() - timedelta(hours=1))
    _search("Zzyzx")
    page = boss.get(reverse("admin:index"))
    tasks = {task["name"]: task for task in page.context["tasks"]}
    assert {name: task["count"] for name, task in tasks.items()} == {
        "failed jobs": 1,
        "jobs that stopped moving": 1,
        "queries without results": 1,
        "proposed queries to review": 1,
    }
    for task in tasks.values():
        assert boss.get(task["url"]).status_code == 200
    assert "Zzyzx" in page.content.decode()


def test_the_first_page_of_an_empty_site_says_that_nothing_waits(boss):
    page = boss.get(reverse("admin:index")).content.decode()
    assert "Nothing waits for you." in page


def test_the_first_page_asks_few_queries_and_none_twice_within_half_a_minute(boss):
    with CaptureQueriesContext(connection) as first:
        boss.get(reverse("admin:index"))
    with CaptureQueriesContext(connection) as second:
        boss.get(reverse("admin:index"))
    assert len(first) <= 25
    assert len(second) <= 5


def test_the_report_groups_spellings_counts_people_and_forgets_unfinished_queries(boss):
    ann, bob = (Person.objects.create(external_id=name) for name in ("ann", "bob"))
    _search("Zzyzx", person=ann)
    _search("zzyzx", person=ann)
    _search("zzyzx", person=bob)
    _search("zzyzx", anonymous_id="guest-1")
    _search("zzy", is_typing=True)
    _search("found", total=3)
    _search("long ago", days_ago=20)
    rows = asked_queries(found="nothing")
    assert [(row.normalized, row.times, row.people) for row in rows] == [("zzyzx", 4, 3)]
    page = boss.get(reverse("admin:search_no_results"), {"days": "30"}).content.decode()
    assert "long ago" in page
    assert "zzy<" not in page


def test_the_report_ignores_a_number_of_days_that_nobody_offered(boss):
    for days in ("999999999", "-1", "x", ""):
        answer = boss.get(reverse("admin:search_no_results"), {"days": days})
        assert answer.context["days"] == 7


def test_a_query_is_reviewed_on_its_own_page_in_the_reviewers_name(boss):
    query = Query.objects.create(
        text="1960s comedy", normalized="1960s comedy", source="expansions", review="approved",
        provenance={"rule": "category_decade", "values": ["1960s", "Comedy"]},
    )  # fmt: skip
    listed = boss.get(reverse("admin:search_query_changelist")).content.decode()
    assert "category_decade: 1960s, Comedy" in listed
    boss.post(reverse("admin:search_query_change", args=(query.pk,)), {"review": "banned"})
    query.refresh_from_db()
    assert (query.review, query.reviewed_by) == ("banned", "boss")


@pytest.mark.parametrize(
    ("action", "review"),
    [("approve", "approved"), ("reject", "rejected"), ("ban", "banned")],
)
def test_queries_are_reviewed_in_bulk_in_the_reviewers_name(boss, action, review):
    queries = [
        Query.objects.create(text=f"q{n}", normalized=f"q{n}", source="log", review="proposed")
        for n in range(3)
    ]
    boss.post(
        reverse("admin:search_query_changelist"),
        {"action": action, "_selected_action": [query.pk for query in queries[:2]]},
    )
    states = dict(Query.objects.values_list("text", "review"))
    assert states == {"q0": review, "q1": review, "q2": "proposed"}
    assert Query.objects.get(text="q0").reviewed_by == "boss"


def test_the_picked_share_counts_finished_searches_only():
    _search("a", total=1, picked_from="log")
    _search("b", total=1)
    _search("c", total=1, is_typing=True)
    assert picked_share() == Share(part=1, whole=2)


def test_the_interval_of_a_share_is_wilsons():
    low, high = Share(part=1, whole=10).interval
    # Wilson 1927, as tabulated in Brown, Cai and DasGupta 2001.
    assert (round(low, 3), round(high, 3)) == (0.018, 0.404)
    assert Share(part=0, whole=0).interval == (0.0, 1.0)


def test_the_first_page_and_the_reports_have_a_title_and_one_main_landmark(boss):
    for name in ("admin:index", "admin:search_no_results", "admin:catalog_event_counts"):
        page = boss.get(reverse(name)).content.decode()
        assert page.count("<main") == 1, name
        title = page.split("<title>")[1].split("</title>")[0].strip()
        assert title.endswith("| Foray"), name


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        ("index", "index"),
        ("search_query_changelist", "search_query_changelist"),
        ("search_rule_add", "search_rule_changelist"),
        ("search_review_queue", "search_query_changelist"),
        ("search_analytics", "search_analytics"),
        ("search_replay", "search_replay"),
        ("catalog_judge", "catalog_judge"),
        ("catalog_judgingpair_changelist", "catalog_judgingpair_changelist"),
    ],
)
def test_one_link_of_the_sidebar_is_marked_as_the_page_one_is_on(admin_client, page, marked):
    html = admin_client.get(reverse(f"admin:{page}")).content.decode()
    links = re.findall(r'<a href="([^"]+)"[^>]*class="([^"]*)"[^>]*>', html, re.DOTALL)
    active = [href for href, classes in links if "active" in classes.split()]
    assert active == [reverse(f"admin:{marked}")]
