"""Answerability: what the live search says of the stored queries."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from catalog.models import Item, Job
from catalog.types import Viewer
from recs.ml.text_encoder import encoder_revision, packaged_model_dir
from recs.models import ContentVersion
from recs.versions import promote
from search import pipeline, query_checks
from search.models import Query, Rule
from search.query_checks import check_queries, check_report, release, try_query
from search.query_store import build_queries
from search.retrieval import SearchRequest, retrieve
from search.suggest import suggest
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


def one(text):
    return Query.objects.get(text=text)


def stored(text, **fields):
    given = {"source": "log", "answers": 3, "people": 3, "witnesses": []} | fields
    return Query.objects.create(text=text, normalized=text.lower(), **given)


def typed(films, text, title="Playtime", people=3):
    for n in range(people):
        log_search(text, viewer=visitor(f"v{n}"), items=[films[title]])


def suggested(prefix):
    return {query.text for query in suggest(prefix=prefix, viewer=Viewer()).queries}


def test_each_query_gets_what_the_search_page_would_say(built):
    check_queries(every=True)
    ran = Query.objects.exclude(best_score=None).exclude(provenance__rule="like")
    assert ran.count() > 30
    for query in ran:
        found = retrieve(SearchRequest(query=query.text))
        assert query.found == found.total, query.text
        assert query.best_score == pytest.approx(max(hit.score for hit in found.hits), abs=1e-5)
        assert (query.held_back, query.checked_version) == ("", release())


def test_a_query_that_finds_nothing_now_is_not_shown_and_comes_back_when_it_does(films):
    typed(films, "zazie metro")
    build_queries()
    films["Zazie dans le Métro"].delete()
    check_queries()
    assert one("zazie metro").held_back == "nothing"
    assert "zazie metro" not in suggested("zaz")
    item = Item.objects.get(title="Playtime")
    item.title = "Zazie in the Metro"
    item.save()
    check_queries()
    assert one("zazie metro").held_back == ""
    assert "zazie metro" in suggested("zaz")


def test_words_that_had_to_be_corrected_find_nothing_themselves(films):
    from search.spelling import build_terms

    build_terms()
    assert try_query(stored("hitchcok")).held_back == "nothing"
    assert try_query(stored("hitchcock")).held_back == ""


def test_only_punctuation_html_and_very_long_queries_are_tried_like_any_other(films):
    for text in ("?!", "<script>alert(1)</script>", "word " * 59, "日本", "()" * 100):
        assert try_query(stored(text)).held_back == "nothing", text


def test_a_query_made_from_an_item_must_find_it_among_the_first(films):
    item = films["Trafic"].pk
    made = {"provenance": {"rule": "item_query", "item": item}, "source": "log"}
    assert try_query(stored("tati trafic", **made)).held_back == ""
    assert try_query(stored("hitchcock thriller", **made)).held_back == "source"
    films["Trafic"].is_hidden = True
    films["Trafic"].save()
    assert try_query(Query.objects.get(text="tati trafic")).held_back != ""


def test_what_the_editors_hide_answers_nothing(films):
    Rule.objects.create(
        name="no", patterns=["playtime"], action="hide", is_on=True, item_ids=[films["Playtime"].pk]
    )
    query = stored("playtime", source="titles", provenance={"item": films["Playtime"].pk})
    assert try_query(query).held_back != ""


def test_a_statement_confirms_most_and_the_rest_is_run(built, monkeypatch):
    monkeypatch.setattr(query_checks, "RUN_AT_MOST", 0)
    counts = check_queries()
    assert counts["confirmed"] > Query.objects.count() / 2
    assert counts["left"] == 0
    assert not Query.objects.exclude(checked_version=release()).exists()
    # The statement never says yes to what the search itself would not find.
    for query in Query.objects.filter(best_score=None):
        assert try_query(query).held_back == "", query.text


def test_a_second_run_in_the_same_release_has_little_to_do(built):
    check_queries()
    failed = Query.objects.filter(held_back="nothing").count()
    again = check_queries()
    assert again == {"confirmed": 0, "ran": failed, "failed": failed, "left": 0}


def test_a_run_that_is_killed_goes_on_where_it_was(built, monkeypatch):
    monkeypatch.setattr(query_checks, "BATCH_SIZE", 10)
    real, calls = query_checks.try_query, []

    def dies(query):
        calls.append(query.pk)
        if len(calls) > 25:
            raise RuntimeError
        return real(query)

    monkeypatch.setattr(query_checks, "try_query", dies)
    with pytest.raises(RuntimeError):
        check_queries(every=True)
    assert Query.objects.exclude(best_score=None).count() == 20
    monkeypatch.setattr(query_checks, "try_query", real)
    assert check_queries(every=True)["ran"] >= Query.objects.count() - 20


def test_it_stops_when_its_time_is_up_and_says_what_is_left(built, monkeypatch):
    monkeypatch.setattr(query_checks, "MOST_SECONDS", -1.0)
    counts = check_queries(every=True)
    assert (counts["ran"], counts["left"]) == (0, Query.objects.filter(answers__gt=0).count())


def test_a_new_release_is_tried_anew_and_a_build_alone_is_not(built):
    check_queries()
    before = release()
    build_queries()
    assert not Query.objects.exclude(checked_version=before).exists()
    revision = encoder_revision(packaged_model_dir())
    ContentVersion.objects.create(
        encoder="e", revision=revision, template="t", dimensions=384, is_live=True
    )
    assert release() != before
    counts = check_queries()
    assert counts["confirmed"] + counts["ran"] >= Query.objects.filter(answers__gt=0).count()


def test_what_a_build_changed_is_tried_again(built):
    check_queries()
    built["Playtime"].delete()
    build_queries()
    changed = Query.objects.filter(checked_version="")
    assert changed.filter(text="French comedy").exists()
    check_queries()
    assert not Query.objects.filter(checked_version="").exists()


def test_a_version_that_goes_live_calls_for_it(db, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr("catalog.enqueue._send", lambda name, kwargs: sent.append(name))
    version = ContentVersion.objects.create(
        encoder="other", revision="a" * 40, template="t", dimensions=3
    )
    with django_capture_on_commit_callbacks(execute=True):
        promote(version=version)
    assert sent == ["search.check_queries"]


def test_what_was_called_for_twice_is_done_once(built, monkeypatch):
    sent = []
    monkeypatch.setattr("catalog.enqueue._send", lambda name, kwargs: sent.append(kwargs["asked"]))
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call: call())
    jobs = Job.objects.filter(kind="search.check_queries", state="done")
    pipeline.build_queries()
    pipeline.build_queries()
    pipeline.check_as_asked(sent[0])
    assert jobs.count() == 1
    pipeline.check_as_asked(sent[1])
    assert jobs.count() == 1
    pipeline.build_queries()
    pipeline.check_as_asked(sent[2])
    assert jobs.count() == 2, "asked for after the run began"
    pipeline.check_as_asked()
    assert jobs.count() == 3, "nobody asked: it is night"


def test_a_run_of_one_source_or_one_that_left_some_does_for_nobody(built, monkeypatch):
    asked = timezone.now().isoformat()
    jobs = Job.objects.filter(kind="search.check_queries", state="done")
    pipeline.check_queries(source="titles")
    monkeypatch.setattr(query_checks, "MOST_SECONDS", -1.0)
    pipeline.check_as_asked(asked)
    monkeypatch.undo()
    assert jobs.get(params__source="").result["left"] > 0
    pipeline.check_as_asked(asked)
    assert jobs.filter(params__source="").count() == 2
    pipeline.check_as_asked(asked)
    assert jobs.filter(params__source="").count() == 2


def test_a_check_changes_no_review(built):
    query = one("French comedy")
    Query.objects.filter(pk=query.pk).update(review="proposed", reviewed_by="ed")
    Item.objects.filter(countries__contains=["France"]).delete()
    check_queries(every=True)
    query.refresh_from_db()
    assert (query.review, query.reviewed_by) == ("proposed", "ed")


def test_the_report_and_the_command_tell_the_pass_rate_by_source(built, capsys):
    stored("nowhere at all")
    call_command("check_queries")
    told = capsys.readouterr().out
    assert "find nothing" in told
    by_source = {row.source: row for row in check_report()}
    assert by_source["titles"].pass_rate == 1.0
    assert (by_source["log"].kept, by_source["log"].nothing) == (1, 1)
    assert by_source["log"].pass_rate == 0.0
    assert Job.objects.filter(kind="search.check_queries", state="done").count() == 1


def test_real_films_are_found_by_the_queries_made_from_them(film_world, monkeypatch):
    monkeypatch.setattr(query_checks, "RUN_AT_MOST", 100)
    build_queries()
    counts = check_queries()
    assert counts["ran"] >= 100
    for row in check_report():
        assert row.checked >= 20, row
        assert row.pass_rate >= 0.98, row
