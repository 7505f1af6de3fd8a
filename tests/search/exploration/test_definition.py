"""What counts as exploratory, case by case."""

import pytest

from search.exploration.definition import BROAD, QueryFacts, is_exploratory
from search.exploration.lookups import most_have, naming_one

NOTHING = frozenset()
DRAMAS = frozenset({"category:Drama", "creator:Akira Kurosawa"})
COMEDY = frozenset({"category:Comedy"})


def facts(answers, names_one=False, leads_to=NOTHING):
    return QueryFacts(answers=answers, names_one=names_one, leads_to=leads_to)


@pytest.mark.parametrize(
    ("query", "had", "expected"),
    [
        pytest.param(facts(40), NOTHING, True, id="a choice of answers"),
        pytest.param(facts(BROAD), NOTHING, True, id="just broad"),
        pytest.param(facts(BROAD - 1), NOTHING, False, id="narrow, and nobody to whom it is new"),
        pytest.param(facts(1, leads_to=COMEDY), DRAMAS, True, id="narrow, of a new category"),
        pytest.param(facts(1, leads_to=COMEDY), DRAMAS | COMEDY, False, id="narrow and known"),
        pytest.param(facts(1, leads_to=COMEDY), NOTHING, False, id="without a history, none new"),
        pytest.param(facts(1), DRAMAS, False, id="narrow and leading nowhere in particular"),
        pytest.param(facts(40, names_one=True), DRAMAS, False, id="a name with many answers"),
        pytest.param(
            facts(1, names_one=True, leads_to=COMEDY), DRAMAS, False, id="a title of a new category"
        ),
        pytest.param(facts(0, leads_to=COMEDY), DRAMAS, False, id="nothing found"),
    ],
)
def test_an_exploratory_search_is_no_name_and_broad_or_new(query, had, expected):
    assert is_exploratory(query, had) is expected


def test_at_least_half_of_the_hits_have_what_they_lead_to():
    things = {1: DRAMAS, 2: DRAMAS, 3: COMEDY}
    assert most_have([1, 2, 3], things) == DRAMAS
    assert most_have([1, 3], things) == DRAMAS | COMEDY
    assert most_have([1, 2, 3, 4, 5], things) == NOTHING
    assert most_have([], things) == NOTHING


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("rear window", True),
        ("the rear window", True),
        ("godfather", True),  # without its article
        ("vertigo 1958", True),
        ("vertigo 1999", False),  # of another year
        ("fantomas", True),  # without its accent
        ("100 wolf", True),
        ("alfred hitchcock", True),
        ("hitchcock", True),  # the only creator of that surname
        ("grace kelly", True),  # a name of the profile's attributes
        ("kelly", True),
        ("tati", True),
        ("hitchcock thriller", False),
        ("comedy", False),
        ("french", False),
        ("france", False),
        ("like water", False),  # a part of a title
        ("window", False),
        ("", False),
        ("\U0001f3ac", False),
    ],
)
def test_names_are_looked_up_in_the_catalog(films, query, expected):
    assert (query in naming_one([query, "mon oncle"])) is expected


def test_a_word_for_a_category_is_one_even_where_an_item_is_called_so(films):
    film = films["Rope"]
    film.title = "Comedy"
    film.save()
    assert naming_one(["comedy"]) == set()


def test_what_is_hidden_names_nothing(films):
    film = films["Rope"]
    assert naming_one(["rope"]) == {"rope"}
    film.is_hidden = True
    film.save()
    assert naming_one(["rope"]) == set()
