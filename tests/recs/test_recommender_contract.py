"""What every source of recommendations keeps to, and every surface made of them."""

from functools import partial

import pytest

from catalog.event_kinds import EventKind
from catalog.filters import ItemFilters, Range
from catalog.items import set_hidden
from catalog.models import Item
from catalog.types import Viewer
from recs.history import History, TasteItem, WantedAct, read_history
from recs.recommend import RecommendRequest, recommend
from recs.recommenders.base import Ask
from recs.recommenders.content import similar
from recs.recommenders.neighbours import also_liked
from recs.recommenders.new import new
from recs.recommenders.popular import hidden_gems, loved_by_many, popular
from recs.recommenders.user_model import picking
from tests.recs.conftest import NOON
from tests.recs.served import live_version


def picked(ask):
    """What the live version picks for somebody who liked the items of the taste."""
    wanted = [WantedAct(item_id=t.item_id, kind=EventKind.LIKE, time=NOON) for t in ask.taste]
    source = picking(History(wanted=tuple(wanted))).source
    return source(ask) if source else []


SOURCES = [picked, also_liked, similar, popular, loved_by_many, hidden_gems, new]
PERSONAL = [picked, also_liked, similar]
SURFACES = ["home", "item", "session"]
DRAMAS = ItemFilters(category=("Drama",))


def named(source):
    return source.__name__


@pytest.fixture(autouse=True)
def live(request, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path
    given = getattr(request.node, "callspec", None)
    if given and given.params.get("source") is picked and "world" in request.fixturenames:
        request.getfixturevalue("world")
        return live_version()
    return None


@pytest.fixture
def taste(world):
    return (
        TasteItem(item_id=world["drama-0"], weight=1.0),
        TasteItem(item_id=world["comedy-1"], weight=0.9),
    )


@pytest.mark.parametrize("source", SOURCES, ids=named)
@pytest.mark.parametrize("k", [1, 5, 100])
def test_at_most_k_none_twice_best_first(source, k, taste):
    found = source(Ask(k=k, taste=taste))
    assert 0 < len(found) <= k
    ids = [candidate.item_id for candidate in found]
    assert len(set(ids)) == len(ids)
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_excluded_items_never_come_back(source, taste):
    first = [candidate.item_id for candidate in source(Ask(k=5, taste=taste))]
    again = source(Ask(k=100, taste=taste, excluded=frozenset(first)))
    assert not {candidate.item_id for candidate in again} & set(first)


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_hidden_items_never_come(source, taste):
    first = [candidate.item_id for candidate in source(Ask(k=3, taste=taste))]
    names = Item.objects.filter(pk__in=first).values_list("external_id", flat=True)
    set_hidden(external_ids=list(names), hidden=True)
    again = source(Ask(k=100, taste=taste))
    assert not {candidate.item_id for candidate in again} & set(first)


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_filters_are_honoured(source, taste):
    for filters in (DRAMAS, ItemFilters(year=Range(low=1995, high=2000))):
        found = [c.item_id for c in source(Ask(k=50, taste=taste, filters=filters))]
        assert found
        assert Item.objects.filter(filters.q(), pk__in=found).count() == len(found)


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_the_same_question_has_the_same_answer(source, taste):
    assert source(Ask(k=20, taste=taste)) == source(Ask(k=20, taste=taste))


@pytest.mark.parametrize("source", PERSONAL, ids=named)
def test_personal_sources_have_nothing_for_nobody(source, world):
    assert source(Ask(k=5)) == []


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_an_empty_catalog_gives_nothing(source, db):
    assert source(Ask(k=5, taste=(TasteItem(item_id=1, weight=1.0),))) == []


@pytest.fixture
def request_of(world, drama_fan):
    """A request on each surface by one who liked eight dramas."""

    def make(surface, **changes):
        return RecommendRequest(
            surface=surface,
            viewer=changes.pop("viewer", Viewer(person_id=drama_fan)),
            item_id=world["drama-1"] if surface == "item" else None,
            session_item_ids=(world["drama-1"],) if surface == "session" else (),
            **changes,
        )

    return make


@pytest.fixture(params=SURFACES)
def ask(request, request_of):
    return partial(request_of, request.param)


@pytest.mark.parametrize("k", [1, 6, 12])
def test_every_surface_fills_k_places_in_order(ask, k):
    hits = recommend(ask(k=k)).hits
    assert [hit.position for hit in hits] == list(range(1, k + 1))
    assert len({hit.item_id for hit in hits}) == k
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(hit.reason and hit.source for hit in hits)


def test_what_was_seen_stays_out_unless_it_is_asked_for(ask, drama_fan):
    seen = read_history(viewer=Viewer(person_id=drama_fan)).seen
    assert len(seen) == 8
    assert not {hit.item_id for hit in recommend(ask(k=100)).hits} & seen
    again = recommend(ask(k=100, exclude_seen=False))
    assert {hit.item_id for hit in again.hits} & seen


def test_a_filter_never_answers_too_few(ask, drama_fan):
    seen = read_history(viewer=Viewer(person_id=drama_fan)).seen
    filters = ItemFilters(category=("Western",))
    hits = recommend(ask(k=100, filters=filters)).hits
    allowed = set(Item.objects.filter(filters.q()).values_list("pk", flat=True)) - seen
    assert {hit.item_id for hit in hits} == allowed


def test_an_unknown_viewer_gets_an_answer_that_says_so(ask):
    hits = recommend(ask(k=12, viewer=Viewer(anonymous_id="never seen"))).hits
    assert len(hits) == 12
    assert {hit.source for hit in recommend(RecommendRequest(surface="home")).hits} == {
        "popular",
        "new",
    }


def test_hidden_items_leave_every_surface_at_once(ask):
    first = recommend(ask(k=3)).hits
    names = Item.objects.filter(pk__in=[hit.item_id for hit in first])
    set_hidden(external_ids=list(names.values_list("external_id", flat=True)), hidden=True)
    again = {hit.item_id for hit in recommend(ask(k=100)).hits}
    assert not again & {hit.item_id for hit in first}


def test_every_surface_answers_the_same_twice(ask):
    assert recommend(ask(k=20)).hits == recommend(ask(k=20)).hits


def test_an_empty_catalog_answers_with_nothing(db):
    assert recommend(RecommendRequest(surface="home")).hits == ()
