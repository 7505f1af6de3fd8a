import json

import pytest
from django.db import connection
from django.utils import timezone

from catalog.items import patch_item
from catalog.models import Event
from tests.catalog.rows import add_item, add_items

WRITE = "events:write"
EVENT = {"kind": "click", "item_id": "i1", "user_id": "u1"}


def test_each_event_is_told_and_good_ones_are_stored(caller):
    add_item("i1")
    future = timezone.now().replace(year=timezone.now().year + 1).isoformat()
    events = [
        {**EVENT, "event_id": "1"}, {**EVENT, "item_id": "no"}, {**EVENT, "event_id": "1"},
        {**EVENT, "time": future}, {**EVENT, "colour": 1}, "x", {**EVENT, "position": 0},
    ]  # fmt: skip
    response = caller(WRITE).post("/events", {"events": events})
    body = response.json()
    assert response.status_code == 202
    assert [row["status"] for row in body["results"]] == [
        "accepted", "error", "duplicate", "error", "error", "error", "error",
    ]  # fmt: skip
    assert [row.get("field") for row in body["results"]] == [
        None, "item_id", None, "time", "colour", None, "position",
    ]  # fmt: skip
    assert (body["accepted"], body["duplicates"], body["errors"]) == (1, 1, 5)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_accepted_event_is_committed_when_the_answer_leaves(caller):
    add_item("i1")
    caller(WRITE).post("/events", {"events": [EVENT]})
    connection.close()  # what was not committed is gone now
    assert Event.objects.count() == 1
    Event.objects.all().delete()  # an unmanaged table is not flushed


def test_a_body_of_more_than_two_megabytes_is_refused(caller, is_problem):
    body = json.dumps({"events": [{**EVENT, "properties": {"x": "y" * 2_100_000}}]})
    is_problem(caller(WRITE).post("/events", body), 413, "too_large")


def test_a_thousand_events_are_taken_and_one_more_is_not(caller, is_problem):
    add_item("i1")
    writer = caller(WRITE)
    assert writer.post("/events", {"events": [EVENT] * 1000}).json()["accepted"] == 1000
    is_problem(writer.post("/events", {"events": [EVENT] * 1001}), 400, field="events")


def test_an_erasure_is_a_task_and_the_export_shows_what_there_is(
    admin, is_problem, django_capture_on_commit_callbacks
):
    add_item("i1")
    admin.post("/events", {"events": [EVENT]})
    assert len(admin.get("/privacy/export?user_id=u1").json()["events"]) == 1
    response = admin.post("/privacy/erase", {"user_id": "u1"})
    assert response.status_code == 202
    task = admin.get(response["Location"].removeprefix("/api/v1")).json()
    assert (task["kind"], task["state"], task["problems"]) == ("catalog.erase_person", "queued", [])
    assert admin.post("/privacy/erase", {"user_id": "nobody"}).status_code == 202
    is_problem(admin.post("/privacy/erase", {}), 400, field="user_id")
    is_problem(admin.get("/privacy/export?user=u1"), 400, field="user")


def test_labels_are_written_read_and_paged(caller, is_problem):
    add_item("i1")
    judge = caller("labels")
    label = {"kind": "relevance", "query": "noir", "item_id": "i1", "grade": 2, "labeller": "me"}
    assert judge.post("/labels", label).json()["grade"] == 2
    judge.post("/labels", {**label, "labeller": "you"})
    page = judge.get("/labels?limit=1").json()
    rest = judge.get(f"/labels?limit=1&cursor={page['next_cursor']}").json()
    assert [row["labeller"] for row in page["labels"] + rest["labels"]] == ["me", "you"]
    assert judge.get("/labels?kind=fit").json()["labels"] == []
    is_problem(judge.get("/labels?kind=x"), 400, field="kind")
    is_problem(judge.get("/labels?stale=x"), 400, field="stale")
    is_problem(judge.post("/labels", {**label, "grade": 4}), 400, field="grade")
    is_problem(judge.post("/labels", {**label, "item_id": "no"}), 404, field="item_id")
    is_problem(judge.post("/labels", {**label, "user_id": "no"}), 404, field="user_id")
    is_problem(judge.post("/labels", {**label, "garde": 1}), 400, field="garde")


def test_labels_tell_whether_they_are_of_the_item_as_it_is(caller):
    add_items("i1", "i2")
    judge = caller("labels", "catalog:write")
    for item in ("i1", "i2"):
        label = {"kind": "relevance", "query": "q", "item_id": item, "grade": 1, "labeller": "me"}
        told = judge.post("/labels", label).json()
        assert (told["stale"], told["guideline"], told["propensity"]) == (
            False, "relevance-1", None
        )  # fmt: skip
    patch_item(external_id="i1", changes={"title": "Another"})
    for asked, items in (("", ["i1", "i2"]), ("?stale=true", ["i1"]), ("?stale=false", ["i2"])):
        rows = judge.get(f"/labels{asked}").json()["labels"]
        assert [row["item_id"] for row in rows] == items
        assert [row["stale"] for row in rows] == [item == "i1" for item in items]
