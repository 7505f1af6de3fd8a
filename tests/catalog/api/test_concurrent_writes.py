"""The same writes from many callers at once: each is stored once, none is lost or half-written."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from catalog.keys import issue_key
from catalog.models import Event, Item
from tests.catalog.rows import add_item

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post():
    _, secret = issue_key(name="test", scopes=["admin"], rate_per_minute=100_000)

    def send(path, body):
        try:
            return Client(headers={"x-api-key": secret}).post(
                f"/api/v1{path}", json.dumps(body), content_type="application/json"
            )
        finally:
            connection.close()

    return send


def test_the_same_events_from_eight_callers_are_stored_once(post):
    add_item("i1")
    events = [
        {"kind": "view", "item_id": "i1", "user_id": f"u{n}", "event_id": f"e{n}"}
        for n in range(20)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post("/events", {"events": events}), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 20
    assert sum(answer.json()["duplicates"] for answer in answers) == 7 * 20
    assert Event.objects.count() == 20


def test_one_item_written_by_four_callers_is_one_of_theirs(post):
    bodies = [
        {"items": [{"id": "a", "title": f"T{n}", "description": f"D{n}"}, {"id": f"own{n}",
         "title": "x"}]} for n in range(4)
    ]  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda body: post("/items", body), bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert Item.objects.count() == 5
    item = Item.objects.get(external_id="a")
    assert item.title[1:] == item.description[1:]
