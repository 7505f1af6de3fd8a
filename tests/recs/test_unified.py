"""The unified model from events to answers: one index, three surfaces, reasons that are true."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog.events import record_events
from catalog.filters import ItemFilters
from catalog.models import Answer, Person
from catalog.types import ItemInput, Viewer
from recs import registry
from recs.content import live_versions
from recs.features import SECONDS_A_DAY, item_vocabulary
from recs.history import read_history
from recs.item_vectors import write_item_vectors
from recs.ml.unified.joint_benchmark import requests_between
from recs.ml.unified.prepared import PreparedConfig, prepare
from recs.models import ItemVector, ModelVersion, Surface
from recs.recommend import RecommendRequest, more_like, recommend
from recs.recommenders.base import Ask
from recs.replay import TOLD_GROUPS
from recs.unified import LEAST_REASON, TASKS, UnifiedAsk, choosing, ranking_of
from recs.unified_data import read_data
from recs.unified_gate import ask_of
from recs.unified_index import LIKE
from recs.unified_models import forget_unified, load_unified
from recs.unified_source import liked_by_the_same
from recs.versions import ensure_version, query_encoder
from tests.recs.conftest import NOON, like, make_items, write_vectors
from tests.recs.served import broken
from tests.recs.unified_world import EACH, GROUPS, learned, learned_version, make_world


@pytest.fixture
def ids(db, settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "artifacts"
    return make_world()


@pytest.fixture
def version(ids):
    return learned_version()


def viewer(name):
    return Viewer(person_id=Person.objects.get(external_id=name).pk)


def test_events_become_a_version_that_is_judged_surface_by_surface(ids):
    version = learned().version
    assert version.state in ("live", "refused")
    alone = {"search:strangers", "similar:strangers"}
    assert {part["name"] for part in version.gate["slices"]} == {*TASKS, *alone}
    assert set(version.gate["surfaces"]) <= set(TASKS)
    assert set(version.gate["strangers"]) <= set(version.gate["surfaces"])
    assert version.metrics["searches_asked"] == 0
    assert version.metrics["searches_made"] > 0
    assert ItemVector.objects.filter(version=version).count() == len(ids)
    assert version.metrics["index_recall@100"] > 0.96
    names = [row["name"] for row in version.metrics["quality"]]
    assert names[:2] == ["off", "found"]


def test_the_same_search_by_two_people_gives_two_orders(ids, version):
    found = {}
    for name in ("p0", "p1"):
        who = viewer(name)
        ask = UnifiedAsk(
            surface="search", viewer=who, text="tale", history=read_history(viewer=who)
        )
        found[name] = ranking_of(version, ask).ids
    assert found["p0"] != found["p1"]
    by_key = {key: name for name, key in ids.items()}
    for name, own in (("p0", GROUPS[0]), ("p1", GROUPS[1])):
        top = [by_key[key].split("-")[0] for key in found[name][:EACH]]
        assert top.count(own) > EACH / 2


def test_every_surface_answers_from_the_one_index_with_reasons(ids, version):
    registry.promote(version=version)
    for key in ("search", "home", "similar"):
        Surface.objects.create(key=key, engine=Surface.Engine.UNIFIED)
    who = viewer("p1")
    home = recommend(RecommendRequest(surface="home", viewer=who, k=12))
    below = recommend(RecommendRequest(surface="item", viewer=who, item_id=ids["Comedy-3"], k=12))
    session = recommend(
        RecommendRequest(surface="session", session_item_ids=(ids["Drama-1"], ids["Drama-2"]))
    )
    for answer in (home, below, session):
        assert (answer.model_version, answer.fallback) == (version.name, "")
        assert answer.hits[0].source == "unified"
        assert len(answer.hits) == 12
        assert all(hit.reason for hit in answer.hits)
        assert 0 < answer.hits[0].explanation["chance"] < 1
    seen = read_history(viewer=who).seen
    assert not seen & {hit.item_id for hit in home.hits}
    assert ids["Comedy-3"] not in {hit.item_id for hit in below.hits}
    logged = Answer.objects.get(pk=home.query_id)
    assert logged.model_version == version.name
    stranger = recommend(RecommendRequest(surface="home", k=5))
    assert (stranger.model_version, stranger.fallback) == ("", "no_history")


def test_what_is_like_an_item_decides_the_set_below_it_and_taste_its_order(ids, version):
    registry.promote(version=version)
    Surface.objects.create(key="similar", engine=Surface.Engine.UNIFIED)
    item_id = ids["Comedy-3"]

    def below(name):
        answer = recommend(
            RecommendRequest(
                surface="item", viewer=viewer(name), item_id=item_id, k=50, exclude_seen=False
            )
        )
        return [hit.item_id for hit in answer.hits if hit.source == "unified"]

    # They want dramas, comedies and westerns.
    lists = [below(name) for name in ("p0", "p1", "p2")]
    model = load_unified(version)
    facts, row = model.facts.items, int(model.vocabulary.rows([str(item_id)])[0])
    others = [key for key in ids.values() if key != item_id]
    places = model.vocabulary.rows(map(str, others))
    products = facts.vectors[places] @ facts.vectors[row] + facts.quality[places] @ model.weights
    nearest = [others[place] for place in np.argsort(-products)[:LIKE].tolist()]
    liked = liked_by_the_same(item_id, Ask(k=LIKE, excluded=frozenset({item_id})))
    assert len(liked) == LIKE
    assert set(lists[0]) == set(nearest) | set(liked)
    assert {*lists[0]} == {*lists[1]} == {*lists[2]}
    assert len({tuple(one) for one in lists}) > 1
    by_key = {key: name for name, key in ids.items()}
    assert {by_key[key].split("-")[0] for key in lists[0]} == {"Comedy"}


def test_where_nothing_spoke_for_an_item_no_merit_is_told(ids, version):
    registry.promote(version=version)
    Surface.objects.create(key="similar", engine=Surface.Engine.UNIFIED)
    request = RecommendRequest(
        surface="item", viewer=viewer("p0"), item_id=ids["Comedy-3"], k=20, exclude_seen=False
    )
    hits = [hit for hit in recommend(request).hits if hit.source == "unified"]
    silent = [
        hit for hit in hits
        if max(hit.explanation[name] for name in TOLD_GROUPS) < LEAST_REASON
    ]  # fmt: skip
    assert silent
    assert {hit.reason for hit in silent} == {"Among what is nearest"}
    told = [hit for hit in hits if hit not in silent and hit.reason == "Among what is nearest"]
    assert told == []


def test_what_the_viewer_chose_leaves_the_set_and_a_filter_bounds_it(ids, version):
    registry.promote(version=version)
    Surface.objects.create(key="similar", engine=Surface.Engine.UNIFIED)
    who = viewer("p1")
    asked = RecommendRequest(surface="item", viewer=who, item_id=ids["Comedy-3"], k=12)
    seen = read_history(viewer=who).seen
    assert not seen & {hit.item_id for hit in recommend(asked).hits}
    found = recommend(replace(asked, filters=ItemFilters(category=("Western",)))).hits
    westerns = {key for name, key in ids.items() if name.startswith("Western")}
    assert found[0].source == "unified"
    assert {hit.item_id for hit in found} <= westerns


def test_below_an_item_that_is_younger_than_the_version_stands_what_is_like_it(ids, version):
    registry.promote(version=version)
    Surface.objects.create(key="similar", engine=Surface.Engine.UNIFIED)
    later = make_items(
        [ItemInput(external_id="later", title="Comedy tale 99", category_paths=["Comedy"])]
    )["later"]
    text = query_encoder().encode(["Comedy tale 99 Comedy"])[0]
    write_vectors(ensure_version(), {later: text})
    by_key = {key: name for name, key in ids.items()}

    def genres():
        answer = recommend(
            RecommendRequest(surface="item", viewer=viewer("p0"), item_id=later, k=LIKE)
        )
        own = [hit.item_id for hit in answer.hits if hit.source == "unified"]
        assert len(own) == LIKE
        return [by_key[key].split("-")[0] for key in own]

    by_title = genres()
    assert write_item_vectors(version) == 1
    assert ItemVector.objects.filter(item_id=later).exists()
    assert genres().count("Comedy") >= by_title.count("Comedy") > LIKE / 2


def test_the_gate_asks_below_an_item_for_what_was_liked_with_it_then(ids, version):
    end = (NOON + timedelta(days=15)).timestamp() / SECONDS_A_DAY
    known = read_data(
        as_of=NOON + timedelta(days=40), vocabulary=item_vocabulary(),
        version=live_versions()["text"], seed=0,
    )  # fmt: skip
    prepared = prepare(known.data, known.texts, end, PreparedConfig(seed=0))
    judged = requests_between(known.data, end, np.inf)
    rows = np.flatnonzero(judged.requests.tasks == TASKS["similar"])
    assert len(rows)
    ask = ask_of(prepared, judged, int(rows[0]))
    assert 0 < len(ask.also) <= LIKE
    assert not set(ask.also) & set(ask.excluded)
    assert ranking_of(version, ask).asked.shape == (load_unified(version).dimensions,)


def test_the_switch_the_control_group_and_the_gate_decide_who_answers(ids, version):
    who = viewer("p1")
    assert choosing("home", who).fallback == "no_live_version"
    gate = {**version.gate, "surfaces": ["home"]}
    ModelVersion.objects.filter(pk=version.pk).update(gate=gate)
    registry.promote(version=version)
    assert choosing("home", who).name == version.name
    assert choosing("similar", who).fallback == "not_better"
    surface = Surface.objects.create(key="home", engine=Surface.Engine.FIRST)
    assert choosing("home", who).fallback == "switched_off"
    surface.engine, surface.control_percent = Surface.Engine.UNIFIED, 100
    surface.save()
    assert choosing("home", who).fallback == "control"
    surface.control_percent = 50
    surface.save()
    groups = {choosing("home", viewer(f"p{n}")).fallback for n in range(40)}
    assert groups == {"", "control"}
    broken(version)
    forget_unified()
    surface.control_percent = 0
    surface.save()
    assert choosing("home", who).fallback == "unusable_version"


def test_strangers_are_answered_by_it_where_the_gate_says_so(ids, version):
    gate = {**version.gate, "surfaces": list(TASKS), "strangers": ["search"]}
    ModelVersion.objects.filter(pk=version.pk).update(gate=gate)
    registry.promote(version=version)

    def below(who):
        return recommend(RecommendRequest(surface="item", viewer=who, item_id=ids["Comedy-3"], k=5))

    stranger, known = Viewer(anonymous_id="first-visit"), viewer("p1")
    assert below(known).fallback == ""
    assert below(stranger).fallback == "not_better_for_strangers"
    assert below(stranger).hits
    assert more_like(ids["Comedy-3"], known)
    assert more_like(ids["Comedy-3"], stranger) is None
    assert choosing("search", stranger).why_not_with(read_history(viewer=stranger)) == ""
    session = RecommendRequest(surface="session", session_item_ids=(ids["Drama-1"],))
    assert recommend(session).fallback == ""
    Surface.objects.create(key="similar", engine=Surface.Engine.UNIFIED)
    assert below(stranger).fallback == ""
    # A version of before strangers were asked goes on as it was.
    Surface.objects.all().delete()
    del gate["strangers"]
    ModelVersion.objects.filter(pk=version.pk).update(gate=gate)
    registry.forget_live()
    assert below(stranger).fallback == ""


def test_a_new_item_is_found_before_anything_is_trained_again(ids, version):
    new = make_items(
        [ItemInput(external_id="new", title="Western tale 99", category_paths=["Western"])]
    )["new"]
    vector = query_encoder().encode(["Western tale 99 Western"])[0]
    write_vectors(ensure_version(), {new: vector})
    assert write_item_vectors(version) == 1
    who = viewer("p2")
    ask = UnifiedAsk(surface="home", viewer=who, history=read_history(viewer=who))
    ranking = ranking_of(version, ask)
    assert new in ranking.ids
    assert ranking.ids.index(new) < len(ids) / 2
    liked = [like("p2", "new", time=timezone.now())]
    record_events(events=liked)
    after = ranking_of(version, replace(ask, history=read_history(viewer=who)))
    # It is not in the version's vocabulary, so it says nothing of the person yet, and breaks
    # nothing.
    assert set(after.ids) == set(ranking.ids)


@pytest.mark.parametrize("text", ["the of and", "x", "кино про любовь", "zzzz qqqq", "?!"])
def test_searches_that_say_nothing_are_answered(ids, version, text):
    found = ranking_of(version, UnifiedAsk(surface="search", text=text))
    assert len(found.ids) == len(ids)
    assert np.isfinite(found.logits).all()
