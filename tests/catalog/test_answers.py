import math
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from catalog.answers import AnswerInput, log_answer, prune_answers
from catalog.models import Answer
from catalog.people import person_ids
from catalog.types import Viewer

pytestmark = pytest.mark.django_db


def answer(**fields):
    given = {"query_id": uuid4(), "kind": "search", "surface": "search", "total": 1}
    return AnswerInput(**given | fields)


def test_an_answer_is_stored_with_every_column():
    person_id = person_ids(["u1"])["u1"]
    given = answer(
        viewer=Viewer(person_id=person_id, anonymous_id="a", session_id="s"), query="Noir",
        normalized_query="noir", corrected_query=None, picked_from="log", is_typing=True,
        filters={"category": ["Drama"]}, page=2, hits=[{"item": 1, "position": 1}],
        query_recommendations=[{"text": "x", "source": "log"}], stages={"encode": 1.5},
        latency_ms=3.25, time=timezone.now(), model_version="2026-01-02-a", fallback="no_history",
    )  # fmt: skip
    log_answer(answer=given)
    stored = Answer.objects.get(pk=given.query_id)
    for name in (
        "kind", "surface", "query", "normalized_query", "picked_from", "is_typing", "filters",
        "page", "total", "hits", "query_recommendations", "stages", "latency_ms", "time",
        "model_version", "fallback",
    ):  # fmt: skip
        assert getattr(stored, name) == getattr(given, name), name
    assert stored.corrected_query == ""
    assert (stored.person_id, stored.anonymous_id, stored.session_id) == (person_id, "a", "s")


def test_a_log_entry_takes_one_statement(django_assert_num_queries):
    with django_assert_num_queries(3):  # the other two are the savepoint of a test's transaction
        log_answer(answer=answer())


def test_a_log_entry_does_not_wait_for_the_disk():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO on")
        log_answer(answer=answer())
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("off",)


@pytest.mark.django_db(transaction=True)
def test_writes_after_a_log_entry_wait_for_the_disk_again(django_assert_num_queries):
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        with django_assert_num_queries(1):
            log_answer(answer=answer())
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
        cursor.execute("RESET synchronous_commit")
    assert Answer.objects.count() == 1


def test_an_unknown_person_is_left_out():
    log_answer(answer=answer(viewer=Viewer(person_id=10**9)))
    assert Answer.objects.get().person_id is None


def test_the_same_answer_is_logged_once():
    given = answer()
    log_answer(answer=given)
    log_answer(answer=given)
    assert Answer.objects.count() == 1


def test_hostile_values_are_trimmed_to_what_fits():
    log_answer(answer=answer(query="a\x00b" * 1000, surface="s" * 100, filters={"x": "\x00"}))
    stored = Answer.objects.get()
    assert len(stored.query) == 500
    assert "\x00" not in stored.query
    assert stored.filters == {"x": ""}


def test_values_the_table_cannot_hold_lose_the_entry_and_not_the_request(caplog):
    log_answer(answer=answer(stages={"encode": math.nan}))
    log_answer(answer=answer(page=-1))
    assert Answer.objects.count() == 0
    assert "was not logged" in caplog.text


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(TypeError):
        log_answer(answer=answer(stages={"encode": object()}))


def test_old_answers_are_pruned():
    now = timezone.now()
    log_answer(answer=answer(time=now - timedelta(days=100)))
    log_answer(answer=answer(time=now))
    assert prune_answers(before=now - timedelta(days=90)) == 1
    assert Answer.objects.get().time == now
