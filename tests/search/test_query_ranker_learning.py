"""The ranker of query recommendations, learned from the log and judged."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from catalog.models import Answer
from recs import registry
from recs.errors import NotEnoughEvents
from recs.learning import learn
from recs.ml.query_ranking.features import NAMES, PLACE
from recs.models import ModelVersion
from search.answer import search
from search.query_ranker_fit import QueryRankerRunConfig, run_gate, split
from search.query_ranking import forget_rankers
from search.shown_queries import read_showings
from search.types import SearchRequest
from tests.search.films import log_search, visitor
from tests.search.ranked import ranker_of, recommended, shown_log

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_rankers()
    yield
    forget_rankers()


def test_what_is_learned_from_is_what_was_served_but_for_the_place(built):
    answer = search(SearchRequest(query="french comedy", viewer=visitor("me")))
    found = read_showings(as_of=timezone.now(), least_wanted=1)
    served = {each.text: each.features for each in answer.query_recommendations}
    logged = Answer.objects.get(pk=answer.query_id).query_recommendations
    in_order = sorted(logged, key=lambda each: each["place"])
    again = np.array([served[each["text"]] for each in in_order], np.float32)
    others = [n for n in range(len(NAMES)) if n != PLACE]
    assert found.rows.features[:, others] == pytest.approx(again[:, others])
    assert found.rows.features[:, PLACE] == pytest.approx(np.log(found.places))
    assert (again[:, PLACE] == 0).all()


def test_the_label_is_what_was_done_after_the_pick(built):
    shown_log(built, people=8)
    found = read_showings(as_of=timezone.now(), least_wanted=10)
    assert found.label == "wanted"
    assert found.rows.labels.sum() == 24
    assert len(np.unique(found.rows.lists)) == 24
    assert len(np.unique(found.people)) == 8


def test_a_click_alone_is_no_good_end_and_picks_are_the_weaker_label(built):
    shown_log(built, people=8, kind="click")
    found = read_showings(as_of=timezone.now(), least_wanted=10)
    assert found.label == "picked"
    assert found.rows.labels.sum() == 24


def test_what_was_typed_instead_of_picked_is_the_weakest_label(built):
    shown_log(built, people=8, is_picked=False)
    found = read_showings(as_of=timezone.now(), least_wanted=10)
    assert found.label == "typed"
    assert found.rows.labels.sum() >= 10


def test_what_comes_later_changes_nothing_before(built):
    shown_log(built, people=8)
    as_of = timezone.now() - timedelta(days=20) + timedelta(minutes=61 * 4)
    early = read_showings(as_of=as_of, least_wanted=1)
    log_search("comedy", viewer=visitor("v1"), picked_from="names")
    again = read_showings(as_of=as_of, least_wanted=1)
    assert 0 < len(early.rows.labels) == len(again.rows.labels)
    assert (early.rows.labels == again.rows.labels).all()


def test_from_the_log_to_a_live_version_that_orders(built, capsys, admin_client):
    shown_log(built)
    run = learn(kind="query_ranker", config={"least_people": 10})
    version = ModelVersion.objects.get(pk=run.version_id)
    assert version.state == ModelVersion.State.LIVE, (version.gate["reasons"], version.metrics)
    assert version.metrics["label"] == "wanted"
    assert version.metrics["mrr_candidate"] > version.metrics["mrr_popularity"]
    assert {"popularity", "stated"} <= set(version.gate["slices"][0]["systems"])
    forget_rankers()
    assert recommended("comedy").queries[0].source == "names"
    assert "picked" in (registry.folder(version) / "MODEL_CARD.md").read_text()
    call_command("model_versions", "show", version.name)
    assert "gate: passed" in capsys.readouterr().out
    page = admin_client.get(reverse("admin:recs_modelversion_change", args=[version.pk]))
    assert page.status_code == 200
    assert "popularity" in page.content.decode()


def test_a_version_that_learned_nothing_of_use_is_refused_with_reasons(built):
    # What leads on is drawn by lot, so nothing that was learned helps later.
    shown_log(built, by_chance=1.0)
    run = learn(kind="query_ranker", config={"least_people": 10})
    version = ModelVersion.objects.get(pk=run.version_id)
    assert version.state == ModelVersion.State.REFUSED
    assert version.gate["reasons"]
    assert recommended("comedy").fallback == "no_live_version"


def test_the_gate_refuses_what_orders_the_wrong_way_round(built):
    shown_log(built)
    config = QueryRankerRunConfig()
    later = split(read_showings(as_of=timezone.now(), least_wanted=1), config).later
    good = run_gate(ranker_of(is_names=5.0), later, QueryRankerRunConfig(least_people=5))
    bad = run_gate(ranker_of(is_names=-5.0), later, QueryRankerRunConfig(least_people=5))
    assert good["passed"]
    assert not bad["passed"]
    assert "popularity" in " ".join(bad["reasons"])


def test_an_empty_log_teaches_nothing_and_says_so(built):
    with pytest.raises(NotEnoughEvents, match="shown"):
        learn(kind="query_ranker")
