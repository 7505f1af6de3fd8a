from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from catalog.answers import AnswerInput, log_answer
from catalog.enqueue import enqueue_job
from catalog.errors import InvalidInput
from catalog.events import record_events
from catalog.labels import set_label
from catalog.models import Answer, Event, Label, Person
from catalog.people import (
    adopt_anonymous,
    erase_history,
    erase_person,
    export_history,
    person_for_account,
    person_ids,
    viewer_for,
)
from catalog.types import EventInput, Viewer
from tests.catalog.rows import add_item

pytestmark = pytest.mark.django_db


def act(**who):
    event = EventInput(kind="view", item_id="i1", time=timezone.now(), **who)
    assert [result.status for result in record_events(events=[event])] == ["accepted"]


def ask(viewer, query="noir"):
    log_answer(
        answer=AnswerInput(query_id=uuid4(), kind="search", surface="search", total=0,
                           viewer=viewer, query=query)
    )  # fmt: skip


@pytest.fixture
def world():
    """One person, one guest, one stranger: an event and a search each."""
    item = add_item("i1")
    act(user_id="u1")
    act(anonymous_id="a1")
    act(user_id="other", anonymous_id="a1")
    person = viewer_for(user_id="u1")
    for viewer in (person, Viewer(anonymous_id="a1"), viewer_for(user_id="other")):
        ask(viewer)
    set_label(kind="fit", item_id=item.pk, grade=2, source="human", labeller="me",
              person=Person.objects.get(external_id="u1"))  # fmt: skip
    return person


def test_people_are_found_and_the_missing_ones_made():
    first = person_ids(["b", "a", "", "a"])
    assert set(first) == {"a", "b"}
    assert person_ids(["a", "c"])["a"] == first["a"]
    assert Person.objects.count() == 3


def test_a_thousand_people_take_three_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        assert len(person_ids(f"u{n}" for n in range(1000))) == 1000


def test_looking_creates_nobody():
    viewer = viewer_for(user_id="new", anonymous_id="a", session_id="s")
    assert viewer == Viewer(person_id=None, anonymous_id="a", session_id="s")
    assert not Person.objects.exists()
    assert viewer_for().is_nobody


@pytest.mark.parametrize("field", ["user_id", "anonymous_id", "session_id"])
def test_an_id_that_cannot_be_stored_names_its_field(field):
    for value in ("a\x00", "x" * 201):
        with pytest.raises(InvalidInput) as caught:
            viewer_for(**{field: value})
        assert caught.value.field == field


def test_erasing_takes_one_persons_history_and_no_other(world):
    assert erase_history(viewer=world) == 1
    assert Event.objects.count() == 2
    assert not Event.objects.filter(person_id=world.person_id).exists()
    assert Answer.objects.count() == 2


def test_erasing_a_guest_leaves_what_others_did_under_the_same_id(world):
    assert erase_history(viewer=Viewer(anonymous_id="a1")) == 1
    assert Event.objects.filter(anonymous_id="a1").count() == 1


def test_erasing_nobody_erases_nothing(world):
    assert erase_history(viewer=Viewer()) == 0
    assert Event.objects.count() == 3


def test_an_erasure_job_takes_labels_and_the_row_and_forgets_whom(world):
    job = enqueue_job("x", kind="catalog.erase_person", params={"person_id": world.person_id})
    erase_person(job_id=str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.result, job.params) == ("done", {"events": 1}, {})
    assert not Label.objects.exists()
    assert not Person.objects.filter(external_id="u1").exists()
    erase_person(job_id=str(job.pk))  # a task may be delivered twice
    assert Event.objects.count() == 2


def test_a_guest_who_signs_in_keeps_what_they_did(world):
    assert adopt_anonymous(anonymous_id="a1", person_id=world.person_id) == 1
    assert Event.objects.filter(person_id=world.person_id).count() == 2
    assert Answer.objects.filter(person_id=world.person_id).count() == 2
    assert adopt_anonymous(anonymous_id="", person_id=world.person_id) == 0


def test_an_export_tells_everything_in_the_callers_words(world):
    export = export_history(viewer=world)
    assert [(row["item_id"], row["kind"]) for row in export["events"]] == [("i1", "view")]
    assert [row["query"] for row in export["answers"]] == ["noir"]
    assert [row["grade"] for row in export["labels"]] == [2]
    assert export_history(viewer=Viewer()) == {
        "events": [], "answers": [], "labels": [], "saved_searches": [],
    }  # fmt: skip


def test_an_account_has_one_person():
    account = get_user_model().objects.create_user("ann")
    assert person_for_account(account=account) == person_for_account(account=account)
