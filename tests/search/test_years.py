"""Years and amounts in words."""

from decimal import Decimal

import pytest

from search.quantities import Numbers, read_quantity

FILMS = Numbers({"year", "attributes.runtime_minutes"})
SHOP = Numbers({"price", "attributes.weight_kg"}, currency="USD")


def said(text, numbers=FILMS):
    """The first quantity of the text: its facet, its range and the words it takes."""
    words = text.split()
    for at in range(len(words)):
        if found := read_quantity(words, at, numbers):
            return found.facet, str(found.range), " ".join(words[at : found.end])
    return None


@pytest.mark.parametrize(
    ("text", "years", "taken"),
    [
        ("comedies from the 60s", "1960..1969", "from the 60s"),
        ("comedies of the sixties", "1960..1969", "of the sixties"),
        ("1980's horror", "1980..1989", "1980's"),
        ("late nineties thrillers", "1996..1999", "late nineties"),
        ("early 2000s", "2000..2004", "early 2000s"),
        ("before 1970", "..1969", "before 1970"),
        ("before the 70s", "..1969", "before the 70s"),
        ("until 1970", "..1970", "until 1970"),
        ("after 2000", "2001..", "after 2000"),
        ("since 2000", "2000..", "since 2000"),
        ("from 2000 on", "2000..", "from 2000 on"),
        ("between 1960 and 1965", "1960..1965", "between 1960 and 1965"),
        ("from 1960 to 1965", "1960..1965", "from 1960 to 1965"),
        ("1960-1965", "1960..1965", "1960-1965"),
        ("from the 60s to the 80s", "1960..1989", "from the 60s to the 80s"),
        ("in 1994", "1994..1994", "in 1994"),
    ],
)
def test_years_in_words(text, years, taken):
    assert said(text) == ("year", years, taken)


def test_a_year_without_a_word_beside_it_is_bare():
    assert read_quantity(["1917"], 0, FILMS).is_bare
    assert not read_quantity(["in", "1917"], 0, FILMS).is_bare
    assert not read_quantity(["1910s"], 0, FILMS).is_bare


@pytest.mark.parametrize(
    ("text", "minutes", "taken"),
    [
        ("under 100 minutes", "..100", "under 100 minutes"),
        ("shorter than two hours", "..120", "shorter than two hours"),
        ("less than an hour", "..60", "less than an hour"),
        ("90 minutes or less", "..90", "90 minutes or less"),
        ("at least 3 hours", "180..", "at least 3 hours"),
        ("longer than 2.5 hours", "150..", "longer than 2.5 hours"),
        ("90min or more", "90..", "90min or more"),
        ("between 80 and 100 minutes", "80..100", "between 80 and 100 minutes"),
        ("80 to 100 minutes", "80..100", "80 to 100 minutes"),
    ],
)
def test_amounts_of_an_attribute_in_the_unit_of_its_key(text, minutes, taken):
    assert said(text) == ("attributes.runtime_minutes", minutes, taken)


@pytest.mark.parametrize(
    ("text", "price", "taken"),
    [
        ("under $20", "..20", "under $20"),
        ("below 19.99 dollars", "..19.99", "below 19.99 dollars"),
        ("hoodie under 50", "..50", "under 50"),
        ("over $1,000", "1000..", "over $1,000"),
        ("$20 or less", "..20", "$20 or less"),
        ("between $5 and $10", "5..10", "between $5 and $10"),
        ("from 5 to 10 dollars", "5..10", "from 5 to 10 dollars"),
    ],
)
def test_prices(text, price, taken):
    assert said(text, SHOP) == ("price", price, taken)


def test_weights_are_converted():
    facet, weight, _ = said("lighter than 500 grams", SHOP)
    assert (facet, Decimal(weight.removeprefix(".."))) == ("attributes.weight_kg", Decimal("0.5"))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("10 things i hate about you", FILMS),
        ("12 angry men", FILMS),
        ("under 18", FILMS),  # of what
        ("two hours", FILMS),  # about so long, or a title
        ("before sunrise", FILMS),
        ("under siege", FILMS),
        ("$20", SHOP),  # a price, but which way
        ("under 20 euros", SHOP),  # another currency than the catalog's
        ("size 12", SHOP),
        ("20 to 10 dollars", SHOP),
        ("in 1994", SHOP),  # nothing has a year there
    ],
)
def test_what_is_no_quantity(text, numbers):
    assert said(text, numbers) is None
