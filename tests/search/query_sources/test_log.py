import pytest

from catalog.profiles import current_profile
from search.personal_data import is_private
from search.query_sources.log import Log
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


def offered():
    return {each.text: each for each in Log().candidates(current_profile())}


def searched_by(films, query, people=3, **fields):
    for n in range(people):
        log_search(query, viewer=visitor(f"v{n}"), items=[films["Playtime"]], **fields)


def test_a_query_takes_k_different_people(films, settings):
    settings.SEARCH_MIN_PEOPLE_PER_QUERY = 3
    searched_by(films, "hulot films", people=2)
    for _ in range(5):
        log_search("only mine", viewer=visitor("v0"), items=[films["Playtime"]])
    assert offered() == {}
    log_search("hulot films", viewer=visitor("v9"), items=[films["Playtime"]])
    assert offered()["hulot films"].people == 3


def test_nobody_counts_as_nobody(films):
    for _ in range(5):
        log_search("hulot films", viewer=visitor(""), items=[films["Playtime"]])
    assert offered() == {}


def test_only_the_last_of_a_typing_chain_is_finished(films):
    for n, text in enumerate(("sta", "stair", "stairway", "stairway to heaven")):
        searched_by(films, text, is_typing=True, seconds_ago=100 - n)
    assert set(offered()) == {"stairway to heaven"}


def test_a_pause_longer_than_the_chain_ends_it(films):
    searched_by(films, "stairs", is_typing=True, seconds_ago=900)
    searched_by(films, "stairs to heaven", is_typing=True, seconds_ago=100)
    assert set(offered()) == {"stairs", "stairs to heaven"}


def test_deleting_letters_finishes_nothing(films):
    for n, text in enumerate(("stairway", "stairw", "stai")):
        searched_by(films, text, is_typing=True, seconds_ago=100 - n)
    assert set(offered()) == {"stairway"}


def test_a_submitted_prefix_is_finished(films):
    searched_by(films, "stair", seconds_ago=100)
    searched_by(films, "stairway", seconds_ago=99)
    assert set(offered()) == {"stair", "stairway"}


def test_what_found_nothing_or_was_corrected_or_picked_is_left_out(films):
    searched_by(films, "nothing here", total=0)
    searched_by(films, "hulto films", corrected_query="hulot films")
    searched_by(films, "french comedy", picked_from="expansions")
    assert offered() == {}


def test_the_wording_of_most_people_is_shown(films):
    searched_by(films, "Hulot Films", people=2)
    log_search("hulot films", viewer=visitor("v7"), items=[films["Playtime"]])
    assert set(offered()) == {"Hulot Films"}


@pytest.mark.parametrize(
    "text",
    [
        "write to anna@example.org",
        "+33 1 70 18 99 00",
        "(020) 7946 0958",
        "order 4400193",
        "4111 1111 1111 1111",
        "https://example.org/me",
    ],
)
def test_what_may_reach_a_person_is_screened(films, text):
    assert is_private(text)
    searched_by(films, text)
    assert offered() == {}


@pytest.mark.parametrize("text", ["2001 a space odyssey", "1960s comedy", "se7en", "apollo 13"])
def test_figures_of_titles_are_not_private(text):
    assert not is_private(text)
