"""The admin's page of search analytics, its links and its files."""

import csv
import io
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from search import admin_analytics
from search.analytics.cells import TABLES, harmless
from tests.search.films import log_search, visitor
from tests.search.slow_analytics import happened

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


@pytest.fixture
def shown(boss):
    def get(**params):
        cache.clear()
        return boss.get(reverse("admin:search_analytics"), params)

    return get


def cells(answer):
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_empty_log_has_a_page(shown):
    text = shown().content.decode()
    assert "Nobody has searched in these days." in text
    assert "none yet" in text
    assert text.count("<main") == 1


def test_the_page_shows_the_numbers_with_their_intervals(shown, films):
    for ago in (700, 600):
        query_id = log_search(
            "tati", viewer=visitor("a"), items=[films["Trafic"], films["Playtime"]],
            seconds_ago=ago, stages={"lexical": 2.0},
        )  # fmt: skip
    happened(query_id, films["Playtime"], viewer=visitor("a"), position=2)
    log_search("zzyzx", viewer=visitor("b"))
    text = shown().content.decode()
    assert "1 of 3, 95 % interval 6.1 % to 79.2 %" in text
    assert 'role="img" aria-label="Found nothing: 33.3 % of all' in text
    assert "nothing to compare with" in text
    assert "lexical" in text
    assert "NaN" not in text


def test_a_change_is_called_sure_only_where_it_is(shown, films):
    for n in range(40):
        log_search("zzyzx", viewer=visitor(f"a{n}"), seconds_ago=9 * 86_400)
        log_search("tati", viewer=visitor(f"a{n}"), items=[films["Trafic"]])
    assert "100.0 points less than before (-100.0 to -87.6): more than chance" in (
        shown().content.decode()
    )
    other = shown(**{"from": "2026-01-01", "to": "2026-01-02"})
    assert not [fact for fact in other.context["facts"] if "more than chance" in fact["against"]]


def test_each_query_leads_to_where_it_is_mended(shown, boss):
    log_search("Zzyzx & co", viewer=visitor("a"))
    found = shown().context["tables"][0]
    assert found.key == "no_results"
    (row, _, steps) = found.rows[0]
    assert row.text == "Zzyzx & co"
    assert {step.words for step in steps} >= {"Synonym", "Query", "Label", "Try it", "Replay"}
    for step in steps:
        assert "%26" in step.url or step.words in ("Query", "Log")
        assert boss.get(step.url).status_code == 200, step
    labels = next(step for step in steps if step.words == "Label")
    assert 'value="Zzyzx &amp; co"' in boss.get(labels.url).content.decode()


def test_a_reformulation_leads_to_a_synonym_of_both(shown, boss):
    log_search("zzyzx road", viewer=visitor("a"), seconds_ago=90)
    log_search("road movie", viewer=visitor("a"), seconds_ago=60)
    [(pair, steps)] = shown().context["pairs"]
    assert (pair.text, pair.then_text) == ("zzyzx road", "road movie")
    added = boss.get(steps[0].url).content.decode()
    for words in ("zzyzx road", "road movie"):
        assert re.search(rf">\s*{words}</textarea>", added), words


def test_steps_that_an_editor_may_not_take_are_left_out(client, monkeypatch):
    editor = User.objects.create_user("ed", password="correct horse battery", is_staff=True)
    client.force_login(editor)
    for name, *table in (("search_analytics",), ("search_analytics_csv", "top")):
        assert client.get(reverse(f"admin:{name}", args=table)).status_code == 403
    editor.user_permissions.add(Permission.objects.get(codename="view_answer"))
    log_search("zzyzx", viewer=visitor("a"))
    gone = ("Gone", "admin:no_such_page", {"q": "{text}"}, "")
    monkeypatch.setattr(admin_analytics, "STEPS", (*admin_analytics.STEPS, gone))
    answer = client.get(reverse("admin:search_analytics"))
    steps = answer.context["tables"][0].rows[0][2]
    assert [step.words for step in steps] == ["Try it", "Replay", "Log"]


def test_it_is_for_staff_only(client):
    for name, *table in (("search_analytics",), ("search_analytics_csv", "top")):
        answer = client.get(reverse(f"admin:{name}", args=table))
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]


@pytest.mark.parametrize(
    "given",
    [
        {"days": "abc"}, {"days": "-3"}, {"from": "x"}, {"who": NASTY},
        {"from": "2026-02-01", "to": "1"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_a_week_is_shown(shown, boss, given):
    answer = shown(**given)
    assert answer.status_code == 200
    assert answer.context["problem"]
    assert answer.context["found"].overview.scope.period.days == 7
    assert NASTY not in answer.content.decode()
    address = reverse("admin:search_analytics_csv", args=["days"])
    assert boss.get(address, given).status_code == 404


def test_dates_win_over_a_number_of_days(shown):
    answer = shown(days="7", **{"from": "2026-03-01", "to": "2026-03-03"})
    assert answer.context["problem"] == ""
    assert list(answer.context["found"].overview.days) == [
        "2026-03-01", "2026-03-02", "2026-03-03",
    ]  # fmt: skip
    assert 'value="2026-03-01"' in answer.content.decode()


def test_hostile_queries_are_text_on_the_page_and_in_the_file(shown, boss):
    for text in (NASTY, FORMULA, "\u202eevil", "{normal.__class__} {0}"):
        log_search(text, viewer=visitor("a"), seconds_ago=4000)
    answer = shown()
    assert answer.status_code == 200
    assert NASTY not in answer.content.decode()
    file = boss.get(reverse("admin:search_analytics_csv", args=["top"]))
    texts = [row["text"] for row in cells(file)]
    assert f"'{FORMULA}" in texts
    assert NASTY in texts


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_no_cell_begins_like_a_formula(text):
    assert harmless(text) == f"'{text}"
    assert harmless("1-1") == "1-1"
    assert harmless(-1) == -1


@pytest.mark.parametrize("table", TABLES)
def test_each_table_is_a_file(boss, films, table):
    for name in ("a", "b"):
        log_search("tati films", viewer=visitor(name), items=[films["Trafic"]], seconds_ago=99)
        log_search("tati zzyzx", viewer=visitor(name), seconds_ago=60, stages={"lexical": 1.5})
    rows = cells(boss.get(reverse("admin:search_analytics_csv", args=[table]), {"days": "1"}))
    assert rows
    for row in rows:
        assert None not in row
        assert None not in row.values()
    if table == "no_results":
        assert rows[0]["text"] == "tati zzyzx"
        assert (rows[0]["people"], rows[0]["no_results_share"]) == ("2", "1.0")
    if table == "days":
        assert sum(int(row["searches"]) for row in rows) == 4


def test_there_is_no_other_table(boss):
    assert boss.get(reverse("admin:search_analytics_csv", args=["people"])).status_code == 404


def test_a_few_statements_draw_the_page_and_none_twice_within_half_a_minute(boss, films):
    address = reverse("admin:search_analytics")
    for n in range(30):
        log_search(f"tati {n}", viewer=visitor("a"), items=[films["Trafic"]], seconds_ago=600 + n)
    with CaptureQueriesContext(connection) as first:
        boss.get(address)
    with CaptureQueriesContext(connection) as second:
        boss.get(address)
    # Two passes over the log of the period, one over that before, and what exploration reads.
    assert len(first) <= 8 + 7
    assert len(second) <= 5


def test_the_sidebar_leads_to_it(boss):
    text = boss.get(reverse("admin:index")).content.decode()
    assert reverse("admin:search_analytics") in text
