"""Answers that led to something, as lists to learn from."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog.answers import AnswerInput, log_answer
from catalog.events import record_events
from catalog.models import Answer, Person
from catalog.types import EventInput, Viewer
from recs.features import item_vocabulary
from recs.ml.unified.surfaces import HOME, SEARCH, SIMILAR
from recs.recommend import RecommendRequest, recommend
from recs.shown import shown_answers
from recs.unified_data import read_data, read_shown
from recs.versions import live_version

pytestmark = pytest.mark.django_db


def answered(world, names, *, taken=(), surface="search", who="drama-fan-0", about=None, **changes):
    """An answer of an hour ago that showed these items, and events for what was taken of it."""
    query_id, at = uuid4(), timezone.now() - timedelta(hours=1)
    person = Person.objects.get_or_create(external_id=who)[0]
    kind = "search" if surface == "search" else "recommend"
    given = {
        "time": at,
        "query": "Sad" if kind == "search" else "",
        "normalized_query": "sad" if kind == "search" else "",
        "viewer": Viewer(person_id=person.pk),
        "about_item": world[about] if about else None,
    }
    hits = [
        {"item": world[name], "position": place, "source": "x", "score": 0.5}
        for place, name in enumerate(names, start=1)
    ]
    given |= {"kind": kind, "surface": surface, "total": len(hits), "hits": hits} | changes
    log_answer(answer=AnswerInput(query_id=query_id, **given))
    for name in taken:
        event = EventInput(
            kind="click", user_id=who, item_id=name, time=at + timedelta(minutes=1),
            query_id=str(query_id),
        )  # fmt: skip
        assert record_events(events=[event])[0].status == "accepted"


def read():
    now = timezone.now()
    known = read_data(as_of=now, vocabulary=item_vocabulary(), version=live_version())
    return known, read_shown(known, since=now - timedelta(days=1), as_of=now)


def test_each_surface_gives_lists_with_places_and_what_was_taken(world):
    answered(world, ["drama-1", "drama-2", "comedy-1"], taken=["drama-2"])
    answered(world, ["comedy-2", "drama-3"], taken=["comedy-2"], surface="home:picked")
    answered(world, ["drama-4"], taken=["drama-4"], surface="item", about="drama-1")
    known, shown = read()
    rows = dict(zip(world, known.data.vocabulary.rows(map(str, world.values())), strict=True))
    assert sorted(shown.requests.tasks.tolist()) == [SEARCH, HOME, SIMILAR]
    by_task = {int(task): row for row, task in enumerate(shown.requests.tasks)}
    search = by_task[SEARCH]
    assert shown.items[search].tolist() == [rows[n] for n in ("drama-1", "drama-2", "comedy-1")]
    assert shown.places[search].tolist() == [1, 2, 3]
    assert shown.taken[search].tolist() == [False, True, False]
    assert known.texts.rows[int(shown.requests.words[search])] == "sad"
    assert int(shown.requests.sources[by_task[SIMILAR]]) == rows["drama-1"]
    assert shown.items[by_task[HOME]].tolist()[2:] == [0]


@pytest.mark.parametrize(
    "changes",
    [
        {"is_typing": True},
        {"time": timezone.now() - timedelta(days=9)},
        {"viewer": Viewer()},
        {"surface": "item"},
    ],
)
def test_what_nothing_can_be_learned_from_is_left_out(world, changes):
    answered(world, ["drama-1", "drama-2"], taken=["drama-1"], **changes)
    assert len(read()[1]) == 0


def test_an_answer_of_which_nothing_was_taken_is_left_out(world):
    answered(world, ["drama-1", "drama-2"])
    now = timezone.now()
    assert not list(shown_answers(since=now - timedelta(days=1), as_of=now))


def test_what_was_taken_later_is_not_known_yet(world):
    answered(world, ["drama-1", "drama-2"], taken=["drama-1"])
    now = timezone.now()
    early = now - timedelta(minutes=59, seconds=30)
    assert not list(shown_answers(since=now - timedelta(days=1), as_of=early))
    assert len(list(shown_answers(since=now - timedelta(days=1), as_of=now))) == 1


def test_a_hit_without_its_numbers_or_of_a_deleted_item_keeps_nothing_up(world):
    answered(world, ["drama-1", "drama-2"], taken=["drama-2"])
    answer = Answer.objects.get(kind="search")
    answer.hits[0]["item"] = 999_999_999
    answer.save()
    shown = read()[1]
    assert shown.items[0].tolist()[0] == 0
    assert shown.taken[0].tolist() == [False, True]


def test_more_like_this_says_below_which_item_it_hung(world):
    viewer = Viewer(person_id=Person.objects.create(external_id="looker").pk)
    recommend(RecommendRequest(surface="item", viewer=viewer, item_id=world["drama-1"], k=5))
    assert Answer.objects.get(surface="item").about_item == world["drama-1"]
    recommend(RecommendRequest(surface="home", viewer=viewer, k=5))
    assert Answer.objects.get(surface="home").about_item is None
