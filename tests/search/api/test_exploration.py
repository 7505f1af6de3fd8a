"""Exploration over REST."""

import pytest
from django.core.cache import cache

from catalog.keys import issue_key
from tests.search.films import log_search, visitor
from tests.search.slow_analytics import happened

pytestmark = pytest.mark.django_db
PATH = "/api/v1/analytics/exploration"


@pytest.fixture
def ask(client):
    """A caller with a scope."""

    def get(scope="admin", **params):
        cache.clear()
        _, secret = issue_key(name=scope, scopes=[scope], rate_per_minute=10_000)
        return client.get(PATH, params, headers={"x-api-key": secret})

    return get


def test_it_tells_the_whole_the_days_and_a_category(ask, films):
    query_id = log_search("french comedy", viewer=visitor("a"), items=list(films.values())[:8])
    happened(query_id, films["Mon Oncle"], viewer=visitor("a"))
    log_search("rear window", viewer=visitor("b"), items=[films["Rear Window"]])
    told = ask(days=7, category="Comedy").json()
    assert told["totals"]["searches"] == 2
    assert told["totals"]["exploratory"]["value"] == 0.5
    assert told["totals"]["success"]["value"] == 0.5
    assert told["totals"]["known_success"]["value"] == 0
    assert told["totals"]["exploratory"]["low"] is not None
    assert sum(day["searches"] for day in told["days"]) == 2
    assert told["category"]["shown"] == 3
    assert told["category"]["people"] == 1


def test_an_empty_log_is_told_too(ask):
    told = ask().json()
    assert told["totals"]["exploratory"] == {"value": None, "low": None, "high": None, "whole": 0}
    assert (told["days"], told["category"]) == ([], None)


def test_who_may_not_see_the_log_sees_none_of_it(ask):
    assert ask("read").status_code == 403
    assert ask(days="x").status_code == 400
