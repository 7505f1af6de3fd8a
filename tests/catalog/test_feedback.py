import pytest
from django.utils import timezone

from catalog.events import record_events
from catalog.feedback import forget_events, forget_opinion, opinion_of
from catalog.items import upsert_items
from catalog.models import Event, Item
from catalog.types import EventInput, ItemInput, Viewer

pytestmark = pytest.mark.django_db
ANNE = Viewer(anonymous_id="anne")


@pytest.fixture
def item():
    upsert_items(items=[ItemInput(external_id="a", title="A")])
    return Item.objects.get()


def did(kind, who="anne"):
    record_events(
        events=[EventInput(kind=kind, item_id="a", time=timezone.now(), anonymous_id=who)]
    )


def test_the_last_word_counts(item):
    assert opinion_of(viewer=ANNE, item_id=item.pk) == ""
    did("like")
    assert opinion_of(viewer=ANNE, item_id=item.pk) == "like"
    did("dislike")
    assert opinion_of(viewer=ANNE, item_id=item.pk) == "dislike"


def test_taking_an_opinion_back_leaves_other_events_and_other_people_alone(item):
    did("like")
    did("view")
    did("like", who="bob")
    assert forget_opinion(viewer=ANNE, item_id=item.pk) == 1
    assert opinion_of(viewer=ANNE, item_id=item.pk) == ""
    assert Event.objects.count() == 2


def test_nobody_deletes_what_is_not_their_own(item):
    did("view", who="bob")
    theirs = Event.objects.get().pk
    assert forget_events(viewer=ANNE, event_ids=[theirs]) == 0
    assert forget_events(viewer=Viewer(), event_ids=[theirs]) == 0
    assert forget_events(viewer=Viewer(anonymous_id="bob"), event_ids=[theirs]) == 1
