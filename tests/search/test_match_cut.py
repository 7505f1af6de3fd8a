"""The version's own cut of what is near in meaning: part of the set, the same for all who ask."""

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.filters import ItemFilters, parse_filters
from catalog.models import Item, Label, Person
from catalog.types import Viewer
from recs import match_cut, registry, unified_cut
from recs.models import ModelVersion
from recs.unified import UnifiedAsk, ranking_of
from search import lexical
from search.retrieval import retrieve
from search.types import SearchRequest
from tests.recs.unified_world import EACH, GROUPS, learned_version, make_world

pytestmark = pytest.mark.django_db
QUERY = "cowboys of the prairie"


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """The catalog with a live version; gone again after the module's tests."""
    from django.conf import settings as configured
    from django.db import connection, transaction

    before = configured.RECS_ARTIFACT_DIR
    configured.RECS_ARTIFACT_DIR = tmp_path_factory.mktemp("artifacts")
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        ids = make_world()
        version = registry.promote(version=learned_version())
        yield ids, version
        transaction.set_rollback(True)
    configured.RECS_ARTIFACT_DIR = before


def with_cut(version, **given):
    """The version with a cut of these numbers; without any the floors stand."""
    kept = {"kind": "both", "weights": [0.0, 0.0, 0.0], "constant": 0.0, "threshold": 0.5} | given
    ModelVersion.objects.filter(pk=version.pk).update(metrics={match_cut.KEPT_AS: kept})


def found(query, person="", **more):
    viewer = Viewer()
    if person:
        viewer = Viewer(person_id=Person.objects.get(external_id=person).pk)
    return retrieve(SearchRequest(query=query, viewer=viewer, per_page=100, **more))


def label(query, item_id, grade):
    return Label(kind="relevance", query=query, item_id=item_id, grade=grade, labeller="tester")


def titles(retrieved):
    return {hit.item.title for hit in retrieved.hits}


def test_who_asks_changes_nothing_of_what_a_stranger_would_be_told(world):
    ids, version = world
    person = Viewer(person_id=Person.objects.get(external_id="p1").pk)
    from recs.history import read_history

    for text in ("western", "tale of love", QUERY):
        also = list(ids.values())
        stranger = ranking_of(version, UnifiedAsk(surface="search", text=text, also=also))
        known = ranking_of(
            version,
            UnifiedAsk(
                surface="search", text=text, also=also, viewer=person,
                history=read_history(viewer=person),
            ),
        )  # fmt: skip
        assert not np.allclose(
            known.logits, stranger.logits[[stranger.ids.index(one) for one in known.ids]]
        )
        nearest = also[:7]
        expected = match_cut.features_of(stranger, range(len(stranger.ids)), nearest)
        read = match_cut.features_of(known, range(len(known.ids)), nearest)
        order = [stranger.ids.index(one) for one in known.ids]
        assert np.allclose(read, expected[order], atol=1e-4)
        assert np.allclose(expected[:, 2], stranger.logits, atol=1e-5)


def test_a_cut_takes_the_tail_away_or_lets_more_in_and_words_stay(world):
    _, version = world
    with_cut(version, kind="floors")
    before = found(QUERY)
    assert {hit.source for hit in before.hits} <= {"dense", "unified"}
    with_cut(version, threshold=1.1)
    assert found(QUERY).total == 0
    assert found("western").total == EACH
    assert {hit.source for hit in found("western").hits} <= {"lexical", "lexical+dense"}
    with_cut(version, threshold=0.0)
    more = found(QUERY)
    assert titles(before) < titles(more)
    # The nearest alone.
    with_cut(version, weights=[0.0, 60.0, 0.0], constant=-60.0)
    assert found(QUERY).total == 1


@pytest.mark.parametrize("strangers", [["search"], []])
def test_the_set_is_the_same_whoever_asks(world, strangers):
    _, version = world
    gate = {**version.gate, "strangers": strangers}
    ModelVersion.objects.filter(pk=version.pk).update(gate=gate)
    assert bool(found("western").fallback) == (not strangers)
    with_cut(version, weights=[20.0, 20.0, 0.5], constant=-22.0)
    for query in (QUERY, "funny story", "western"):
        sets = [titles(found(query, person)) for person in ("", "p0", "p1", "p2")]
        assert sets.count(sets[0]) == len(sets)


def test_excluded_words_bring_nothing_back(world):
    _, version = world
    with_cut(version, threshold=0.0)
    assert not any("Drama" in title for title in titles(found("sad stories -drama")))


def test_without_the_model_the_floors_stand(world, monkeypatch):
    _, version = world
    with_cut(version, threshold=1.1)
    monkeypatch.setattr("recs.unified.why_not", lambda *_: "switched_off")
    assert found(QUERY).total > 0


filters = st.builds(
    ItemFilters,
    category=st.sampled_from([(), ("Western",), ("Drama", "Comedy")]),
    creator=st.sampled_from([(), ("Maker Western 1",), ("Maker Drama 0", "Maker Western 2")]),
)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("looked_at", [5, 1_000])
@settings(deadline=None, max_examples=20)
@given(
    query=st.sampled_from(
        [QUERY, "tale", "western tale", "funny story", "tale -drama", "sad tale"]
    ),
    filters=filters,
    size=st.integers(5, 30),
    person=st.sampled_from(["", "p0", "p2"]),
    cut=st.sampled_from(
        [None, (20.0, 20.0, 0.5, -22.0), (0.0, 0.0, 1.0, 2.0), (0.0, 10.0, 0.0, -9.0)]
    ),
)
def test_counts_facets_and_pages_agree_with_a_model(looked_at, query, filters, size, person, cut):
    version = registry.live("unified")
    if cut is not None:
        with_cut(version, weights=list(cut[:3]), constant=cut[3])
    viewer = Viewer(person_id=Person.objects.get(external_id=person).pk) if person else Viewer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "MAX_MATCHES", looked_at)
        if cut is None:
            patch.setattr("recs.unified.why_not", lambda *_: "switched_off")
        asked = {"query": query, "filters": filters, "viewer": viewer, "per_page": size}
        first = retrieve(SearchRequest(**asked))
        pages = [
            first,
            *(retrieve(SearchRequest(**asked, page=n)) for n in range(2, first.pages + 1)),
        ]
        shown = [hit.item.pk for each in pages for hit in each.hits]
        assert {each.total for each in pages} == {len(shown)}
        assert len(set(shown)) == len(shown)
        scores = [hit.score for each in pages for hit in each.hits]
        assert scores == sorted(scores, reverse=True)
        for facet in first.facets:
            for value in facet.values[:2]:
                params = {}
                others = filters.without(facet.key).as_params()
                for name, text in [*others, (facet.key, value.value)]:
                    params.setdefault(name, []).append(text)
                chosen = {**asked, "filters": parse_filters(params)}
                assert retrieve(SearchRequest(**chosen)).total == value.count


class TestEvidence:
    """What chooses a version's cut."""

    def labelled(self, ids, *, queries):
        """Of each query the items of one group are good, those of another are not."""
        rows = []
        for number in range(queries):
            good, bad = GROUPS[number % 3], GROUPS[(number + 1) % 3]
            for group, grade in ((good, 3), (bad, 0)):
                rows += [
                    label(f"{good} numbered q{number}", ids[f"{group}-{n}"], grade)
                    for n in range(6)
                ]
        Label.objects.bulk_create(rows)

    def nothing(self, monkeypatch):
        monkeypatch.setattr(unified_cut, "_searched", lambda *_: [])

    def test_grades_choose_it_and_it_is_told_on_other_queries(self, world, monkeypatch):
        ids, version = world
        self.nothing(monkeypatch)
        self.labelled(ids, queries=60)
        report = unified_cut.learn_cut(version, None, None)
        assert report["evidence"] == "labels"
        # Six good and six bad of each query, and none of them holds "numbered".
        both = [report[name] for name in ("chosen_on", "reported_on")]
        assert sum(each["queries"] for each in both) == 60
        assert sum(each["good"] for each in both) == 360
        assert sum(each["others"] for each in both) == 360
        assert {"floors", "reported_on", "chosen_by"} <= set(report)

    def test_the_last_word_on_a_pair_counts_and_not_the_mean(self, world):
        ids, _ = world
        item_id = ids[f"{GROUPS[0]}-0"]
        rows = [label("a query", item_id, grade) for grade in (3, 3)]
        rows[1].labeller = "somebody else"
        last = label("a query", item_id, 0)
        last.source, last.labeller = Label.Source.FINAL, "adjudication"
        Label.objects.bulk_create(rows)
        assert [dict(one.good) for one in unified_cut._labelled()] == [{item_id: True}]
        Label.objects.bulk_create([last])
        assert [dict(one.good) for one in unified_cut._labelled()] == [{item_id: False}]

    def test_too_few_grades_leave_the_floors(self, world, monkeypatch):
        ids, version = world
        self.nothing(monkeypatch)
        self.labelled(ids, queries=4)
        report = unified_cut.learn_cut(version, None, None)
        assert report["kind"] == "floors"
        assert "too few" in report["reason"]

    def test_words_that_are_held_are_no_evidence(self, world, monkeypatch):
        ids, version = world
        self.nothing(monkeypatch)
        rows = [label(f"western {n}", ids[f"Western-{n}"], 3) for n in range(EACH)]
        Label.objects.bulk_create(rows)
        report = unified_cut.learn_cut(version, None, None)
        assert report["evidence"]["labels"]["chosen_on"]["good"] == 0


def test_the_versions_page_tells_what_the_cut_loses_and_removes(world, client):
    _, version = world
    share = {"mean": 0.21, "low": 0.15, "high": 0.3}
    with_cut(
        version,
        evidence="labels",
        chosen_on={"queries": 90, "good": 400, "others": 700},
        reported_on={"queries": 87, "good": 390, "others": 650},
        chosen_by={"nearness": 0.8, "chance": 0.79, "both": 0.82, "floors": 0.75},
        cut={"rejected": share, "removed": {"mean": 0.62, "low": 0.5, "high": 0.7}},
        floors={"rejected": share, "removed": share},
    )
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    page = client.get(reverse("admin:recs_modelversion_change", args=[version.pk]))
    told = page.content.decode()
    for words in (
        "Where search cuts",
        "21.0 %",
        "62.0 %",
        "50.0 to 70.0",
        "87 other queries",
        ".82",
    ):
        assert words in told
    with_cut(version, kind="floors", reason="too few good matches lack a word")
    page = client.get(reverse("admin:recs_modelversion_change", args=[version.pk]))
    assert "too few good matches" in page.content.decode()
    assert Item.objects.exists()
