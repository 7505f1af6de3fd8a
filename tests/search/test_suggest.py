"""Completion at each keystroke."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.items import set_hidden
from catalog.types import Viewer
from search.facet_words import build_facet_words
from search.models import Query
from search.query_store import set_review
from search.suggest import suggest
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


def texts(prefix, viewer=Viewer(), k=8):  # noqa: B008  frozen
    return [each.text for each in suggest(prefix=prefix, viewer=viewer, k=k).queries]


def titles(prefix):
    return [item.title for item in suggest(prefix=prefix, viewer=Viewer()).items]


def test_a_prefix_of_the_whole_or_of_a_later_word_completes(built):
    assert "Alfred Hitchcock" in texts("alf")
    assert "Alfred Hitchcock" in texts("hitch")
    assert "Alfred Hitchcock" in texts("alfred hi")


def test_case_and_accents_do_not_matter(built):
    assert "Louis de Funès" in texts("louis de funes")
    assert "Louis de Funès" in texts("LOUIS DE FUNÈ")
    assert titles("zazie dans le met") == ["Zazie dans le Métro"]


def test_the_more_popular_comes_first_and_a_whole_prefix_before_a_later_word(built):
    found = texts("th")
    assert found[0] == "thriller"
    assert found.index("Alfred Hitchcock thriller") > found.index("thriller")


def test_a_typing_error_is_forgiven(built):
    assert "Alfred Hitchcock" in texts("hitchcok")
    assert titles("godfathr") == ["The Godfather"]


def test_titles_are_offered_as_items_and_not_again_as_queries(built):
    found = suggest(prefix="the", viewer=Viewer())
    assert {item.title for item in found.items} == {"The Godfather", "The Birds"}
    assert not {"The Godfather", "The Birds"} & {each.text for each in found.queries}


def test_what_is_hidden_is_gone_at_once(built):
    assert titles("playt") == ["Playtime"]
    set_hidden(external_ids=[built["Playtime"].external_id], hidden=True)
    assert titles("playt") == []
    assert texts("playt") == []


def test_rejected_and_banned_are_not_completed(built):
    queries = Query.objects.filter(text="Alfred Hitchcock")
    set_review(query_ids=[queries.get().pk], review="rejected", by="ed")
    assert "Alfred Hitchcock" not in texts("alf")
    assert "Alfred Hitchcock thriller" in texts("alf")
    set_review(query_ids=[queries.get().pk], review="banned", by="ed")
    assert texts("alfred h") == []


def test_an_empty_field_offers_own_searches_then_places_to_start(built):
    me = visitor("me")
    log_search("hulot gags", viewer=me, items=[built["Playtime"]])
    found = suggest(prefix=" ", viewer=me).queries
    assert (found[0].text, found[0].source) == ("hulot gags", "recent")
    assert {each.source for each in found[1:]} & {"expansions", "names"}
    assert "hulot gags" not in texts("")


def test_own_searches_complete_first_and_only_for_their_owner(built):
    me = visitor("me")
    log_search("alfred the butler", viewer=me, items=[built["Rope"]])
    assert texts("alf", viewer=me)[0] == "alfred the butler"
    assert "alfred the butler" not in texts("alf", viewer=visitor("other"))


@pytest.mark.parametrize("prefix", ["%", "_", "\\", "a%", "%hitch", "_lfred"])
def test_wildcards_are_letters_like_others_or_nothing(built, prefix):
    assert "Louis de Funès" not in texts(prefix)


def test_a_percent_sign_in_a_title_is_found(built):
    assert titles("100% w") == ["100% Wolf"]


def test_many_alike_leave_room_for_others(built):
    first = texts("al", k=5)
    assert sum("Hitchcock" in text for text in first) <= 4


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(prefix=st.text(max_size=60), k=st.integers(-3, 40))
def test_any_text_is_answered(built, prefix, k):
    found = suggest(prefix=prefix, viewer=Viewer(), k=k)
    assert len(found.queries) <= max(0, min(k, 20))


def test_it_stays_within_a_few_statements(built, django_assert_max_num_queries):
    suggest(prefix="al", viewer=Viewer())
    for prefix in ("a", "alfred", "hitchcok", "zzzzzz"):
        with django_assert_max_num_queries(6):
            suggest(prefix=prefix, viewer=Viewer())


def test_makers_and_categories_are_offered_as_lists_to_go_to(built, client):
    build_facet_words()
    found = suggest(prefix="hitch", viewer=Viewer())
    assert [(each.value, each.items) for each in found.creators] == [("Alfred Hitchcock", 5)]
    assert [each.value for each in suggest(prefix="comed", viewer=Viewer()).categories] == [
        "Comedy"
    ]
    page = client.get("/suggest?q=hitch").content.decode()
    assert 'aria-label="Director"' in page
    assert "/search?creator=Alfred+Hitchcock" in page
    body = client.get("/api/v1/suggest?q=comed").json()
    assert body["categories"] == [
        {"facet": "category", "value": "Comedy", "label": "Comedy", "count": 8}
    ]
