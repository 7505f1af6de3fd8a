"""What the unified model is given when data are odd: it answers, or refuses and says why."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.utils import timezone

from catalog.events import record_events
from catalog.models import Item, Person
from catalog.types import ItemInput, Viewer
from recs import registry
from recs.errors import UnusableVersion
from recs.history import read_history
from recs.item_vectors import write_item_vectors
from recs.ml.unified.features import LONGEST, NAMES_OF_ALL
from recs.models import ContentEmbedding, ItemVector, ModelVersion, Surface
from recs.recommend import RecommendRequest, recommend
from recs.unified import UnifiedAsk, choosing, live_request, ranking_of
from recs.unified_models import forget_unified, load_unified
from recs.versions import ensure_version, query_encoder
from tests.recs.conftest import like, make_items, write_vectors
from tests.recs.unified_world import learned_version, make_world


@pytest.fixture
def ids(db, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "artifacts"
    return make_world()


@pytest.fixture
def version(ids):
    version = learned_version()
    registry.promote(version=version)
    for key in ("search", "home", "similar"):
        Surface.objects.create(key=key, engine=Surface.Engine.UNIFIED)
    return version


def somebody(name, events):
    """A person with these events."""
    assert all(one.status == "accepted" for one in record_events(events=events))
    return Viewer(person_id=Person.objects.get(external_id=name).pk)


def asked(surface, viewer, **given):
    return UnifiedAsk(surface=surface, viewer=viewer, history=read_history(viewer=viewer), **given)


def finite(ranking):
    assert np.isfinite(ranking.logits).all()
    assert np.isfinite(ranking.features).all()
    assert len(set(ranking.ids)) == len(ranking.ids)
    return ranking


def test_somebody_with_ten_thousand_events_is_read_as_far_as_it_matters(ids, version):
    names, now = list(ids), timezone.now()
    events = [
        like("busy", names[n % len(names)], time=now - timedelta(minutes=n), kind="play")
        for n in range(10_000)
    ]
    for start in range(0, len(events), 1000):
        viewer = somebody("busy", events[start : start + 1000])
    for surface, given in (
        ("home", {}), ("search", {"text": "tale"}), ("similar", {"item_id": ids["Drama-1"]}),
    ):  # fmt: skip
        ranking = finite(ranking_of(version, asked(surface, viewer, **given)))
        assert len(ranking.question.known.items) <= LONGEST
        assert ranking.ids


def test_somebody_with_one_event_is_answered(ids, version):
    viewer = somebody("new", [like("new", "Comedy-3", time=timezone.now())])
    answer = recommend(RecommendRequest(surface="home", viewer=viewer, k=6))
    assert (answer.model_version, len(answer.hits)) == (version.name, 6)
    finite(ranking_of(version, asked("home", viewer)))


ODD = (
    ItemInput(external_id="odd", title="?"),
    ItemInput(external_id="odd", title="Free tale", price=Decimal(0), currency="EUR"),
    ItemInput(external_id="odd", title="Far tale", countries=["Nowhereland"]),
    ItemInput(external_id="odd", title="Old tale", year=1),
)


@pytest.mark.parametrize("item", ODD, ids=("no text", "price zero", "no country", "year one"))
def test_an_odd_item_is_placed_and_ranked_like_others(ids, version, item):
    new = make_items([item])["odd"]
    write_vectors(ensure_version(), {new: query_encoder().encode([item.title])[0]})
    assert write_item_vectors(version) == 1
    viewer = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    for surface, given in (
        ("home", {}), ("search", {"text": "tale"}), ("similar", {"item_id": new}),
    ):  # fmt: skip
        ranking = finite(ranking_of(version, asked(surface, viewer, **given)))
        assert new in ranking.ids or surface == "similar"


def test_a_query_of_words_that_no_title_has_is_answered(ids, version):
    """A title that does not exist: something is put first, nothing breaks."""
    viewer = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    ranking = finite(ranking_of(version, asked("search", viewer, text="The Unwritten Saga IV")))
    assert len(ranking.ids) == len(ids)


def test_vectors_that_are_missing_when_a_request_comes_count_for_nothing(ids, version):
    """An item between being found and being deleted: its numbers are gone, the rest stays."""
    new = make_items([ItemInput(external_id="brief", title="Brief tale")])["brief"]
    viewer = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    whole = ranking_of(version, asked("search", viewer, text="tale"))
    # Neither a text vector nor a place in the index.
    assert not ContentEmbedding.objects.filter(item_id=new).exists()
    assert not ItemVector.objects.filter(item_id=new).exists()
    ranking = finite(ranking_of(version, asked("search", viewer, text="tale", also=[new])))
    place = ranking.ids.index(new)
    assert ranking.features[place, NAMES_OF_ALL.index("cosine")] == 0
    assert [key for key in ranking.ids if key != new] == list(whole.ids)


def test_what_was_deleted_since_training_is_in_no_answer(ids, version):
    Item.objects.filter(pk=ids["Comedy-3"]).delete()
    viewer = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    assert ids["Comedy-3"] not in finite(ranking_of(version, asked("home", viewer))).ids
    answer = recommend(RecommendRequest(surface="home", viewer=viewer, k=30))
    assert ids["Comedy-3"] not in {hit.item_id for hit in answer.hits}


def test_an_index_of_another_version_than_the_query_tower_is_refused(ids, version):
    ModelVersion.objects.filter(pk=version.pk).update(dimensions=version.dimensions + 1)
    version.refresh_from_db()
    forget_unified()
    with pytest.raises(UnusableVersion, match="its query tower"):
        load_unified(version)
    viewer = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    assert choosing("home", viewer).fallback == "unusable_version"
    answer = recommend(RecommendRequest(surface="item", item_id=ids["Drama-1"], k=5))
    assert (answer.model_version, answer.fallback) == ("", "unusable_version")
    assert answer.hits
    forget_unified()


def test_the_moment_of_a_request_may_lie_before_everything(ids, version):
    viewer = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    at = timezone.now() - timedelta(days=40_000)
    model = load_unified(version)
    ask = UnifiedAsk(
        surface="home", viewer=viewer, history=read_history(viewer=viewer, as_of=at), at=at
    )
    assert not len(live_request(model, ask).history.items)
    finite(ranking_of(version, ask))
