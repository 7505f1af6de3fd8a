"""What the unified model learns from: searches joined to what followed, facts, ratings."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.utils import timezone

from catalog.answers import AnswerInput, log_answer
from catalog.events import record_events
from catalog.models import Person
from catalog.types import EventInput, Viewer
from recs.features import item_vocabulary
from recs.ml.unified.surfaces import ADD, CLICK, WANT
from recs.searches import chosen_searches, searches_of
from recs.unified_data import read_data
from recs.versions import live_version

pytestmark = pytest.mark.django_db


def search_then(query, item, *, who="drama-fan-0", kind="click", minutes_ago=60.0):
    """A search and what it led to."""
    query_id, at = uuid4(), timezone.now() - timedelta(minutes=minutes_ago)
    person = Person.objects.get_or_create(external_id=who)[0]
    answer = AnswerInput(
        query_id=query_id, kind="search", surface="search", total=3, time=at,
        viewer=Viewer(person_id=person.pk), query=query, normalized_query=query.lower(),
    )  # fmt: skip
    log_answer(answer=answer)
    event = EventInput(
        kind=kind, user_id=who, item_id=item, time=at + timedelta(seconds=30),
        query_id=str(query_id),
    )  # fmt: skip
    assert record_events(events=[event])[0].status == "accepted"
    return person


def read(**changes):
    given = {"as_of": timezone.now(), "vocabulary": item_vocabulary(), "version": live_version()}
    return read_data(**(given | changes))


def test_searches_that_led_to_items_are_learned_from_with_their_strength(world):
    for query, item, kind in (
        ("Sad drama", "drama-1", "click"),
        ("sad DRAMA!", "drama-2", "purchase"),
        ("funny", "comedy-1", "add"),
    ):
        search_then(query, item, kind=kind)
    found = read()
    data, rows = found.data, found.data.vocabulary.rows(map(str, world.values()))
    row = dict(zip(world, rows.tolist(), strict=True))
    assert (found.asked, data.queries.item_ids) == (3, ("funny", "sad drama"))
    asked = data.searches.select(np.arange(3))
    said = {
        (data.queries.item_ids[word - 1], item, strength)
        for word, item, strength in zip(
            asked.words.tolist(), asked.items.tolist(), asked.strengths.tolist(), strict=True
        )
    }
    assert said == {
        ("sad drama", row["drama-1"], CLICK),
        ("sad drama", row["drama-2"], WANT),
        ("funny", row["comedy-1"], ADD),
    }
    owner = data.log.wanted.people.index(
        f"person:{Person.objects.get(external_id='drama-fan-0').pk}"
    )
    assert data.log.asked.lengths[owner] == data.log.chosen.lengths[owner] == 3
    # Searches that were made are in no person's past.
    assert found.made > 0
    assert len(data.searches) == found.asked + found.made
    assert data.log.asked.lengths.sum() == 3


def test_nothing_after_the_moment_is_read(world):
    search_then("early", "drama-1", minutes_ago=120)
    search_then("late", "drama-2", minutes_ago=5)
    found = read(as_of=timezone.now() - timedelta(minutes=60))
    assert found.data.queries.item_ids == ("early",)
    assert {one.query for one in chosen_searches(as_of=timezone.now())} == {"early", "late"}


def test_a_viewers_searches_are_the_newest_last_and_nobody_elses(world):
    search_then("first", "drama-1", minutes_ago=90)
    person = search_then("second", "drama-2", minutes_ago=30)
    search_then("other", "comedy-1", who="comedy-fan-0")
    viewer = Viewer(person_id=person.pk)
    assert [one.query for one in searches_of(viewer)] == ["first", "second"]
    earlier = timezone.now() - timedelta(minutes=60)
    assert [one.query for one in searches_of(viewer, as_of=earlier)] == ["first"]
    assert searches_of(Viewer(anonymous_id="guest")) == []


def test_nobody_costs_no_query(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert searches_of(Viewer()) == []


def test_ratings_facts_and_years_are_read(world):
    found = read()
    data = found.data
    assert ((data.ratings.values >= 0.8) & (data.ratings.values <= 1.0)).all()
    assert len(data.ratings.values) == 15 * 8
    place = data.vocabulary.rows([str(world["drama-3"])])[0] - 1
    assert data.years[place] == 1993
    assert "category:Drama" in data.facts[place]
    assert data.titles[place] == "Drama number 3"
    # What fewer than three items have is no search worth making.
    assert "category:Drama" in found.texts.facts.names
    assert "creator:Maker Drama 3" not in found.texts.facts.names


def test_an_event_that_names_no_search_is_none(world):
    assert read().asked == 0
