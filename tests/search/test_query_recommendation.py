"""What is recommended above the hits."""

from collections import Counter

import pytest
from django.core.cache import cache

from catalog.items import set_hidden
from catalog.types import Viewer
from search.models import Query
from search.query_features import facts_of
from search.query_mixing import MAX_OF_RULE
from search.query_recommendation import recommend
from search.query_store import build_queries, set_review
from search.query_words import same_words, words_of
from search.retrieval import SearchRequest, retrieve
from search.text import normalize_query
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


def recommended(query, viewer=Viewer(), k=8):  # noqa: B008  frozen
    found = retrieve(SearchRequest(query=query))
    return recommend(
        query=query,
        normalized=normalize_query(found.corrected_query or query),
        top_item_ids=found.top_item_ids,
        exact_title=found.exact_title,
        viewer=viewer,
        k=k,
    ).queries


def texts(query, **kwargs):
    return [each.text for each in recommended(query, **kwargs)]


def test_nothing_stands_above_the_exact_title_of_one_thing(built):
    assert texts("rear window") == []
    assert texts("The Godfather") == []
    assert texts("james stewart thriller") != []


def test_people_and_genres_of_the_hits_are_offered(built):
    found = {each.text: each for each in recommended("hitchcock thriller")}
    assert found["Alfred Hitchcock"].angle == "broader"
    assert found["thriller"].angle == "broader"
    assert "James Stewart thriller" in found


def test_an_angle_that_adds_to_the_query_is_narrower(built):
    found = {each.text: each for each in recommended("french comedy")}
    assert found["1960s French comedy"].angle == "narrower"
    assert found["1960s French comedy"].hint == "5 films, such as Playtime"


def test_a_query_is_never_offered_to_itself_nor_its_reordering_nor_its_correction(built):
    for query in ("french comedy 1960s", "comedy french", "Alfred Hitchcock thrillers"):
        for text in texts(query):
            assert not same_words(words_of(normalize_query(text)), words_of(normalize_query(query)))
    offered = recommend(
        query="frenhc comedy", normalized="french comedy", exact_title=False, viewer=Viewer(),
        top_item_ids=retrieve(SearchRequest(query="french comedy")).top_item_ids,
    ).queries  # fmt: skip
    assert offered
    assert "French comedy" not in [each.text for each in offered]


def test_the_same_meaning_in_full_is_not_offered(built):
    assert "Alfred Hitchcock thriller" not in texts("hitchcock thriller")


@pytest.mark.parametrize(
    ("query", "same", "other"),
    [
        ("hitchcock", {"Alfred Hitchcock thriller", "American thriller"}, "James Stewart"),
        ("james stewart", {"James Stewart thriller"}, "Alfred Hitchcock thriller"),
        ("french comedies", set(), "Jacques Tati comedy"),
    ],
)
def test_what_finds_the_films_that_one_looks_at_is_not_offered(built, query, same, other):
    """Where the page says how many there are: other words for the same set lead nowhere."""
    request = SearchRequest(query=query)
    found = retrieve(request)
    shown = {
        each.text
        for each in recommend(
            query=query, normalized=normalize_query(query), exact_title=False,
            top_item_ids=found.top_item_ids, viewer=Viewer(), page=facts_of(request, found),
        ).queries
    }  # fmt: skip
    assert same <= set(texts(query))
    assert not same & shown
    assert other in shown


def test_at_most_eight_and_at_most_two_of_one_kind(built):
    rules = {query.text: query.provenance["rule"] for query in Query.objects.all()}
    for query in ("comedy", "thriller", "france", "james stewart", "1958"):
        offered = recommended(query)
        assert 0 < len(offered) <= 8, query
        assert max(Counter(rules[each.text] for each in offered).values()) <= MAX_OF_RULE
        assert len({normalize_query(each.text) for each in offered}) == len(offered)
    assert len(recommended("comedy", k=2)) == 2


def test_each_carries_its_source_and_a_line_that_is_true(built):
    for each in recommended("comedy"):
        stored = Query.objects.get(text=each.text)
        assert (each.source, each.answers) == (stored.source, stored.answers)
        assert each.hint
        assert each.score > 0


def test_every_shown_query_has_answers(built):
    for query in ("comedy", "thriller", "hitchcock", ""):
        for each in recommended(query) if query else places():
            if not each.text.startswith("films like"):
                assert retrieve(SearchRequest(query=each.text)).total >= 1, each.text


def test_hiding_the_last_item_that_answers_takes_the_query_away_at_once(built):
    assert "Louis de Funès" in texts("french comedy") + texts("comedy crime")
    gone = ("La Grande Vadrouille", "Le Corniaud", "Fantômas")
    set_hidden(external_ids=[built[title].external_id for title in gone], hidden=True)
    assert "Louis de Funès" not in texts("french comedy") + texts("comedy crime")


def test_a_banned_phrase_is_shown_from_no_source(built):
    assert any("Hitchcock" in text for text in texts("thriller"))
    banned = Query.objects.create(
        text="hitchcock", normalized="hitchcock", source="names", review="banned"
    )
    assert not any("Hitchcock" in text for text in texts("thriller"))
    assert not any("Hitchcock" in each.text for each in places())
    me = visitor("me")
    log_search("hitchcock birds", viewer=me, items=[built["The Birds"]])
    assert "hitchcock birds" not in texts("thriller", viewer=me)
    banned.delete()
    assert "hitchcock birds" in texts("thriller", viewer=me)


def test_a_ban_is_of_whole_words(built):
    Query.objects.create(text="thrill", normalized="thrill", source="names", review="banned")
    assert "thriller" in texts("hitchcock thriller")


def test_a_rejected_query_is_not_offered(built):
    query = Query.objects.get(text="Alfred Hitchcock")
    set_review(query_ids=[query.pk], review="rejected", by="ed")
    assert "Alfred Hitchcock" not in texts("hitchcock thriller")


def test_a_source_that_is_off_is_off_at_once(built, settings):
    assert "names" in {each.source for each in recommended("hitchcock thriller")}
    settings.SEARCH_QUERY_SOURCES_OFF = ["names"]
    assert "names" not in {each.source for each in recommended("hitchcock thriller")}


def test_what_people_searched_is_offered_as_new(films):
    for n in range(3):
        log_search("hulot on holiday comedy", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    build_queries()
    found = {each.text: each for each in recommended("french comedy")}
    assert found["hulot on holiday comedy"].source == "log"
    assert found["hulot on holiday comedy"].angle == "new"
    assert found["hulot on holiday comedy"].hint == "Searched by 3 people, such as Playtime"


def test_own_searches_that_relate_are_offered_to_their_owner_alone(built):
    me = visitor("me")
    log_search("hulot gags", viewer=me, items=[built["Playtime"]])
    log_search("godfather saga", viewer=me, items=[built["The Godfather"]])
    mine = {each.text: each.source for each in recommended("french comedy", viewer=me)}
    assert mine["hulot gags"] == "recent"
    assert "godfather saga" not in mine
    assert "hulot gags" not in texts("french comedy", viewer=visitor("other"))


def test_it_takes_four_statements_however_many_hits(built, django_assert_num_queries):
    found = retrieve(SearchRequest(query="comedy")).top_item_ids
    asked = {"query": "comedy", "normalized": "comedy", "exact_title": False}
    recommend(**asked, top_item_ids=found, viewer=Viewer())
    for top in (found, found[:2]):
        # One of them by key: which ranker is live, known for a second outside of a transaction.
        with django_assert_num_queries(4):
            recommend(**asked, top_item_ids=top, viewer=Viewer())


def places():
    return recommend(
        query="", normalized="", top_item_ids=(), exact_title=False, viewer=Viewer()
    ).queries


def test_nobody_gets_places_to_start_that_differ(built):
    offered = places()
    assert 3 <= len(offered) <= 8
    words = [word for each in offered for word in normalize_query(each.text).split()]
    assert len(words) == len(set(words))


def test_a_look_before_the_queries_are_built_is_not_remembered(films):
    assert places() == ()
    build_queries()  # within the test's transaction, which is never committed: nothing is forgotten
    assert places()


def test_places_to_start_vanish_with_their_items_although_they_are_cached(built):
    before = places()
    external_ids = [item.external_id for item in built.values()]
    assert before
    set_hidden(external_ids=external_ids, hidden=True)
    assert places() == ()
    cache.clear()
    assert places() == ()


def test_a_rejected_place_to_start_is_gone_at_once(
    built, django_capture_on_commit_callbacks, settings
):
    rejected = places()[0].text
    with django_capture_on_commit_callbacks(execute=True):
        set_review(query_ids=[Query.objects.get(text=rejected).pk], review="rejected", by="ed")
    assert rejected not in [each.text for each in places()]
    settings.SEARCH_QUERY_SOURCES_OFF = ["expansions"]
    assert "expansions" not in {each.source for each in places()}


def test_before_the_first_build_there_is_nothing_and_no_error(films):
    assert texts("french comedy") == []
    assert places() == ()
