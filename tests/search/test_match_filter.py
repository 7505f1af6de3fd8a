"""The match filter: from labels to a version, its gate, and what it does to a search."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.filters import ItemFilters
from catalog.labels import set_label
from catalog.models import Answer, Label
from catalog.types import Viewer
from recs import registry
from recs.errors import CannotPromote, NotEnoughEvents
from recs.frozen_labels import freeze, read_frozen
from recs.learning import learn
from recs.match_filter import (
    RELEVANCE,
    filtering,
    forget_filters,
    load_filter,
    set_mode,
    set_threshold,
)
from recs.match_guard import serving_points
from recs.match_items import every_text
from recs.ml.match.texts import learn_rarity
from recs.models import FrozenLabels, ModelVersion, Surface
from recs.recommend import RecommendRequest, recommend
from search.answer import search
from search.finding import by_words_and_meaning, read
from search.match_drift import drift
from search.match_filter import judge, scores_of
from search.match_rows import read_graded
from search.retrieval import retrieve
from search.stages import Stages
from search.types import SearchRequest
from tests.search.match_world import QUERIES, grade_shop, like_and_grade, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shop(django_db_setup, django_db_blocker):
    """Things with their vectors; gone again after the module's tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield make_shop()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def learned(shop, django_db_blocker, tmp_path_factory):
    """Grades of the shop, and the version that was learned of them, in a folder that stays."""
    folder = tmp_path_factory.mktemp("models")
    with django_db_blocker.unblock(), transaction.atomic():
        grade_shop(shop)
        like_and_grade(shop)
        with override_settings(RECS_ARTIFACT_DIR=folder):
            run = learn(kind="match_filter")
        yield folder, run.version_id
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_filters()
    yield
    forget_filters()


@pytest.fixture
def graded(shop, learned):
    return shop


@pytest.fixture
def live(learned, own_artifacts, settings):
    settings.RECS_ARTIFACT_DIR, key = learned
    version = ModelVersion.objects.get(pk=key)
    assert version.state == "live", (version.gate, version.metrics)
    return version


def test_from_labels_to_a_live_version(live):
    heads = live.metrics["heads"]
    assert {"relevance", "fit"} <= set(heads)
    told = heads["relevance"]
    assert told["auc"]["mean"] > 0.9
    assert told["over"]["ranker"]["low"] > 0
    assert {"people", "language models"} == set(told["auc_against"])
    assert told["ceiling"]["pairs"] > 10
    assert told["ceiling"]["kappa"] < 1
    assert told["point"]["lost_high"] <= 0.02
    assert told["calibration_error"] <= 0.08
    assert told["reliability"]
    assert len(told["sweep"]) > 3
    card = (registry.folder(live) / "MODEL_CARD.md").read_text()
    assert "bad match" in card
    assert set(load_filter(live).scorers) == set(heads)


def test_labels_that_say_the_opposite_teach_a_version_that_is_refused(graded):
    # Older labels are turned round; the newest, by which it is judged, are not.
    Label.objects.all().delete()
    ModelVersion.objects.all().delete()
    grade_shop(graded, flip=True, queries=QUERIES[:60])
    Label.objects.update(created_at=timezone.now() - timedelta(days=3))
    grade_shop(graded, queries=QUERIES[60:], seed=2)
    run = learn(kind="match_filter")
    version = ModelVersion.objects.get(pk=run.version_id)
    assert version.state == ModelVersion.State.REFUSED
    assert "better" in " ".join(version.gate["reasons"])
    with pytest.raises(CannotPromote):
        registry.promote(version=version)


def test_without_labels_there_is_nothing_to_learn(graded):
    Label.objects.all().delete()
    with pytest.raises(NotEnoughEvents, match="graded"):
        learn(kind="match_filter")


def test_the_limit_is_asked_at_every_promotion(live, settings):
    ModelVersion.objects.filter(pk=live.pk).update(state="retired", retired_at=timezone.now())
    settings.MATCH_FILTER_MOST_GOOD_LOST = 0.001
    live.refresh_from_db()
    with pytest.raises(CannotPromote, match="good matches"):
        registry.promote(version=live)
    settings.MATCH_FILTER_MOST_GOOD_LOST = 0.02
    assert registry.promote(version=live).is_live


def test_a_limit_that_is_lowered_counts_at_once(live, settings):
    assert filtering("search", live)
    settings.MATCH_FILTER_MOST_GOOD_LOST = 0.001
    assert filtering("search", live) is None


def test_a_threshold_moves_only_along_the_sweep_and_below_the_limit(live):
    sweep = live.metrics["heads"]["relevance"]["sweep"]
    fine = [point for point in sweep if point["lost_high"] <= 0.02]
    costly = [point for point in sweep if point["lost_high"] > 0.02]
    assert fine
    assert costly
    move = {"version": live, "head": "relevance", "by": "eve", "at": "now"}
    set_threshold(threshold=fine[0]["threshold"], **move)
    live.refresh_from_db()
    assert serving_points(live)["relevance"] == fine[0]
    assert live.metrics["chosen"]["relevance"]["by"] == "eve"
    with pytest.raises(InvalidInput, match=r"2\.0%"):
        set_threshold(threshold=costly[-1]["threshold"], **move)
    with pytest.raises(InvalidInput, match="no point"):
        set_threshold(threshold=0.1234, **move)
    live.refresh_from_db()
    assert serving_points(live)["relevance"] == fine[0]


def test_what_is_learned_from_is_what_is_served(graded):
    query = "red chair"
    rarity = learn_rarity(every_text())
    Label.objects.exclude(query=query).delete()
    rows = read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)
    request = SearchRequest(query=query)
    found = by_words_and_meaning(read(request), request, Stages())
    from recs.ml.match.relevance_features import relevance_features
    from search.match_filter import asked_of

    ids = list(Label.objects.filter(query=query).order_by("pk").values_list("item_id", flat=True))
    asked, items = asked_of(found, ids)
    served = relevance_features(asked, items.texts, items.vectors, rarity)
    place = {item_id: row for row, item_id in enumerate(items.ids)}
    assert rows.features == pytest.approx(served[[place[item_id] for item_id in ids]])


def test_shadow_changes_nothing_and_says_what_it_would(live):
    before = retrieve(SearchRequest(query="red chair"))
    answer = search(SearchRequest(query="red chair"))
    assert answer.retrieved.total == before.total
    row = Answer.objects.get(pk=answer.query_id)
    assert all("match" in hit for hit in row.hits if hit["source"] != "exact_title")
    shown = {hit["item"] for hit in row.hits}
    assert all(each["mode"] == "shadow" for each in row.dropped)
    first_page = {each["item"] for each in row.dropped} & shown
    assert first_page or answer.retrieved.total > 24 or not row.dropped


def _strict(live):
    """The same version with a threshold that drops much, as if it had been measured so."""
    gate = live.gate
    for head in gate["heads"].values():
        head["point"] = {**head["point"], "threshold": 0.05, "lost_high": 0.01}
    ModelVersion.objects.filter(pk=live.pk).update(gate=gate)
    live.refresh_from_db()
    return live


@pytest.mark.parametrize("query", ["red", "wooden chair", "made to last", "chair", "outdoor"])
@pytest.mark.parametrize("looked_at", [5, 1_000])
def test_counts_facets_and_pages_agree_with_what_is_left(live, monkeypatch, query, looked_at):
    from search import lexical

    monkeypatch.setattr(lexical, "MAX_MATCHES", looked_at)
    whole = retrieve(SearchRequest(query=query))
    _strict(live)
    set_mode(surface="search", mode="on", by="eve")
    first = retrieve(SearchRequest(query=query, per_page=7))
    assert 0 < first.total <= whole.total
    dropped = {each["item"] for each in first.dropped}
    seen = []
    for page in range(1, first.pages + 1):
        found = retrieve(SearchRequest(query=query, per_page=7, page=page))
        assert found.total == first.total
        seen += [hit.item.pk for hit in found.hits]
        assert not dropped & {hit.item.pk for hit in found.related}
    assert len(seen) == len(set(seen)) == first.total
    assert not dropped & set(seen)
    assert first.total == whole.total - len(dropped)
    for facet in first.facets:
        for value in facet.values[:4]:
            if facet.key != "category":
                continue
            inside = retrieve(
                SearchRequest(query=query, filters=ItemFilters(category=(value.value,)))
            )
            assert inside.total == value.count
            assert not dropped & {hit.item.pk for hit in inside.hits}
    again = retrieve(SearchRequest(query=query, per_page=7, sort="title"))
    assert again.total == first.total


def test_a_title_in_full_and_what_an_editor_pinned_stay(live, graded):
    from search.models import Rule

    _strict(live)
    gate = live.gate
    gate["heads"]["relevance"]["point"]["threshold"] = 0.0
    ModelVersion.objects.filter(pk=live.pk).update(gate=gate)
    set_mode(surface="search", mode="on", by="eve")
    pinned = graded["blue-tent"]
    Rule.objects.create(
        name="r", match="exact", patterns=["red chair"], action="pin", item_ids=[pinned.pk],
        position=1, is_on=True, revision=1,
    )  # fmt: skip
    found = retrieve(SearchRequest(query="red chair"))
    kept = {hit.item.pk for hit in found.hits}
    assert kept == {graded["red-chair"].pk, pinned.pk}


def test_a_list_is_never_emptied_and_there_is_a_way_round(live):
    _strict(live)
    gate = live.gate
    gate["heads"]["relevance"]["point"]["threshold"] = 0.0
    ModelVersion.objects.filter(pk=live.pk).update(gate=gate)
    set_mode(surface="search", mode="on", by="eve")
    whole = retrieve(SearchRequest(query="made to last"))
    assert whole.total > 100
    small = retrieve(SearchRequest(query="something red to sit on, cheap"))
    assert small.total > 0
    assert retrieve(SearchRequest(query="made to last", verbatim=True)).dropped == []
    assert retrieve(SearchRequest(query="made to la", is_typing=True)).dropped == []


def test_no_version_costs_no_statement(graded, django_assert_num_queries):
    request = SearchRequest(query="red chair")
    retrieve(request)
    with connection.execute_wrapper(_counting(counts := [])):
        retrieve(request)
    ModelVersion.objects.all().delete()
    assert not [text for text in counts if "halfvec_send" in text]
    assert len([text for text in counts if "recs_modelversion" in text]) == 1


def _counting(texts):
    def wrap(execute, sql, params, many, context):
        texts.append(sql)
        return execute(sql, params, many, context)

    return wrap


def test_off_asks_nothing(live):
    set_mode(surface="search", mode="off", by="eve")
    assert Surface.objects.get(key="search").match_filter_by == "eve"
    found = retrieve(SearchRequest(query="red chair"))
    assert found.match_scores == {}
    with pytest.raises(InvalidInput):
        set_mode(surface="search", mode="loud", by="eve")
    with pytest.raises(InvalidInput):
        set_mode(surface="nowhere", mode="on", by="eve")


def test_home_leaves_out_what_does_not_fit_and_stays_as_long(live):
    from catalog.models import Person

    person = Person.objects.get(external_id="p3")
    viewer = Viewer(person_id=person.pk)
    asked = RecommendRequest(surface="home", viewer=viewer, k=12)
    plain = recommend(asked)
    row = Answer.objects.get(pk=plain.query_id)
    assert all(each["mode"] == "shadow" for each in row.dropped)
    _strict(live)
    set_mode(surface="home", mode="on", by="eve")
    kept = recommend(asked)
    dropped = {each["item"] for each in Answer.objects.get(pk=kept.query_id).dropped}
    assert dropped
    assert len(kept.hits) == len(plain.hits)
    assert not dropped & {hit.item_id for hit in kept.hits}
    nobody = recommend(replace(asked, viewer=Viewer()))
    assert Answer.objects.get(pk=nobody.query_id).dropped == []


def test_what_is_frozen_teaches_nothing(graded):
    rarity = learn_rarity(every_text())
    before = read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)
    item = graded["blue-tent"]
    FrozenLabels.objects.create(
        kind="relevance", sha256="a" * 64, pairs=[{"query": "Red  CHAIR", "item": item.external_id}]
    )
    after = read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)
    gone = Label.objects.filter(kind="relevance", query="red chair").count()
    of_item = Label.objects.filter(kind="relevance", item=item).exclude(query="red chair").count()
    assert len(before) - len(after) == gone + of_item


def test_stale_labels_teach_nothing(graded):
    rarity = learn_rarity(every_text())
    before = len(read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity))
    [first, second] = Label.objects.filter(kind="relevance")[:2]
    Label.objects.filter(pk=first.pk).update(guideline="relevance-0")
    Label.objects.filter(pk=second.pk).update(content_hash="old")
    assert len(read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)) == before - 2


def test_labels_of_after_the_moment_are_not_seen(graded):
    rarity = learn_rarity(every_text())
    past = timezone.now() - timedelta(days=1)
    assert len(read_graded(RELEVANCE, as_of=past, rarity=rarity)) == 0


def test_scores_do_not_depend_on_what_else_is_looked_at(live):
    request = SearchRequest(query="wooden chair")
    found = by_words_and_meaning(read(request), request, Stages())
    acts = filtering("search", live)
    ids = [one.candidate.item_id for one in found.scored][:10]
    together = scores_of(acts, found, ids)
    alone = {item_id: scores_of(acts, found, [item_id])[item_id] for item_id in ids}
    assert together == pytest.approx(alone, abs=1e-4)
    assert np.isfinite(list(together.values())).all()
    assert judge(found, request).scores == {}


def test_the_page_shows_the_sweep_and_moves_the_threshold_only_within_the_limit(live, admin_client):
    address = reverse("admin:recs_match_filter")
    page = admin_client.get(address).content.decode()
    assert "bad removed" in page
    assert "over the limit" in page
    assert "serves now" in page
    sweep = live.metrics["heads"]["relevance"]["sweep"]
    fine = next(one for one in sweep if one["lost_high"] <= 0.02)
    costly = next(one for one in reversed(sweep) if one["lost_high"] > 0.02)
    given = {"head": "relevance", "version": live.pk}
    told = admin_client.post(
        address, {**given, "threshold": costly["threshold"]}, follow=True
    ).content.decode()
    assert "Refused" in told
    told = admin_client.post(
        address, {**given, "threshold": fine["threshold"]}, follow=True
    ).content.decode()
    assert "picked by admin" in told
    told = admin_client.post(
        address, {**given, "version": 0, "threshold": fine["threshold"]}, follow=True
    ).content.decode()
    assert "Another version" in told
    told = admin_client.post(address, {"surface": "search", "mode": "on"}, follow=True)
    assert Surface.objects.get(key="search").match_filter == "on"
    assert "now on" in told.content.decode()
    told = admin_client.post(address, {"surface": "search", "mode": "loud"}, follow=True)
    assert "off, shadow or on" in told.content.decode()


def test_the_page_stands_without_a_version_and_only_for_who_may(db, admin_client, client):
    address = reverse("admin:recs_match_filter")
    assert "No version is live" in admin_client.get(address).content.decode()
    staff = User.objects.create_user("eve", password="x" * 12, is_staff=True)
    client.force_login(staff)
    assert client.get(address).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    assert client.get(address).status_code == 200
    assert client.post(address, {"surface": "search", "mode": "on"}).status_code == 403


def test_the_log_and_the_replay_tell_what_is_left_out(live, admin_client):
    _strict(live)
    answer = search(SearchRequest(query="red chair"))
    page = admin_client.get(reverse("admin:catalog_answer_change", args=[answer.query_id]))
    assert "would have left it out" in page.content.decode()
    replayed = admin_client.get(reverse("admin:search_replay"), {"query": "red chair"})
    assert "would be left out" in replayed.content.decode()


def test_drift_is_told_where_the_teacher_turns_round(live, graded):
    assert drift(live, as_of=timezone.now()).alarms == ()
    for query in QUERIES[:6]:
        noun = query.split()[1]
        for thing in graded.values():
            if thing.external_id.endswith(f"-{noun}"):
                is_cover = thing.external_id.startswith("cover")
                set_label(
                    kind="relevance", query=query, item_id=thing.pk, source="llm",
                    labeller="turned", grade=3 if is_cover else 0,
                )  # fmt: skip
    found = drift(live, as_of=timezone.now())
    assert "student and teacher" in " ".join(found.alarms)


def test_a_frozen_set_is_written_once_and_known_by_its_hash(graded, tmp_path):
    thing, other = graded["red-chair"], graded["blue-tent"]
    for who, grade in (("ann", 3), ("bob", 3)):
        set_label(
            kind="relevance", query="red chair", item_id=thing.pk, source="human", labeller=who,
            grade=grade,
        )  # fmt: skip
    for who, grade in (("ann", 0), ("bob", 2)):
        set_label(
            kind="relevance", query="red chair", item_id=other.pk, source="human", labeller=who,
            grade=grade,
        )  # fmt: skip
    path = tmp_path / "set.jsonl"
    frozen = freeze(kind="relevance", out=path)
    by_item = {pair["item"]: pair for pair in frozen.pairs}
    assert by_item["red-chair"]["sure"]
    assert not by_item["blue-tent"]["sure"]
    assert frozen.head["judged by"] == ["ann", "bob"]
    row = FrozenLabels.objects.get()
    assert row.sha256 == frozen.sha256
    assert freeze(kind="relevance", out=path).sha256 == frozen.sha256
    assert FrozenLabels.objects.count() == 1
    assert read_frozen(path, sha256=row.sha256).pairs
    path.write_text(path.read_text().replace('"grade": 3.0', '"grade": 0.0'))
    with pytest.raises(InvalidInput, match="changed since"):
        read_frozen(path, sha256=row.sha256)
    with pytest.raises(InvalidInput, match="never changes"):
        freeze(kind="relevance", out=path)
    (tmp_path / "no.jsonl").write_text("hello")
    with pytest.raises(InvalidInput, match="no evaluation set"):
        read_frozen(tmp_path / "no.jsonl")
    with pytest.raises(InvalidInput, match="two people"):
        freeze(kind="fit", out=tmp_path / "fit.jsonl")
