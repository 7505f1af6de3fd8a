"""Each number against plain loops over a small log."""

from collections import Counter, defaultdict
from io import StringIO
from statistics import fmean

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.urls import reverse

from catalog.models import Answer, Event, EventKind, Item, Person
from catalog.types import Viewer
from recs.models import ItemPopularity
from search.analytics.scope import Period, Scope
from search.exploration.gini import gini
from search.exploration.log import read_searches
from search.exploration.measures import by_day, measure, ratio
from search.exploration.report import ColdReach, exploration
from tests.search.films import log_search, visitor
from tests.search.slow_analytics import happened, searches_of, world

pytestmark = pytest.mark.django_db
WANTED = {EventKind.CLICK, EventKind.PLAY, EventKind.LIKE, EventKind.ADD, EventKind.PURCHASE}
HOUR = 3600


def week():
    cache.clear()
    return Scope(Period.last(7))


@pytest.mark.parametrize("seed", range(3))
def test_every_number_is_that_of_plain_loops(films, seed):
    world(films, seed)
    scope = week()
    slow = searches_of(scope.period)
    searches = read_searches(scope)
    found = measure(searches, items=Item.objects.visible().count())
    assert found.searches == len(slow) > 60
    assert found.people == len({one.viewer for one in slow if one.viewer})
    words = [len(one.row.normalized_query.split()) for one in slow]
    assert found.words.value == pytest.approx(fmean(words))
    assert found.longest_of_all == max(words)
    longest = defaultdict(int)
    for one in slow:
        if one.viewer:
            longest[one.viewer] = max(longest[one.viewer], len(one.row.normalized_query.split()))
    assert found.longest.value == pytest.approx(fmean(longest.values()))
    counts = Counter(
        hit["item"]
        for one in slow
        for hit in [hit for hit in one.row.hits if hit["source"] != "related"][:10]
    )
    assert found.shown == len(counts)
    assert found.gini == pytest.approx(gini(counts.values(), items=len(films)))
    taken = {str(one.row.query_id) for one in slow if one.is_taken}
    assert sum(one.is_taken for one in searches) == len(taken)
    explored = [one for one in searches if one.is_exploratory]
    assert found.downstream.value == pytest.approx(
        sum(one.is_taken for one in explored) / (len(explored) or 1)
    )
    assert sum(day.searches for day in by_day(searches, items=len(films)).values()) == len(slow)


def test_an_item_is_wanted_by_an_act_that_says_so_and_a_view_says_nothing(films):
    anna = visitor("anna")
    for kind, expected in (
        (EventKind.VIEW, False),
        (EventKind.CLICK, True),
        (EventKind.LIKE, True),
    ):
        query_id = log_search(f"comedy {kind.label}", viewer=anna, items=[films["Playtime"]])
        happened(query_id, films["Playtime"], viewer=anna, kind=kind.label)
        found = {one.query: one for one in read_searches(week())}
        assert found[f"comedy {kind.label}"].is_wanted is expected


def test_who_recommended_a_query_does_not_matter(films):
    for name, source in (("anna", ""), ("bert", "expansions")):
        log_search("french comedy", viewer=visitor(name), items=list(films.values())[:6],
                   picked_from=source)  # fmt: skip
    assert [one.is_exploratory for one in read_searches(week())] == [True, True]


def test_a_narrow_search_is_exploratory_for_whom_its_category_is_new(films):
    person = Person.objects.create(external_id="anna")
    anna, bert = Viewer(person_id=person.pk), visitor("bert")
    happened(None, films["Rope"], viewer=anna, kind="like", seconds_ago=9 * HOUR)
    happened(None, films["Trafic"], viewer=bert, kind="like", seconds_ago=9 * HOUR)
    nobody_yet = visitor("cleo")
    for viewer in (anna, bert, nobody_yet):
        log_search("paris in motion", viewer=viewer, items=[films["Playtime"]], seconds_ago=HOUR)
    found = {one.viewer: one.is_exploratory for one in read_searches(week())}
    assert found == {f"p{person.pk}": True, "abert": False, "acleo": False}


def test_a_category_is_new_only_until_it_is_met(films):
    anna = visitor("anna")
    happened(None, films["Vertigo"], viewer=anna, kind="like", seconds_ago=9 * HOUR)
    for ago, title in ((3 * HOUR, "Playtime"), (2 * HOUR, "Trafic"), (HOUR, "Rope")):
        query_id = log_search(f"about {title}", viewer=anna, items=[films[title]], seconds_ago=ago)
        happened(query_id, films[title], viewer=anna, seconds_ago=ago - 10)
    found = {one.query: one.new_categories for one in read_searches(week())}
    assert found["about playtime"] == {"category:Comedy"}
    assert found["about trafic"] == set()
    assert found["about rope"] == {"category:Crime"}
    assert exploration(week()).totals.reach.value == 1


def test_what_comes_later_is_not_known_at_the_time_of_the_search(films):
    anna = visitor("anna")
    happened(None, films["Rope"], viewer=anna, kind="like", seconds_ago=9 * HOUR)
    log_search("paris in motion", viewer=anna, items=[films["Playtime"]], seconds_ago=HOUR)
    before = [one.is_exploratory for one in read_searches(week())]
    happened(None, films["Trafic"], viewer=anna, kind="like", seconds_ago=10)
    assert [one.is_exploratory for one in read_searches(week())] == before == [True]


def test_the_interval_is_that_of_people(films):
    alike = ratio([(1, 2)] * 8)
    assert alike.value == 0.5
    assert alike.error == pytest.approx(0)
    apart = ratio([(2, 2), (0, 2)] * 4)
    # By hand: sqrt(8 / 7 * 8 * 1) / 16.
    assert apart.error == pytest.approx((8 / 7 * 8) ** 0.5 / 16)
    assert ratio([(1, 2)]).interval[0] == 0
    assert ratio([]).value == 0


def test_an_empty_log_has_empty_numbers(films):
    found = exploration(week())
    assert found.days == {}
    assert found.totals.searches == found.totals.gini == 0


def test_a_cold_item_is_one_that_nobody_has_wanted_yet(films):
    ItemPopularity.objects.filter(item__title__in=["Rope", "Trafic"]).update(people=0)
    ItemPopularity.objects.filter(item__title="Vertigo").delete()
    log_search("quiet films", viewer=visitor("anna"), items=[films["Rope"], films["Playtime"]])
    assert exploration(week()).cold == ColdReach(items=3, shown=1)


def test_what_is_kept_for_half_a_minute_is_what_was_counted(films):
    world(films, 2)
    scope = week()
    counted = exploration(scope, category="Comedy")
    assert counted.category is not None
    log_search("one more", viewer=visitor("late"))
    assert exploration(scope, category="Comedy") == counted
    cache.clear()
    assert exploration(scope, category="Comedy") != counted


def test_the_command_prints_them_and_how_a_category_is_reached(films):
    anna = visitor("anna")
    query_id = log_search("french comedy", viewer=anna, items=list(films.values())[:8])
    happened(query_id, films["Mon Oncle"], viewer=anna)
    cache.clear()
    out = StringIO()
    call_command("exploration_report", days=7, category="Comedy", stdout=out)
    told = out.getvalue()
    assert "100.0 %" in told
    assert "Comedy: 3 of 8 items were among first hits; 100.0 % of searches showed one" in told
    assert "people reached: 1" in told


def test_the_page_shows_them(films, admin_client):
    anna, bert = visitor("anna"), visitor("bert")
    log_search("french comedy", viewer=anna, items=list(films.values())[:8])
    log_search("rear window", viewer=bert, items=[films["Rear Window"]])
    cache.clear()
    page = admin_client.get(reverse("admin:search_analytics"))
    assert page.status_code == 200
    assert "Exploration" in page.text
    assert "50.0 %" in page.text


def test_nothing_is_written(films):
    world(films, 1)
    before = (Answer.objects.count(), Event.objects.count())
    read_searches(week())
    exploration(week(), category="Comedy")
    assert (Answer.objects.count(), Event.objects.count()) == before
