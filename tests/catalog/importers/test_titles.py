"""Titles: years apart, articles moved, one form for comparing."""

import pytest

from catalog.importers.titles import (
    alternative_names,
    comparable,
    in_reading_order,
    main_title,
    names_of,
    split_year,
)


@pytest.mark.parametrize(
    ("given", "title", "year"),
    [
        ("Matrix, The (1999)", "Matrix, The", 1999),
        ("Doctor Who (2005-)", "Doctor Who", 2005),
        ("1984 (1956)", "1984", 1956),
        ("2001: A Space Odyssey", "2001: A Space Odyssey", None),
        ("Babylon 5", "Babylon 5", None),
    ],
)
def test_the_year_is_taken_off(given, title, year):
    assert split_year(given) == (title, year)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Matrix, The", "The Matrix"),
        ("Misérables, Les", "Les Misérables"),
        ("Avventura, L'", "L'Avventura"),
        ("Name of the Rose, The (Name der Rose, Der)", "The Name of the Rose (Der Name der Rose)"),
        ("Crouching Tiger, Hidden Dragon", "Crouching Tiger, Hidden Dragon"),
        ("Me, Myself & Irene", "Me, Myself & Irene"),
    ],
)
def test_an_article_behind_the_comma_goes_to_the_front(given, expected):
    assert in_reading_order(given) == expected


def test_names_are_compared_without_case_accents_articles_and_punctuation():
    assert comparable("The Lord of the Rings: The Two Towers") == comparable(
        "lord of the rings — the two towers"
    )
    assert comparable("Amélie") == "amelie"
    assert comparable("Dumb & Dumber") == "dumb and dumber"
    assert comparable("The") == "the"
    assert comparable("七人の侍") != comparable("羅生門")


def test_names_in_parentheses_are_other_names():
    assert names_of("Seven (a.k.a. Se7en)") == ("seven", "se7en")
    assert main_title("Seven (a.k.a. Se7en)") == "Seven"
    assert alternative_names("Cité des enfants perdus, La (City of Lost Children, The)") == [
        "The City of Lost Children"
    ]
    assert main_title("(500) Days of Summer") == "(500) Days of Summer"
    assert names_of("(500) Days of Summer") == ("500 days of summer",)
