"""Why each recommended query is there: sentences for visitors, numbers for who runs the site."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog.keys import issue_key
from catalog.profiles import current_profile
from catalog.types import QueryEvidence, QueryRecommendation, Viewer
from recs import registry
from search.models import OnwardLink, Query
from search.query_ranking import forget_rankers
from search.query_reasons import why
from search.query_store import build_queries
from tests.search.films import log_search, visitor
from tests.search.ranked import made, recommended

pytestmark = pytest.mark.django_db
API = "/api/v1/search"
ALONE = "/api/v1/query-recommendations"


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_rankers()
    yield
    forget_rankers()


def told(query, **given):
    profile = current_profile()
    return {each.text: why(each, profile) for each in recommended(query, **given).queries}


def sentence(answers=3, *, tell_own=True, **known):
    known = {"sources": ("names",), "rule": "creator_category", "hits": 20} | known
    query = QueryRecommendation(
        text="q", source="names", answers=answers, evidence=QueryEvidence(**known)
    )
    return why(query, current_profile(), tell_own=tell_own)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"shared": 4}, "4 of the first 20 films fit it."),
        ({"shared": 1, "rule": "creator"}, "The director of one of the first 20 films."),
        ({"shared": 1, "hits": 1, "rule": "name", "surface": "item"}, "Named in this film."),
        ({"shared": 1, "hits": 1, "rule": "creator"}, "The director of the one film found."),
        ({"shared": 2, "rule": "searched"}, "What answers it best is among the first films here."),
        ({"made": 2}, "It names somebody behind 2 of the first 20 films."),
        ({"went_on": 0.5, "shared": 3}, "People went on to this search from here."),
        ({"nearness": 0.8}, "What people chose after it is near to what they chose here."),
        ({"is_near": True}, "It goes ten years on or back."),
        ({"keeps": "all"}, "It has all of your words."),
        ({"keeps": "some"}, "It has words of yours."),
        ({"own_days": 0.2}, "You searched for this in the last 24 hours."),
        ({"own_days": 1.9}, "You searched for this a day ago."),
        ({"own_days": 9.0}, "You searched for this 9 days ago."),
        ({"surface": "start"}, "Among the most wanted searches for a director and a genre."),
        ({"shared": 1}, "One of the first 20 films fits it."),
        ({"shared": 1, "hits": 1, "surface": "item"}, "This film fits it."),
    ],
)
def test_the_first_sentence_is_the_best_that_can_be_said(built, known, words):
    assert sentence(**known) == f"{words} It finds 3 films."


def test_people_places_kept_and_what_counted_most_are_told(built):
    assert "1,200 people typed it." in sentence(people=1200)
    assert "A place is kept for what was hardly shown yet." in sentence(is_cold=True)
    groups = {"retrieval": 0.4, "person": 0.9, "source": 3.0, "context": 0.0}
    assert sentence(groups=groups).endswith(
        "What counted most: what you searched for and wanted before."
    )
    assert "counted most" not in sentence(groups={"match": 0.05, "source": 2.0})
    assert sentence(answers=1, shared=1).endswith("It finds one film.")
    assert why(QueryRecommendation(text="q", source="log"), current_profile()) == ""


def test_who_may_not_know_what_the_viewer_did_is_not_told(built):
    hidden = sentence(
        tell_own=False, own_days=2.0, shared=1, groups={"person": 2.0, "vectors": 1.5, "match": 0.2}
    )
    assert "You searched" not in hidden
    assert "wanted before" not in hidden
    assert hidden.endswith("What counted most: how it takes up your words.")


def test_each_pill_says_what_of_the_hits_it_stands_on(built):
    found = told("hitchcock thriller")
    assert (
        found["Alfred Hitchcock"] == "The director of all of the first 5 films. It finds 5 films."
    )
    for query in recommended("comedy").queries:
        known = query.evidence
        assert known.sources[0] == query.source
        assert known.hits >= known.shared >= 0
        assert (known.own_days, known.version, known.groups) == (None, "", {})
    assert all(found.values())


def test_the_viewers_own_search_is_told_to_them_alone(built):
    me = visitor("me")
    log_search("hulot gags", viewer=me, items=[built["Playtime"]])
    mine = {each.text: each for each in recommended("french comedy", viewer=me).queries}
    assert mine["hulot gags"].evidence.sources == ("recent",)
    assert told("french comedy", viewer=me)["hulot gags"].startswith("You searched for this in")
    log_search("Jacques Tati", viewer=me, items=[built["Playtime"]])
    both = [each for each in recommended("comedy", viewer=me).queries if "Tati" in each.text]
    assert any("recent" in each.evidence.sources for each in both)
    others = told("comedy", viewer=visitor("other")) | told("comedy")
    assert not any("You searched" in words for words in others.values())


def test_fewer_people_than_may_be_told_of_are_told_nowhere(built, settings, client):
    settings.API_PUBLIC_READ = True
    Query.objects.filter(text="Jacques Tati").update(people=5, provenance={"rule": "searched"})
    assert "5 people typed it." in told("french comedy")["Jacques Tati"]
    settings.SEARCH_MIN_PEOPLE_PER_QUERY = 6
    query = next(q for q in recommended("french comedy").queries if q.text == "Jacques Tati")
    assert (query.evidence.people, query.evidence.sources) == (0, ("names",))
    key = issue_key(name="boss", scopes=["admin"])[1]
    given = {"q": "french comedy", "explain": "true"}
    body = client.get(API, given, headers={"Authorization": f"Bearer {key}"}).content.decode()
    page = client.get("/search", {"q": "french comedy"}).content.decode()
    assert "Jacques Tati" in body
    assert "Jacques Tati" in page
    assert "5 people" not in body + page


def test_a_link_of_fewer_people_than_may_be_told_of_leads_nowhere(built, settings):
    for n in range(3):
        viewer = visitor(f"v{n}")
        log_search("french comedy", viewer=viewer, items=[built["Playtime"]], seconds_ago=900)
        log_search("godfather crime", viewer=viewer, items=[built["The Godfather"]])
    build_queries()
    assert OnwardLink.objects.get().people == settings.SEARCH_MIN_PEOPLE_PER_QUERY == 3
    known = {each.text: each for each in recommended("french comedy").queries}["godfather crime"]
    assert known.evidence.went_on == 1.0
    assert known.evidence.sources == ("onward", "log")
    assert why(known, current_profile()) == (
        "People went on to this search from here. 3 people typed it. It finds one film."
    )
    settings.SEARCH_MIN_PEOPLE_PER_QUERY = 4
    assert not any(each.evidence.went_on for each in recommended("french comedy").queries)


def test_the_ranker_says_which_group_of_features_spoke_for_each(built):
    live = registry.promote(version=made(coverage=6.0, popularity=1.0))
    found = recommended("comedy").queries
    best = max(found, key=lambda each: each.evidence.groups["retrieval"])
    assert best.evidence.version == live.name
    words = why(best, current_profile())
    assert words.endswith("What counted most: how well it fits what was found.")
    assert len(recommended("comedy", page=None).queries[:1]) == 1
    assert all(each.evidence.groups == {} for each in recommended("comedy", ranker=False).queries)


@pytest.mark.parametrize("url", [API, ALONE])
def test_explain_is_for_those_who_run_the_site(built, client, settings, url):
    settings.API_PUBLIC_READ = True
    live = registry.promote(version=made(is_names=9.0))
    plain = client.get(url, {"q": "comedy"}).json()["query_recommendations"]
    assert plain
    for each in plain:
        assert each["why"]
        assert "explanation" not in each
    given = {"q": "comedy", "explain": "true"}
    assert client.get(url, given).status_code == 401
    assert client.get(url, {"q": "comedy", "explain": "maybe"}).status_code == 400
    reader, boss = (issue_key(name=n, scopes=[n])[1] for n in ("read", "admin"))
    assert client.get(url, given, headers={"Authorization": f"Bearer {reader}"}).status_code == 403
    answer = client.get(url, given, headers={"Authorization": f"Bearer {boss}"})
    for each in answer.json()["query_recommendations"]:
        known = each["explanation"]
        assert known["version"] == live.name
        assert {"match", "statistics", "retrieval", "person"} <= set(known["groups"])
        assert known["sources"][0] == each["source"]
        assert known["people"] is None


def test_without_a_key_nobody_is_told_what_a_person_searched(built, client, settings):
    settings.API_PUBLIC_READ = True
    person = Viewer(person_id=_person("p9"))
    log_search("Jacques Tati", viewer=person, items=[built["Playtime"]])
    log_search("hulot gags", viewer=person, items=[built["Playtime"]])
    asked = {"q": "french comedy", "user_id": "p9"}
    body = client.get(API, asked).content.decode() + client.get(ALONE, asked).content.decode()
    assert "query_recommendations" in body
    assert "You searched" not in body
    assert "hulot gags" not in body
    key = issue_key(name="shop", scopes=["read"])[1]
    keyed = client.get(API, asked, headers={"Authorization": f"Bearer {key}"}).content.decode()
    assert "You searched" in keyed


def _person(external_id):
    from catalog.models import Person

    return Person.objects.create(external_id=external_id).pk


class TestPage:
    """The search page, the home page and an item's."""

    def test_it_is_opened_by_keyboard_and_touch_without_scripts(self, built, client):
        page = client.get("/search", {"q": "french comedy"}).content.decode()
        whys = re.search(r"<details class=\"why whys\">.*?</details>", page, re.DOTALL)[0]
        assert "<summary>Why these searches</summary>" in whys
        pills = re.findall(r"class=\"pill\" href=\"[^\"]*\"><bdi>([^<]*)</bdi>", page)
        assert pills
        assert re.findall(r"<dt><bdi>([^<]*)</bdi></dt>", whys) == pills
        assert "of the first" in whys
        assert "<table" not in page

    @pytest.mark.parametrize("path", ["/", "item", "/browse/Comedy"])
    def test_every_page_with_pills_says_why(self, built, client, path):
        if path == "item":
            item = built["Rear Window"]
            path = client.get(f"/item/{item.pk}", follow=True).redirect_chain[-1][0]
        page = client.get(path).content.decode()
        assert 'class="pill"' in page
        assert page.count("<dt><bdi>") == page.count('class="pill"')
        assert not re.search(r"<dd>\s*</dd>", page)

    def test_the_table_is_for_who_may_see_answers_and_asks(self, built, client):
        registry.promote(version=made(is_names=9.0))
        asked = {"q": "comedy", "explain": "true"}
        assert "<table" not in client.get("/search", asked).content.decode()
        editor = User.objects.create_user("ed", password="correct horse", is_staff=True)
        client.force_login(editor)
        assert "<table" not in client.get("/search", asked).content.decode()
        editor.user_permissions.add(Permission.objects.get(codename="view_answer"))
        page = client.get("/search", asked).content.decode()
        assert "<table" in page
        assert re.search(r"source \+\d", page)
        assert "<table" not in client.get("/search", {"q": "comedy"}).content.decode()

    def test_the_replay_shows_them_without_a_unified_version(self, built, client):
        client.force_login(User.objects.create_superuser("boss", password="correct horse"))
        given = {"surface": "search", "query": "french comedy"}
        page = client.get(reverse("admin:search_replay"), given).content.decode()
        assert "Queries recommended" in page
        assert "the stated score" in page
        assert "of the first" in page
        odd = client.get(reverse("admin:search_replay"), {**given, "person": "nobody here"})
        assert odd.status_code == 200
        assert "Queries recommended" not in odd.content.decode()
