"""Learning from a simulated log (benchmarks/simulated_typing.py) and what is done with it."""

import json
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from benchmarks.simulated_typing import Ask, Assumptions, Hits, simulate
from catalog.models import Answer, Job
from catalog.profiles import current_profile
from recs import registry
from recs.errors import NoLiveVersion, NotEnoughEvents, UnusableVersion
from recs.ml.finished.chains import visits
from recs.ml.finished.learning import LearningConfig
from search import pipeline
from search.finished import (
    KIND,
    judge_texts,
    load_judge,
    read_log,
    read_store,
    train_finished_queries,
)
from search.models import FinishedText
from search.query_sources.log import Log
from search.reports import asked_queries, picked_share
from search.typed import ENDED, TYPED
from tests.search.films import log_search, visitor
from workers.tasks.search import train_finished_queries as task

pytestmark = pytest.mark.django_db

MEANT = ("hulot films", "hitchcock", "rear window", "french comedy", "crime drama", "playtime")
CONFIG = LearningConfig(least_visits=40, least_people=5, precision=0.9)
DAY = 86_400.0


def simulated_rows(seed=0, people=40):
    now = timezone.now().timestamp()
    asks = [
        Ask(f"p{n}", now - 20 * DAY + day * DAY + n * 60, MEANT[(n * 7 + day * 3) % len(MEANT)])
        for n in range(people)
        for day in range(15)
    ]
    return simulate(asks, Hits(MEANT), Assumptions(), seed=seed).rows


def log_rows(films, rows):
    hits = [{"item": films["Playtime"].pk, "position": 1, "source": "lexical"}]
    Answer.objects.bulk_create(
        Answer(
            time=timezone.datetime.fromtimestamp(row.time, timezone.get_current_timezone()),
            kind="search", surface="search", anonymous_id=row.viewer, query=row.text,
            normalized_query=row.text, is_typing=row.is_typing, total=row.total, hits=hits,
            picked_from="titles" if row.is_picked else "",
        )
        for row in rows
    )  # fmt: skip


@pytest.fixture
def log(films):
    """Forty people typing six queries on fifteen days."""
    log_rows(films, simulated_rows())
    return films


@pytest.fixture
def trained(log):
    return train_finished_queries(config=CONFIG)


def typed_by_three(films):
    """What nobody submits: three people type on to the end, three give up in the middle."""
    for n in range(3):
        for second, text in enumerate(("fre", "french", "french comedy")):
            log_search(
                text,
                viewer=visitor(f"new{n}"),
                items=[films["Playtime"]],
                is_typing=True,
                seconds_ago=900 - second,
            )
        log_search(
            "french co", viewer=visitor(f"other{n}"), items=[films["Playtime"]], is_typing=True,
            seconds_ago=800,
        )  # fmt: skip


def offered():
    return {each.normalized for each in Log().candidates(current_profile())}


def test_a_log_too_small_is_refused_with_what_it_takes(films):
    log_search("hulot films", viewer=visitor("v"), items=[films["Playtime"]])
    with pytest.raises(NotEnoughEvents, match="it takes 500 of each, of 60 people"):
        train_finished_queries()


def test_a_trained_version_is_live_and_says_what_it_measured(trained):
    assert registry.live(KIND) == trained
    assert trained.gate["passed"]
    assert trained.metrics["precision"]["value"] >= CONFIG.precision
    assert trained.people == 40
    assert FinishedText.objects.filter(version=trained).exists()


def test_the_same_log_gives_the_same_version(trained):
    again = train_finished_queries(config=CONFIG)
    assert again != trained
    assert load_judge(again) == load_judge(trained)


def test_only_finished_texts_reach_the_source(trained, log):
    typed_by_three(log)
    # Without judging the ends of chains would count: "french co" is the end of three.
    judge_texts()
    assert "french comedy" in offered()
    assert offered() <= set(MEANT)


def test_the_hand_rule_of_the_benchmark_is_that_of_the_statement(log):
    with connection.cursor() as cursor:
        cursor.execute(f"WITH typed AS ({TYPED}) SELECT viewer, time, normalized_query, total"
                       f" FROM ({ENDED}) AS ended WHERE picked_from = ''")  # fmt: skip
        by_statement = {(viewer, time.timestamp()) for viewer, time, *_ in cursor.fetchall()}
    rows = read_log(as_of=timezone.now())
    mine = [visit for visit in visits(rows) if not visit.is_picked]
    found = {
        visit: any((rows[place].viewer, rows[place].time) in by_statement for place in visit.places)
        for visit in mine
    }
    assert len(mine) > 1000
    assert [visit for visit in mine if visit.by_hand != found[visit]] == []


def test_without_a_version_the_hand_rule_stands(films):
    typed_by_three(films)
    assert offered() == {"french comedy", "french co"}


def test_a_submitted_text_counts_whatever_is_judged(trained, log):
    for n in range(3):
        log_search("hul", viewer=visitor(f"s{n}"), items=[log["Playtime"]], seconds_ago=90)
    judge_texts()
    assert not FinishedText.objects.get(normalized="hul").is_finished
    assert "hul" in offered()


def asked():
    return {row.normalized: row.people for row in asked_queries(days=1)}


def test_reports_count_finished_texts_that_nobody_submitted(trained, log):
    typed_by_three(log)
    before = picked_share(days=1)
    judge_texts()
    assert asked() == {"french comedy": 3}
    assert picked_share(days=1) == before


def test_reports_without_a_version_count_what_was_submitted(films):
    typed_by_three(films)
    assert asked() == {}


def test_after_a_roll_back_what_the_other_version_judged_is_not_used(trained, log):
    second = train_finished_queries(config=CONFIG)
    assert registry.roll_back(kind=KIND) == trained
    typed_by_three(log)
    assert FinishedText.objects.filter(version=second).exists()
    assert "french co" in offered()
    call_command("train_finished_queries", "--judge-only")
    assert "french co" not in offered()
    assert "french comedy" in offered()


def test_a_version_that_is_no_better_than_the_rules_is_refused(log):
    version = train_finished_queries(config=replace(CONFIG, least_kept=1.01))
    assert version.state == "refused"
    assert "hand rule rightly finds" in " ".join(version.gate["reasons"])
    assert registry.live(KIND) is None
    assert not FinishedText.objects.exists()


def test_what_few_people_typed_is_copied_nowhere(trained, log, settings):
    settings.SEARCH_MIN_PEOPLE_PER_QUERY = 3
    for n in range(2):
        log_search("my own words", viewer=visitor(f"w{n}"), items=[log["Playtime"]])
    judge_texts()
    assert not FinishedText.objects.filter(normalized="my own words").exists()
    log_search("my own words", viewer=visitor("w2"), items=[log["Playtime"]])
    judge_texts()
    assert FinishedText.objects.filter(normalized="my own words").exists()


def test_nothing_is_judged_without_a_version(log):
    with pytest.raises(NoLiveVersion, match="train_finished_queries"):
        judge_texts()


def test_a_folder_that_was_touched_is_refused_and_judgements_stay(trained):
    path = registry.folder(trained) / "config.json"
    path.write_text(json.dumps({"garbage": True}))
    before = FinishedText.objects.count()
    with pytest.raises(UnusableVersion, match="cannot be used"):
        judge_texts()
    assert FinishedText.objects.count() == before


def test_the_log_is_read_before_its_moment_and_of_known_viewers(films):
    log_search("early", viewer=visitor("v"), seconds_ago=600)
    log_search("late", viewer=visitor("v"), seconds_ago=10)
    log_search("nobody", viewer=visitor(""), seconds_ago=600)
    as_of = timezone.now() - timezone.timedelta(seconds=60)
    assert [row.text for row in read_log(as_of=as_of)] == ["early"]


def test_the_store_knows_titles_and_words_and_not_what_the_log_said(built):
    log_search("zebra films", viewer=visitor("v"))
    store = read_store()
    assert "rear window" in store.known
    assert "zebra films" not in store.known


def test_the_task_takes_a_small_log_for_no_failure(films):
    task()
    assert Job.objects.get(kind="search.train_finished_queries").state == Job.State.DONE


def test_the_command_says_why_and_how(films):
    with pytest.raises(CommandError, match="it takes 500") as caught:
        call_command("train_finished_queries")
    assert caught.value.returncode == 3


def test_the_pipeline_trains_as_a_job(log, monkeypatch):
    monkeypatch.setattr("recs.ml.finished.learning.LearningConfig", lambda: CONFIG)
    version = pipeline.train_finished_queries()
    assert version.state == "live"
    assert Job.objects.get(kind="search.train_finished_queries").state == Job.State.DONE
