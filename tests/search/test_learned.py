"""Search in the unified model's order: personal, explained, and with the titles where they were."""

import html
import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from catalog.keys import issue_key
from catalog.models import Answer, Item, Person
from catalog.types import ItemInput, Viewer
from recs import registry
from recs.history import read_history
from recs.models import ModelVersion, QualityWeights, Surface
from recs.recommend import RecommendRequest, more_like, recommend
from recs.unified_models import forget_unified
from search.answer import search
from search.models import Synonym
from search.retrieval import candidates_of, retrieve
from search.synonym_sets import SynonymSet
from search.synonym_store import review_synonyms, state
from search.types import SearchRequest
from tests.recs.conftest import make_items
from tests.recs.served import broken
from tests.recs.unified_world import EACH, GROUPS, learned_version, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids(settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "artifacts"
    return make_world()


@pytest.fixture
def live(ids):
    return registry.promote(version=learned_version())


def asked(query, person="", **more):
    viewer = Viewer()
    if person:
        viewer = Viewer(person_id=Person.objects.get(external_id=person).pk)
    return search(SearchRequest(query=query, viewer=viewer, **more))


def asked_by(page):
    """What the replay says that the request was, by name."""
    rows = re.findall(r"<th scope=\"row\">([^<]*)</th>\s*<td>([^<]*)</td>", page)
    return {name: html.unescape(value).strip() for name, value in rows}


def titles(answer):
    return [hit.item.title for hit in answer.retrieved.hits]


def test_two_people_see_two_first_pages_and_may_know_why(live):
    pages = {name: asked("tale", name) for name in ("p0", "p1")}
    first, second = (titles(page) for page in pages.values())
    assert first != second
    for page, own in zip(pages.values(), GROUPS, strict=False):
        assert sum(own in title for title in titles(page)[:12]) > 6
        assert page.retrieved.model_version == live.name
        assert all(hit.reason for hit in page.retrieved.hits)
        assert Answer.objects.get(pk=page.query_id).model_version == live.name
    reasons = {hit.reason for hit in pages["p0"].retrieved.hits}
    assert any(reason.startswith("Because you liked Drama") for reason in reasons)


def test_scores_fall_with_the_places_and_pages_do_not_overlap(live):
    answers = [asked("tale", "p0", page=page, per_page=20) for page in (1, 2, 3)]
    hits = [hit for answer in answers for hit in answer.retrieved.hits]
    assert len({hit.item.pk for hit in hits}) == len(hits) == 3 * EACH
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert {answer.retrieved.total for answer in answers} == {3 * EACH}


def test_a_title_typed_in_full_stays_first_whatever_somebody_likes(live):
    for person in ("p0", "p1", "p2", ""):
        answer = asked("Western tale 7", person)
        assert titles(answer)[0] == "Western tale 7"
        assert answer.retrieved.hits[0].source == "exact_title"


def test_without_the_model_the_fusion_answers_and_says_why(ids):
    plain = asked("tale", "p0")
    assert (plain.retrieved.model_version, plain.retrieved.fallback) == ("", "no_live_version")
    scored, _ = candidates_of(SearchRequest(query="tale"))
    assert titles(plain) == [one.candidate.title for one in scored[:24]]
    version = registry.promote(version=learned_version())
    Surface.objects.create(key="search", engine=Surface.Engine.FIRST)
    assert titles(asked("tale", "p0")) == titles(plain)
    assert asked("tale", "p0").retrieved.fallback == "switched_off"
    Surface.objects.update(engine=Surface.Engine.UNIFIED)
    broken(version)
    forget_unified()
    answer = asked("tale", "p0")
    assert answer.retrieved.fallback == "unusable_version"
    assert titles(answer) == titles(plain)


def test_searches_of_strangers_are_the_models_where_the_gate_says_so(ids):
    plain = titles(asked("tale", ""))
    version = learned_version()
    gate = {**version.gate, "surfaces": ["search"], "strangers": []}
    ModelVersion.objects.filter(pk=version.pk).update(gate=gate)
    registry.promote(version=version)
    answer = asked("tale", "")
    assert answer.retrieved.fallback == "not_better_for_strangers"
    assert titles(answer) == plain
    assert asked("tale", "p0").retrieved.model_version == version.name


def test_diversity_is_a_switch_of_the_surface(live):
    before = titles(asked("tale", "p0"))[:12]
    Surface.objects.create(key="search", diversity_percent=0, most_of_category=3)
    after = titles(asked("tale", "p0"))[:9]
    assert after != before[:9]
    assert all(sum(group in title for title in after) == 3 for group in GROUPS)


@pytest.mark.parametrize("query", ["the and of", "t", "сказка", "qqq zzz", "tale -drama"])
def test_odd_queries_are_answered(live, query):
    answer = asked(query, "p0")
    assert answer.retrieved.total >= 0


def test_explain_tells_those_who_run_the_site_and_nobody_else(live, client, settings):
    settings.API_PUBLIC_READ = True
    url = "/api/v1/search"
    plain = client.get(url, {"q": "tale"}).json()
    assert plain["model_version"] == live.name
    assert plain["fallback"] is None
    assert "explanation" not in plain["hits"][0]
    assert plain["hits"][0]["reason"]
    assert client.get(url, {"q": "tale", "explain": "true"}).status_code == 401
    assert client.get(url, {"q": "tale", "explain": "perhaps"}).status_code == 400
    reader = issue_key(name="reader", scopes=["read"])[1]
    admin = issue_key(name="boss", scopes=["admin"])[1]
    for key, status in ((reader, 403), (admin, 200)):
        for where, params in ((url, {"q": "tale"}), ("/api/v1/recommend", {"user_id": "p0"})):
            headers = {"Authorization": f"Bearer {key}"}
            given = {**params, "explain": "true"}
            answer = client.get(where, given, headers=headers)
            assert answer.status_code == status
            if status == 200:
                told = answer.json()["hits"][0]["explanation"]
                assert {"words", "taste", "quality", "chance"} <= set(told)


class TestReplay:
    """The page in the admin."""

    @pytest.fixture
    def boss(self, client):
        user = User.objects.create_superuser("boss", password="correct horse battery")
        client.force_login(user)
        return client

    def page(self, client, **given):
        return client.get(reverse("admin:search_replay"), given)

    def test_a_search_stage_by_stage_of_two_versions(self, live, boss):
        other = learned_version()
        told = self.page(
            boss, surface="search", query="tale", person="p0", first=live.pk, second=other.pk
        ).content.decode()
        for words in ("By words and meaning", "From the index", "From the ranker", "Chance",
                      live.name, other.name, "10 events are known", "Drama tale"):  # fmt: skip
            assert words in told
        assert not Answer.objects.exists()

    @pytest.mark.parametrize("query", ["tale", "Drama tale 3"])
    def test_the_list_of_a_search_is_the_visitors(self, live, boss, query):
        """Also where a title typed in full closes the set to what only the model finds."""
        who = Viewer(person_id=Person.objects.get(external_id="p0").pk)
        found = retrieve(SearchRequest(query=query, viewer=who, per_page=20))
        assert found.model_version == live.name
        given = self.page(boss, surface="search", query=query, person="p0").context
        (replayed,) = given["replays"]
        assert [(one.item_id, one.found_by) for one in replayed.shown] == [
            (hit.item.pk, hit.source) for hit in found.hits
        ]
        assert [one.ranked for one in replayed.shown if one.found_by != "exact_title"]
        places = {one.item_id: one.place for one in replayed.shown}
        for row in replayed.ranked:
            assert row.shown == places.get(row.item_id)

    def test_the_list_of_home_is_the_visitors(self, live, boss):
        who = Viewer(person_id=Person.objects.get(external_id="p1").pk)
        found = recommend(RecommendRequest(surface="home", viewer=who, k=5))
        (replayed,) = self.page(boss, surface="home", person="p1").context["replays"]
        assert [one.item_id for one in replayed.shown[:5]] == [hit.item_id for hit in found.hits]

    def test_the_list_below_an_item_is_that_of_its_page(self, live, boss):
        """What the viewer chose before stays in."""
        who = Viewer(person_id=Person.objects.get(external_id="p1").pk)
        item = Item.objects.get(external_id="Comedy-3")
        hits = [hit.item_id for hit in more_like(item.pk, who).hits]
        assert set(hits) & read_history(viewer=who).seen
        given = {"surface": "similar", "item": "Comedy-3", "person": "p1"}
        (replayed,) = self.page(boss, **given).context["replays"]
        ordered = [one.item_id for one in replayed.shown]
        # A list takes few of one creator, which says who is in it and not in which order.
        assert [item_id for item_id in ordered if item_id in hits] == hits
        assert ordered[:10] == hits[:10]

    def test_another_version_than_the_live_one_shows_its_own_list(self, live, boss):
        other = learned_version()
        given = {"surface": "search", "query": "tale", "person": "p0", "first": other.pk}
        (replayed,) = self.page(boss, **given).context["replays"]
        assert replayed.version == other
        assert replayed.shown

    def test_why_this_viewer_is_answered_without_the_model_is_said(self, live, boss):
        Surface.objects.create(key="search", engine="first")
        told = self.page(boss, surface="search", query="tale").content.decode()
        assert "Now this viewer is answered without the model (switched_off)" in told
        assert "From the ranker" in told

    def test_a_query_of_which_no_model_is_asked(self, live, boss):
        told = self.page(boss, surface="search", query="!!!").content.decode()
        assert "No model is asked of these words (not_asked)" in told

    def test_home_and_more_like_this(self, live, boss):
        home = self.page(boss, surface="home", person="p1").content.decode()
        assert asked_by(home)["words"] == asked_by(home)["source item"] == "none"
        near = self.page(boss, surface="similar", item="Comedy-3", person="p1").content.decode()
        assert asked_by(near)["words"] == "none"
        assert asked_by(near)["source item"] == "Comedy tale 3"

    def test_the_title_stands_in_for_an_item_that_the_version_lacks(self, live, boss):
        make_items([ItemInput(external_id="later", title="Comedy tale 99")])
        near = self.page(boss, surface="similar", item="later", person="p1").content.decode()
        assert asked_by(near)["words"] == "Comedy tale 99 (filled in)"
        assert asked_by(near)["source item"] == "none"

    def test_from_an_answer_below_an_item_to_its_replay(self, live, boss):
        who = Viewer(person_id=Person.objects.get(external_id="p1").pk)
        key = Item.objects.get(external_id="Comedy-3").pk
        recommend(RecommendRequest(surface="item", viewer=who, item_id=key, k=5))
        answer = Answer.objects.get(surface="item")
        page = reverse("admin:catalog_answer_change", args=[answer.pk])
        told = boss.get(page).content.decode()
        assert "Comedy tale 3</a>" in told
        (link,) = re.findall(r'href="([^"]+)"[^>]*>Replay<', told)
        again = boss.get(html.unescape(link)).content.decode()
        assert asked_by(again)["source item"] == "Comedy tale 3"
        Item.objects.filter(pk=key).delete()
        assert "gone since" in boss.get(page).content.decode()

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"surface": "search", "person": "p0"}, "A search needs words."),
            ({"surface": "home", "person": "no one"}, "There is no person"),
            ({"surface": "similar", "item": "nothing"}, "There is no item"),
            ({"surface": "similar", "person": "p0"}, "There is no item"),
            ({"surface": "<script>", "query": "<b>"}, "&lt;b&gt;"),
        ],
    )
    def test_what_cannot_be_asked_is_said(self, live, boss, given, said):
        answer = self.page(boss, **given)
        assert answer.status_code == 200
        assert said in answer.content.decode()

    def test_before_the_first_training_it_says_so(self, ids, boss):
        assert "was trained yet" in self.page(boss).content.decode()

    def test_who_may_not_see_answers_may_not_see_people(self, live, client):
        client.force_login(User.objects.create_user("helper", is_staff=True))
        assert self.page(client, query="tale").status_code == 403

    def test_an_editor_moves_the_weights_of_quality_within_their_bounds(self, live, boss):
        add = reverse("admin:recs_qualityweights_add")
        given = {"version": live.pk, "popularity": 0, "recent": 0, "rating": 0, "freshness": 0.5}
        shown = boss.get(add).content.decode()
        assert "Recall@100" in shown
        refused = boss.post(add, given | {"freshness": 0.7}).content.decode()
        assert "between 0 and 0.5" in refused
        before = titles(asked("tale"))
        assert boss.post(add, given).status_code == 302
        assert QualityWeights.objects.get().freshness == 0.5
        told = self.page(boss, surface="search", query="tale").content.decode()
        assert "freshness 0.500" in told
        assert len(titles(asked("tale"))) == len(before)

    def test_an_editor_switches_a_surface_off(self, live, boss):
        given = {"key": "search", "engine": "first", "control_percent": 0,
                 "diversity_percent": 0, "most_of_creator": 0, "most_of_category": 0}  # fmt: skip
        assert boss.post(reverse("admin:recs_surface_add"), given).status_code == 302
        assert asked("tale").retrieved.fallback == "switched_off"


def test_what_a_synonym_finds_stands_before_what_is_only_near(live):
    row = state(stated=SynonymSet.read(["cowboy yarn"], ["western tale"]), by="boss")
    review_synonyms(ids=[row.pk], review=Synonym.Review.APPROVED, by="boss")
    hits = asked("cowboy yarn", "p1", per_page=100).retrieved.hits
    by_words = [hit.source.startswith("lexical") for hit in hits]
    assert by_words.count(True) == EACH
    assert by_words == sorted(by_words, reverse=True)
    assert "unified" in {hit.source for hit in hits}
