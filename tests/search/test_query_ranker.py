"""The ranker of query recommendations as it is served, learned from the log, judged and undone."""

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import call_command

from catalog.models import Answer, Item, Person
from catalog.types import Viewer
from recs import registry
from recs.ml.query_ranking.features import NAMES
from search.answer import search
from search.cold_share import kept_places, lot_of
from search.models import Anchor, OnwardLink
from search.query_candidates import Candidate
from search.query_mixing import angle_of
from search.query_ranking import forget_rankers
from search.query_recommendation import recommend
from search.query_scoring import score, understand
from search.query_sources.onward import neighbours
from search.query_store import build_queries
from search.retrieval import retrieve
from search.types import SearchRequest
from search.views.cards import item_url
from tests.recs.unified_world import learned_version, make_world
from tests.search.films import log_search, visitor
from tests.search.ranked import made, recommended, shown_log, texts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_rankers()
    yield
    forget_rankers()


def test_without_a_version_the_stated_score_orders_and_says_why(built):
    found = recommended("comedy")
    assert (found.version, found.fallback) == ("", "no_live_version")
    assert found.queries
    assert all(each.score == each.stated for each in found.queries)
    assert all(each.evidence.groups == {} for each in found.queries)


def test_a_live_version_changes_the_order_and_each_pill_says_why(built):
    before = texts("comedy")
    live = registry.promote(version=made(is_names=9.0, popularity=-3.0))
    found = recommended("comedy")
    assert found.version == live.name
    assert [each.text for each in found.queries] != before
    assert found.queries[0].source == "names"
    groups = found.queries[0].evidence.groups
    assert max(groups, key=groups.get) == "source"
    assert {each.evidence.version for each in found.queries} == {live.name}
    assert all(0 < each.score < 1 for each in found.queries)
    assert texts("comedy", ranker=False) == before


def test_an_unusable_version_falls_back_and_says_so(built, caplog):
    before = texts("comedy")
    registry.promote(version=made(features=NAMES[:-1]))
    found = recommended("comedy")
    assert found.fallback == "unusable_version"
    assert [each.text for each in found.queries] == before


def test_rolled_back_the_version_before_orders_again(built):
    registry.promote(version=made(is_names=9.0))
    first = texts("comedy")
    registry.promote(version=made(is_names=-9.0))
    assert texts("comedy") != first
    call_command("model_versions", "rollback", "query_ranker")
    assert texts("comedy") == first


def test_what_a_version_learned_of_how_many_is_obeyed(built):
    registry.promote(version=made(counts={"poor": 3, "plain": 3, "broad": 3}))
    assert len(texts("comedy")) == 3


def test_nothing_above_an_exact_title_with_a_version_too(built):
    registry.promote(version=made(is_names=9.0))
    assert recommended("rear window").queries == ()
    assert search(SearchRequest(query="Rear Window")).query_recommendations == ()


def test_switches_take_parts_away(built):
    me = visitor("me")
    log_search("hulot gags", viewer=me, items=[built["Playtime"]])
    assert "hulot gags" in texts("french comedy", viewer=me)
    assert "hulot gags" not in texts("french comedy", viewer=me, personal=False)
    assert "hulot gags" not in texts("french comedy", viewer=me, sources_off=("recent",))
    sources = {each.source for each in recommended("comedy", sources_off=("names",)).queries}
    assert sources
    assert "names" not in sources
    assert texts("french comedy", viewer=me, personal=False) == texts("french comedy")


def test_nobody_elses_searches_are_among_them_whatever_the_ranker_likes(built):
    registry.promote(version=made(own_recency=9.0, is_recent=9.0))
    log_search("hulot gags", viewer=visitor("other"), items=[built["Playtime"]])
    for viewer in (visitor("me"), Viewer()):
        found = recommended("french comedy", viewer=viewer).queries
        assert found
        assert "recent" not in {each.source for each in found}
        assert "hulot gags" not in [each.text for each in found]


def test_each_pill_knows_its_way_and_the_ways_are_mixed(built):
    for query in ("french comedy", "hitchcock thriller", "comedy"):
        ways = [each.angle for each in recommended(query).queries]
        assert set(ways) <= {"narrower", "broader", "angle", "category", "new"}
        assert len(set(ways)) >= 2, (query, ways)


def test_another_category_is_told_apart_from_the_one_that_was_asked_for(built):
    found = retrieve(SearchRequest(query="hitchcock thriller"))
    asked = understand("hitchcock thriller", found.top_item_ids)
    ways = {}
    for name in ("Horror", "Mystery", "Thriller"):
        candidate = Candidate(
            text=name, normalized=name.lower(), source="expansions", rule="category", answers=3,
            witnesses=[], anchors=(f"category:{name}",),
        )  # fmt: skip
        ways[name] = angle_of(asked, score(asked, candidate))
    # One in five of the hits, two in five, all.
    assert ways == {"Horror": "category", "Mystery": "angle", "Thriller": "broader"}


def test_the_log_holds_what_was_read_of_each_and_where_it_stood(built):
    answer = search(SearchRequest(query="french comedy", viewer=visitor("me")))
    logged = Answer.objects.get(pk=answer.query_id).query_recommendations
    assert [each["text"] for each in logged] == [q.text for q in answer.query_recommendations]
    assert sorted(each["place"] for each in logged) == list(range(1, len(logged) + 1))
    assert {each["situation"] for each in logged} == {answer.placement.situation}
    assert all(len(each["features"]) == len(NAMES) for each in logged)


def test_people_are_led_where_several_went_on_to(built):
    for n in range(3):
        viewer = visitor(f"v{n}")
        log_search("french comedy", viewer=viewer, items=[built["Playtime"]], seconds_ago=900)
        log_search("godfather crime", viewer=viewer, items=[built["The Godfather"]])
    build_queries()
    link = OnwardLink.objects.get(query="french comedy")
    assert (link.next, link.people, link.share) == ("godfather crime", 3, 1.0)
    found = {each.text: each.source for each in recommended("french comedy").queries}
    assert found["godfather crime"] == "onward"
    off = {each.text for each in recommended("french comedy", sources_off=("onward",)).queries}
    assert "godfather crime" not in off


def test_fewer_people_and_picked_searches_make_no_link(built):
    for n in range(2):
        viewer = visitor(f"v{n}")
        log_search("french comedy", viewer=viewer, items=[built["Playtime"]], seconds_ago=900)
        log_search("godfather crime", viewer=viewer, items=[built["The Godfather"]])
    for n in range(4):
        viewer = visitor(f"w{n}")
        log_search("crime", viewer=viewer, items=[built["The Godfather"]], seconds_ago=900)
        log_search("thriller", viewer=viewer, items=[built["Rope"]], picked_from="names")
    build_queries()
    assert not OnwardLink.objects.exists()


def test_near_queries_of_the_model_are_those_with_the_same_items():
    class Model:
        queries = {"a": 1, "b": 2, "c": 3}
        query_graph = np.array([[0, 0], [1, 0], [0.9, 0.1], [0, 1]], np.float32)

        def query_row(self, text):
            return self.queries.get(text, 0)

    assert list(neighbours(Model(), "a")) == ["b"]
    assert neighbours(Model(), "unknown") == {}


def test_showings_are_counted_for_what_they_speak_of(built):
    shown_log(built, people=3)
    build_queries()
    counted = dict(Anchor.objects.values_list("value", "shown"))
    assert counted["category:Thriller"] > 0
    assert sum(counted.values()) > 9


def test_a_cold_category_gets_a_place_until_it_has_evidence(built):
    registry.promote(version=made(is_names=9.0, counts={"poor": 4, "plain": 4, "broad": 4}))
    Anchor.objects.update(shown=900)
    before = texts("french comedy")
    assert not any("war" in text or "crime" in text for text in before)
    Anchor.objects.filter(value="category:Crime").update(shown=0)
    offered = texts("french comedy")
    assert texts("french comedy", cold=False) == before
    assert len(offered) == 4
    assert kept_places(4, 0, lot_of("any")) in (0, 1)
    joined = [text for text in offered if text not in before]
    assert all("crime" in text for text in joined)


def test_home_and_item_pages_have_searches_from_here(client, built):
    item = Item.objects.get(title="Playtime")
    page = client.get(item_url(item)).content.decode()
    assert "Searches from here" in page
    assert "Searches worth trying" in client.get("/").content.decode()


@pytest.mark.parametrize(("lot", "is_kept"), [(0.0, True), (0.9, False)])
def test_a_cold_category_has_a_place_to_start_by_lot(built, monkeypatch, lot, is_kept):
    # One of eight: of two places a quarter of one is kept.
    monkeypatch.setattr("search.places_to_start.lot_of", lambda *parts: lot)
    Anchor.objects.update(shown=900)
    assert "crime" not in " ".join(places(k=2))
    Anchor.objects.filter(value="category:Crime").update(shown=0)
    cache.clear()
    assert ("crime" in " ".join(places(k=2))) == is_kept
    assert len(places(k=2)) == 2


def places(k):
    found = recommend(
        query="", normalized="", top_item_ids=(), exact_title=False, viewer=Viewer(), k=k
    )
    return [each.text.lower() for each in found.queries]


def test_vectors_of_the_unified_model_are_read_where_it_orders_the_hits():
    make_world()
    registry.promote(version=learned_version())
    build_queries()
    person = Viewer(person_id=Person.objects.get(external_id="p0").pk)
    answers = [search(SearchRequest(query="tale", viewer=viewer)) for viewer in (person, Viewer())]
    tables = [np.array([q.features for q in a.query_recommendations]) for a in answers]
    fits = [table[:, NAMES.index("person_fit")] for table in tables]
    for table in tables:
        assert (table[:, NAMES.index("has_vector")] == 1).all()
        assert (np.abs(table[:, NAMES.index("query_fit")]) > 0).any()
    assert (np.abs(fits[0]) > 0).any()
    assert (fits[1] == 0).all()
    own = search(SearchRequest(query="tale", viewer=person))
    assert own.placement.situation in ("plain", "broad", "poor")
