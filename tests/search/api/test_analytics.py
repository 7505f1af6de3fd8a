"""Search analytics over REST."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from catalog.keys import issue_key
from tests.search.films import log_search, visitor
from tests.search.slow_analytics import happened

pytestmark = pytest.mark.django_db
SEARCHES, QUERIES = "/api/v1/analytics/searches", "/api/v1/analytics/queries"


@pytest.fixture
def ask(client):
    """A caller who may see everything."""
    _, secret = issue_key(name="test", scopes=["admin"], rate_per_minute=10_000)

    def get(path, **params):
        cache.clear()
        return client.get(path, params, headers={"x-api-key": secret})

    return get


def test_the_overview_has_totals_days_and_what_changed(ask, films):
    for ago in (600, 500):
        query_id = log_search("tati", viewer=visitor("a"), items=[films["Trafic"]], seconds_ago=ago)
    happened(query_id, films["Trafic"], viewer=visitor("a"), seconds_ago=490, position=1)
    log_search("zzyzx", viewer=visitor("b"), seconds_ago=10 * 86_400)
    told = ask(SEARCHES, days=7).json()
    assert (told["totals"]["searches"], told["before"]["searches"]) == (2, 1)
    assert told["totals"]["clicked"] | {"low": 0, "high": 1} == {
        "part": 1, "whole": 2, "value": 0.5, "low": 0, "high": 1,
    }  # fmt: skip
    assert told["totals"]["reciprocal_rank"]["value"] == 1
    assert told["differences"]["no_results"]["value"] == -1
    assert told["differences"]["reciprocal_rank"] is None
    assert len(told["days"]) == 8
    assert sum(day["searches"] for day in told["days"]) == 2
    today = ask(SEARCHES, **{"from": timezone.now().date() - timedelta(days=1)}).json()
    assert len(today["days"]) == 2
    assert ask(SEARCHES, who="signed_in").json()["totals"]["searches"] == 0


def test_an_empty_log_is_told_too(ask):
    told = ask(SEARCHES).json()
    assert told["totals"]["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert told["totals"]["reciprocal_rank"]["value"] is None
    for kind in ("top", "no_results", "no_clicks", "reformulations"):
        told = ask(QUERIES, kind=kind).json()
        assert (told["kind"], told["queries"], told["reformulations"]) == (kind, [], [])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("top", ["tati", "<b>zzyzx</b>", "zzyzx road"]),
        ("no_results", ["<b>zzyzx</b>", "zzyzx road"]),
        ("no_clicks", ["tati"]),
    ],
)
def test_queries_of_few_people_are_not_told(ask, films, settings, kind, expected):
    settings.SEARCH_MIN_PEOPLE_PER_QUERY = 2
    for name in ("a", "b"):
        log_search("<b>zzyzx</b>", viewer=visitor(name), seconds_ago=900)
        log_search("zzyzx road", viewer=visitor(name), seconds_ago=300)
        log_search("tati", viewer=visitor(name), items=[films["Trafic"]], seconds_ago=1900)
    log_search("tati", viewer=visitor("c"), items=[films["Trafic"]])
    log_search("my own name", viewer=visitor("a"), seconds_ago=5000)
    told = ask(QUERIES, kind=kind).json()
    assert [row["query"] for row in told["queries"]] == expected
    assert told["least_people"] == 2
    assert len(ask(QUERIES, kind=kind, limit=1).json()["queries"]) == 1


def test_reformulations_of_few_people_are_not_told(ask, films, settings):
    settings.SEARCH_MIN_PEOPLE_PER_QUERY = 2
    for name in ("a", "b"):
        log_search("hitchcok", viewer=visitor(name), seconds_ago=300)
        log_search("hitchcock", viewer=visitor(name), items=[films["Rope"]], seconds_ago=280)
    log_search("my name", viewer=visitor("c"), seconds_ago=300)
    log_search("my other name", viewer=visitor("c"), seconds_ago=290)
    told = ask(QUERIES, kind="reformulations").json()["reformulations"]
    assert [(row["query"], row["then_query"], row["people"]) for row in told] == [
        ("hitchcok", "hitchcock", 2)
    ]
    assert (told[0]["first_found_nothing"], told[0]["then_found"]) == (2, 2)


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        (SEARCHES, {"days": "abc"}, "days"),
        (SEARCHES, {"days": "-1"}, "days"),
        (SEARCHES, {"from": "2026-13-01"}, "from"),
        (SEARCHES, {"to": "2026-01-01"}, "from"),
        (SEARCHES, {"who": "me"}, "who"),
        (SEARCHES, {"kind": "top"}, "kind"),
        (QUERIES, {}, "kind"),
        (QUERIES, {"kind": "bottom"}, "kind"),
        (QUERIES, {"kind": "top", "limit": "0"}, "limit"),
        (QUERIES, {"kind": "top", "limit": "1e3"}, "limit"),
        (QUERIES, {"kind": "top", "surface": "' OR 1=1 --"}, "surface"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(ask, path, params, field):
    answer = ask(path, **params)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_it_needs_the_scope_of_administrators(client):
    for path in (SEARCHES, f"{QUERIES}?kind=top"):
        assert client.get(path).status_code == 401
        _, secret = issue_key(name="test", scopes=["read", "labels"])
        assert client.get(path, headers={"x-api-key": secret}).status_code == 403
