"""The match filter: what it does to a search, to a home page, and in the admin."""

from dataclasses import replace

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import reverse

from catalog.errors import InvalidInput
from catalog.filters import ItemFilters
from catalog.labels import set_label
from catalog.models import Answer, Item
from catalog.types import Viewer
from recs.match_filter import (
    filtering,
    forget_filters,
    set_mode,
)
from recs.models import ModelVersion, Surface
from recs.recommend import RecommendRequest, recommend
from search.answer import search
from search.finding import by_words_and_meaning, read
from search.match_filter import judge, scores_of
from search.match_rows import usable_labels
from search.retrieval import retrieve
from search.stages import Stages
from search.types import SearchRequest
from tests.search.films import load_films

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_filters()
    yield
    forget_filters()


def test_shadow_changes_nothing_and_says_what_it_would(live_filter):
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
def test_counts_facets_and_pages_agree_with_what_is_left(
    live_filter, monkeypatch, query, looked_at
):
    from search import lexical

    monkeypatch.setattr(lexical, "MAX_MATCHES", looked_at)
    whole = retrieve(SearchRequest(query=query))
    _strict(live_filter)
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


def test_a_title_in_full_and_what_an_editor_pinned_stay(live_filter, graded_shop):
    from search.models import Rule

    _strict(live_filter)
    gate = live_filter.gate
    gate["heads"]["relevance"]["point"]["threshold"] = 0.0
    ModelVersion.objects.filter(pk=live_filter.pk).update(gate=gate)
    set_mode(surface="search", mode="on", by="eve")
    pinned = graded_shop["blue-tent"]
    Rule.objects.create(
        name="r", match="exact", patterns=["red chair"], action="pin", item_ids=[pinned.pk],
        position=1, is_on=True, revision=1,
    )  # fmt: skip
    found = retrieve(SearchRequest(query="red chair"))
    kept = {hit.item.pk for hit in found.hits}
    assert kept == {graded_shop["red-chair"].pk, pinned.pk}


def test_a_list_is_never_emptied_and_there_is_a_way_round(live_filter):
    _strict(live_filter)
    gate = live_filter.gate
    gate["heads"]["relevance"]["point"]["threshold"] = 0.0
    ModelVersion.objects.filter(pk=live_filter.pk).update(gate=gate)
    set_mode(surface="search", mode="on", by="eve")
    whole = retrieve(SearchRequest(query="made to last"))
    assert whole.total > 100
    small = retrieve(SearchRequest(query="something red to sit on, cheap"))
    assert small.total > 0
    assert retrieve(SearchRequest(query="made to last", verbatim=True)).dropped == []
    assert retrieve(SearchRequest(query="made to la", is_typing=True)).dropped == []


def test_no_version_costs_no_statement(graded_shop, django_assert_num_queries):
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


def test_off_asks_nothing(live_filter):
    set_mode(surface="search", mode="off", by="eve")
    assert Surface.objects.get(key="search").match_filter_by == "eve"
    found = retrieve(SearchRequest(query="red chair"))
    assert found.match_scores == {}
    with pytest.raises(InvalidInput):
        set_mode(surface="search", mode="loud", by="eve")
    with pytest.raises(InvalidInput):
        set_mode(surface="nowhere", mode="on", by="eve")


def test_home_leaves_out_what_does_not_fit_and_stays_as_long(live_filter):
    from catalog.models import Person

    person = Person.objects.get(external_id="p3")
    viewer = Viewer(person_id=person.pk)
    asked = RecommendRequest(surface="home", viewer=viewer, k=12)
    plain = recommend(asked)
    row = Answer.objects.get(pk=plain.query_id)
    assert all(each["mode"] == "shadow" for each in row.dropped)
    _strict(live_filter)
    set_mode(surface="home", mode="on", by="eve")
    kept = recommend(asked)
    dropped = {each["item"] for each in Answer.objects.get(pk=kept.query_id).dropped}
    assert dropped
    assert len(kept.hits) == len(plain.hits)
    assert not dropped & {hit.item_id for hit in kept.hits}
    nobody = recommend(replace(asked, viewer=Viewer()))
    assert Answer.objects.get(pk=nobody.query_id).dropped == []


def test_scores_do_not_depend_on_what_else_is_looked_at(live_filter):
    request = SearchRequest(query="wooden chair")
    found = by_words_and_meaning(read(request), request, Stages())
    acts = filtering("search", live_filter)
    ids = [one.candidate.item_id for one in found.scored][:10]
    together = scores_of(acts, found, ids)
    alone = {item_id: scores_of(acts, found, [item_id])[item_id] for item_id in ids}
    assert together == pytest.approx(alone, abs=1e-4)
    assert np.isfinite(list(together.values())).all()
    assert judge(found, request).scores == {}


def test_the_page_shows_the_sweep_and_moves_the_threshold_only_within_the_limit(
    live_filter, admin_client
):
    address = reverse("admin:recs_match_filter")
    page = admin_client.get(address).content.decode()
    assert "bad removed" in page
    assert "over the limit" in page
    assert "serves now" in page
    sweep = live_filter.metrics["heads"]["relevance"]["sweep"]
    fine = next(one for one in sweep if one["lost_high"] <= 0.02)
    costly = next(one for one in reversed(sweep) if one["lost_high"] > 0.02)
    given = {"head": "relevance", "version": live_filter.pk}
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
    ModelVersion.objects.all().delete()
    assert "No version is live" in admin_client.get(address).content.decode()
    staff = User.objects.create_user("eve", password="x" * 12, is_staff=True)
    client.force_login(staff)
    assert client.get(address).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    assert client.get(address).status_code == 200
    assert client.post(address, {"surface": "search", "mode": "on"}).status_code == 403


def test_the_log_and_the_replay_tell_what_is_left_out(live_filter, admin_client):
    _strict(live_filter)
    answer = search(SearchRequest(query="red chair"))
    page = admin_client.get(reverse("admin:catalog_answer_change", args=[answer.query_id]))
    assert "would have left it out" in page.content.decode()
    replayed = admin_client.get(reverse("admin:search_replay"), {"query": "red chair"})
    assert "would be left out" in replayed.content.decode()


def test_rows_are_learned_from_the_last_word_where_there_is_one():
    load_films()
    first, second = Item.objects.filter(external_id__in=["f1", "f2"]).order_by("pk")
    given = (
        (first, 3, "human", "ann"), (first, 0, "llm", "tiny"), (first, 0, "final", "adjudication"),
        (second, 2, "human", "ann"), (second, 1, "model", "filter"),
    )  # fmt: skip
    for item, grade, source, labeller in given:
        set_label(
            kind="relevance", item_id=item.pk, grade=grade, source=source, labeller=labeller,
            query="old films",
        )  # fmt: skip
    usable = usable_labels("relevance").filter(query="old films")
    assert set(usable.values_list("item_id", "grade", "source")) == {
        (first.pk, 0, "llm"), (first.pk, 0, "final"), (second.pk, 2, "human"),
    }  # fmt: skip
    # Another text of an item: what was said of the first one says nothing of it.
    Item.objects.filter(pk=first.pk).update(content_hash="another")
    assert set(usable.values_list("item_id", flat=True)) == {second.pk}
