"""Search analytics: each number against a slow computation, and what must not be counted."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.models import Answer, Person
from catalog.people import erase_history
from catalog.types import Viewer
from search.analytics import lists
from search.analytics.anew import is_same_need, reformulations
from search.analytics.lists import by_position, by_source, by_stage
from search.analytics.measures import Mean, mean_difference, share_difference
from search.analytics.overview import overview
from search.analytics.queries import no_click_queries, no_result_queries, top_queries
from search.analytics.report import report
from search.analytics.scope import Period, Scope, Segment
from search.reports import Share
from tests.search.films import log_search, visitor
from tests.search.slow_analytics import happened, searches_of, world

pytestmark = pytest.mark.django_db

WEEK = Scope(Period.last(7))


def week(**segment):
    cache.clear()
    return Scope(Period.last(7), Segment(**segment))


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_that_of_plain_loops(films, seed):
    world(films, seed)
    scope = week()
    slow = searches_of(scope.period)
    assert len(slow) > 60
    found = overview(scope)
    check_numbers(found.totals, slow)
    for day, numbers in found.days.items():
        of_day = [one for one in slow if one.row.time.astimezone(UTC).date().isoformat() == day]
        check_numbers(numbers, of_day)
    check_queries(scope, slow)
    check_lists(scope, slow)


@pytest.mark.parametrize(
    ("segment", "keep"),
    [
        ({"who": "signed_in"}, lambda row: row.person_id is not None),
        ({"who": "guests"}, lambda row: row.person_id is None),
        ({"ranked": "model"}, lambda row: row.model_version != ""),
        ({"who": "guests", "ranked": "fallback"},
         lambda row: row.person_id is None and row.model_version == ""),
        ({"surface": "api"}, lambda row: False),
    ],
)  # fmt: skip
def test_a_segment_is_a_part_of_the_searches(films, segment, keep):
    world(films, 9)
    scope = week(**segment)
    check_numbers(overview(scope).totals, searches_of(scope.period, keep))


def check_numbers(found, slow):
    whole = len(slow)
    places = [one.place for one in slow if one.place is not None]
    assert found.searches == whole
    assert found.people == len({one.viewer for one in slow if one.viewer})
    assert found.no_results == Share(part=sum(one.row.total == 0 for one in slow), whole=whole)
    assert found.clicked == Share(part=sum(one.is_clicked for one in slow), whole=whole)
    assert found.taken == Share(part=sum(one.is_taken for one in slow), whole=whole)
    assert found.picked == Share(part=sum(bool(one.row.picked_from) for one in slow), whole=whole)
    assert found.anew == Share(part=sum(one.is_anew for one in slow), whole=whole)
    assert found.reciprocal_rank.count == len(places)
    if places:
        mean = sum(1 / place for place in places) / len(places)
        assert found.reciprocal_rank.value == pytest.approx(mean)
        assert found.rank == pytest.approx(sum(places) / len(places))
    spent = sorted(one.row.latency_ms for one in slow)
    if spent:
        assert found.latency_ms == pytest.approx(tuple(percentile(spent, p) for p in (50, 95, 99)))


def percentile(values, p):
    """With what lies between two values, as PostgreSQL's percentile_cont."""
    at = (len(values) - 1) * p / 100
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def check_queries(scope, slow):
    def grouped(rows):
        groups = defaultdict(list)
        for one in rows:
            groups[one.row.normalized_query].append(one)
        return {
            query: (len(group), len({one.viewer for one in group if one.viewer}),
                    sum(one.is_clicked for one in group), sum(one.is_taken for one in group))
            for query, group in groups.items()
        }  # fmt: skip

    def told(rows):
        return {
            row.normalized: (row.searches, row.people, row.clicked.part, row.taken.part)
            for row in rows
        }

    assert told(top_queries(scope)) == grouped(slow)
    assert told(no_result_queries(scope)) == grouped(one for one in slow if not one.row.total)
    answered = grouped(one for one in slow if one.row.total)
    assert told(no_click_queries(scope)) == {
        query: row for query, row in answered.items() if row[1] >= 2 and row[2] == 0
    }
    pairs = defaultdict(list)
    for one in slow:
        if one.is_anew:
            pairs[one.row.normalized_query, one.then.row.normalized_query].append(one)
    assert {
        (each.normalized, each.then_normalized): (each.times, each.people, each.then_found)
        for each in reformulations(scope)
    } == {
        pair: (
            len(group),
            len({one.viewer for one in group}),
            sum(one.then.row.total > 0 for one in group),
        )
        for pair, group in pairs.items()
    }


def check_lists(scope, slow):
    places, sources = defaultdict(Counter), defaultdict(Counter)
    for one in slow:
        for hit in one.row.hits:
            counts = {
                "shown": 1,
                "clicked": hit["item"] in one.items,
                "taken": one.items.get(hit["item"], False),
            }
            sources[hit["source"]].update(counts)
            if hit["source"] != "related":
                places[str(hit["position"])].update(counts)
    for found, expected in ((by_position(scope), places), (by_source(scope), sources)):
        assert {
            row.name: {"shown": row.shown, "clicked": row.clicked.part, "taken": row.taken.part}
            for row in found
        } == expected
    assert [row.name for row in by_position(scope)] == sorted(places, key=int)
    spent = sorted(one.row.stages["lexical"] for one in slow)
    stage = by_stage(scope)[0]
    assert (stage.name, stage.answers) == ("lexical", len(spent))
    assert stage.latency_ms == pytest.approx(tuple(percentile(spent, p) for p in (50, 95, 99)))


def test_an_empty_log_has_numbers_too():
    everything = report(week(), limit=10)
    assert everything.overview.totals.searches == 0
    assert everything.overview.totals.clicked.interval == (0.0, 1.0)
    assert len(everything.overview.days) == 8
    assert everything.top == everything.no_results == everything.no_clicks == []
    assert everything.reformulations == everything.positions == everything.stages == []


def test_one_search_is_one_search(films):
    log_search("tati", viewer=visitor("a"), items=[films["Playtime"]])
    everything = report(week(), limit=10)
    totals = everything.overview.totals
    assert (totals.searches, totals.people, totals.no_results.part) == (1, 1, 0)
    assert [(row.text, row.found, row.people) for row in everything.top] == [("tati", 1, 1)]
    assert everything.no_clicks == []  # one person may have been called away
    assert [(row.name, row.shown, row.clicked.part) for row in everything.positions] == [
        ("1", 1, 0)
    ]


def test_what_is_typed_on_the_way_is_not_counted(films):
    for ago, typed in ((30, "hit"), (28, "hitch"), (26, "hitchcock")):
        log_search(typed, viewer=visitor("a"), is_typing=True, seconds_ago=ago)
    assert [row.normalized for row in top_queries(week())] == ["hitchcock"]
    log_search("hitchcock", viewer=visitor("a"), seconds_ago=20)
    assert [(row.normalized, row.searches) for row in top_queries(week())] == [("hitchcock", 1)]
    # Nobody's letters have no chain that would tell where they end.
    log_search("ta", viewer=Viewer(), is_typing=True, seconds_ago=15)
    assert overview(week()).totals.searches == 1


def test_what_another_person_does_with_an_answer_does_not_count(films):
    ann, bob = (Person.objects.create(external_id=name) for name in ("ann", "bob"))
    query_id = log_search("tati", viewer=Viewer(person_id=ann.pk), items=[films["Playtime"]])
    happened(query_id, films["Playtime"], viewer=Viewer(person_id=bob.pk))
    happened(query_id, films["Playtime"], viewer=visitor("c"))
    assert overview(week()).totals.clicked.part == 0
    happened(query_id, films["Playtime"], viewer=Viewer(person_id=ann.pk))
    assert overview(week()).totals.clicked.part == 1


def test_what_follows_days_later_or_says_no_is_no_click(films):
    viewer, film = visitor("a"), films["Playtime"]
    query_id = log_search("tati", viewer=viewer, items=[film], seconds_ago=3 * 86_400)
    happened(query_id, film, viewer=viewer, seconds_ago=86_400)
    for kind in ("impression", "dislike", "hide", "dismiss"):
        happened(query_id, film, viewer=viewer, kind=kind, seconds_ago=3 * 86_400 - 9)
    assert overview(week()).totals.clicked.part == 0


def test_a_like_on_the_page_of_a_clicked_item_is_a_conversion_of_its_search(films):
    """The pages send the search along with the click, and not with what follows."""
    viewer, film = visitor("a"), films["Playtime"]
    query_id = log_search("tati", viewer=viewer, items=[film, films["Trafic"]])
    happened(query_id, film, viewer=viewer, position=1)
    assert overview(week()).totals.taken.part == 0
    happened(None, films["Trafic"], viewer=viewer, kind="like", seconds_ago=500)
    happened(None, film, viewer=visitor("b"), kind="like", seconds_ago=500)
    assert overview(week()).totals.taken.part == 0
    happened(None, film, viewer=viewer, kind="like", seconds_ago=500)
    assert overview(week()).totals.taken.part == 1
    first, second = by_position(week())
    assert (first.taken.part, second.taken.part) == (1, 0)


def test_a_click_on_a_further_page_counts_for_the_search(films):
    viewer, film = visitor("a"), films["Playtime"]
    log_search("tati", viewer=viewer, items=[films["Trafic"]], seconds_ago=600)
    query_id = log_search("tati", viewer=viewer, items=[film], seconds_ago=550, page=2)
    happened(query_id, film, viewer=viewer, position=25, seconds_ago=540)
    totals = overview(week()).totals
    assert (totals.searches, totals.clicked.part, totals.rank) == (1, 1, 25)


def test_what_a_person_did_is_gone_with_the_person(films):
    ann = Viewer(person_id=Person.objects.create(external_id="ann").pk)
    query_id = log_search("tati", viewer=ann, items=[films["Playtime"]])
    happened(query_id, films["Playtime"], viewer=ann)
    log_search("hitchcock", viewer=visitor("b"))
    assert overview(week()).totals.clicked.part == 1
    erase_history(viewer=ann)
    totals = overview(week()).totals
    assert (totals.searches, totals.people, totals.clicked.part) == (1, 1, 0)
    assert [row.normalized for row in top_queries(week())] == ["hitchcock"]


def test_a_query_of_few_people_can_be_left_out(films):
    for name in ("a", "b", "c"):
        log_search("tati", viewer=visitor(name))
        log_search("only mine", viewer=visitor("a"), seconds_ago=300)
    log_search("only mine", viewer=Viewer())
    for read in (top_queries, no_result_queries):
        assert [row.text for row in read(week(), people=3)] == ["tati"]


def test_the_days_before_are_no_part_of_the_period(films):
    log_search("tati", viewer=visitor("a"), seconds_ago=10 * 86_400)
    log_search("tati", viewer=visitor("a"), seconds_ago=2 * 86_400)
    found = overview(week())
    assert (found.totals.searches, found.before.searches) == (1, 1)
    assert sum(day.searches for day in found.days.values()) == 1


def test_searches_at_midnight_are_joined_to_what_follows(films):
    """The chain that begins before the period is not torn."""
    period = Period.between(date(2026, 3, 2), date(2026, 3, 2))
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    for seconds, typed in ((-5, "hitch"), (5, "hitchcock"), (86_395, "tat"), (86_405, "tati")):
        ago = (timezone.now() - midnight).total_seconds() - seconds
        log_search(typed, viewer=visitor("a"), is_typing=True, seconds_ago=ago)
    assert [row.normalized for row in top_queries(Scope(period))] == ["hitchcock"]


def test_rows_are_kept_for_half_a_minute(films, django_assert_num_queries):
    log_search("tati", viewer=visitor("a"))
    first = report(WEEK, limit=5)
    with django_assert_num_queries(0):
        assert report(WEEK, limit=5) == first


def test_the_whole_report_takes_few_statements(films, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        report(week(), limit=5)


def test_only_the_newest_lists_are_read_hit_by_hit(films, monkeypatch):
    for ago in (600, 500):
        log_search("tati", viewer=visitor("a"), items=[films["Playtime"]], seconds_ago=ago)
    monkeypatch.setattr("search.analytics.statements.NEWEST", "ORDER BY time DESC LIMIT 1")
    assert [row.shown for row in by_position(week())] == [1]
    assert lists.PLACES == 20


@pytest.mark.parametrize(
    ("first", "then", "same"),
    [
        ("hitchcok", "hitchcock", True),
        ("space", "space adventure", True),
        ("alein", "alien", True),
        ("cat", "dog", False),
        ("the birds", "the rope", False),  # "the" carries nothing
        ("a", "b", True),
        ("rope", "vertigo", False),
    ],
)
def test_the_same_need_shares_a_word_or_differs_by_a_slip(first, then, same):
    assert is_same_need(first, then) is same


def test_differences_of_shares_are_newcombes():
    # Newcombe 1998, table II (a): 56/70 against 48/80.
    found = share_difference(Share(part=56, whole=70), Share(part=48, whole=80))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert found.is_sure
    assert share_difference(Share(part=0, whole=0), Share(part=1, whole=2)) is None
    assert not share_difference(Share(part=1, whole=2), Share(part=1, whole=2)).is_sure


def test_differences_of_means_know_their_spread():
    found = mean_difference(
        Mean(value=0.5, deviation=0.3, count=100), Mean(value=0.4, deviation=0.4, count=100)
    )
    assert (round(found.low, 3), round(found.high, 3)) == (0.002, 0.198)
    assert (
        mean_difference(Mean(value=1, deviation=0, count=1), Mean(value=1, deviation=0, count=9))
        is None
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"days": "abc"}, "days"), ({"days": "0"}, "days"), ({"days": "400"}, "days"),
        ({"days": "٣"}, "days"), ({"from": "yesterday"}, "from"), ({"to": "2026-01-01"}, "from"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "from"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "from"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"from": "2026-01-01", "days": "7"}, "days"), ({"who": "me"}, "who"),
        ({"surface": "x' OR 1=1"}, "surface"), ({"ranked": "models"}, "ranked"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(given, field):
    with pytest.raises(InvalidInput) as refused:
        Scope.read(given)
    assert refused.value.field == field


def test_a_period_of_dates_holds_both_and_is_compared_with_as_many_days_before():
    period = Period.read({"from": "2026-03-01", "to": "2026-03-07"})
    assert [one.isoformat() for one in period.dates][::6] == ["2026-03-01", "2026-03-07"]
    assert (period.before.start.day, period.before.end) == (22, period.start)


def test_the_command_prints_the_overview(films, capsys):
    log_search("tati", viewer=visitor("a"), items=[films["Playtime"]])
    log_search("zzyzx", viewer=visitor("a"))
    call_command("search_report", days=7)
    told = capsys.readouterr().out
    assert "found nothing" in told
    assert "50.0 %" in told
    assert timezone.now().strftime("%Y-%m-%d") in told
    with pytest.raises(CommandError, match="'days' is a whole number"):
        call_command("search_report", days=0)


def test_a_strange_query_is_only_text(films):
    for text in ("'; DROP TABLE catalog_answer; --", "100% wolf %s %(start)s {segment}", "=1+1"):
        log_search(text, viewer=visitor("a"))
    assert {row.searches for row in top_queries(week())} == {1}
    assert Answer.objects.count() == 3
    assert isinstance(Answer.objects.first().pk, UUID)
