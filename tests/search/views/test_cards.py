"""Items made ready to be printed: units, facts and reasons."""

import pytest

from catalog.models import Item, Profile
from catalog.types import RankedItem
from search.facet_wording import attribute_label, attribute_text
from search.views.cards import (
    Trail,
    facts_of,
    price_of,
    ranked_cards,
)

# What categories are called stands beside the profile.
pytestmark = pytest.mark.django_db
ITEMS = {n: Item(pk=n, title=f"Film {n}") for n in (1, 2)}
for one in ITEMS.values():
    # The database's own column, which nothing here has been stored in.
    one.summary = ""


def _whys(*reasons, source="content", told=""):
    ranked = [
        RankedItem(item_id=n, position=n, score=1.0, source=source, reason=reason)
        for n, reason in enumerate(reasons, start=1)
    ]
    cards = ranked_cards(ranked, ITEMS, Profile(), trail=Trail(surface="home"), told=told)
    return [card.why for card in cards]


@pytest.mark.parametrize(
    ("key", "value", "label", "text"),
    [
        ("runtime_minutes", 112, "runtime", "112 min"),
        ("tomatometer_percent", 99, "tomatometer", "99%"),
        ("bought_by", "Companies", "bought by", "Companies"),
        ("minutes", 3, "minutes", "3"),
        ("languages", ["a", "b"], "languages", "a, b"),
        ("weight_kg", None, "weight", ""),
        ("discount_percent", 0, "discount", "0%"),
    ],
)
def test_an_attribute_is_shown_with_the_unit_that_its_key_ends_in(key, value, label, text):
    assert (attribute_label(key), attribute_text(key, value)) == (label, text)


def test_a_price_has_its_sign_or_else_its_code():
    profile = Profile(currency="USD")
    assert price_of(Item(price=1234.5), profile) == "$1,234.50"
    assert price_of(Item(price=5, currency="SEK"), profile) == "5.00 SEK"
    assert price_of(Item(), profile) == ""


def test_a_thing_that_nobody_made_says_what_kind_of_thing_it_is():
    profile = Profile(range_facet="price", currency="USD", fact_attributes=["range"])
    chair = Item(price=5, category_paths=["Furniture/Chairs"], attributes={"range": "Budget"})
    assert facts_of(chair, profile) == ("$5.00", "Chairs", "Budget")
    chair.creators = ["Thonet"]
    assert facts_of(chair, profile) == ("$5.00", "Thonet", "Budget", "Chairs")


def test_a_reason_that_the_row_has_told_is_not_told_again():
    both = ("Similar to Film 9 in theme and words", "Because you liked Film 8")
    assert _whys(*both) == list(both)
    assert _whys(*both, told="Because you liked Film 9") == ["", both[1]]
    assert _whys("Similar to X in theme", "Similar to X in theme") == ["", ""]


def test_a_row_of_what_most_people_chose_does_not_count_them():
    assert _whys("Popular with 9 people", "Popular with 8 people", source="popular") == ["", ""]
