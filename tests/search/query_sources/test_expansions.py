import pytest

from catalog.items import upsert_items
from catalog.profiles import current_profile, save_profile
from catalog.types import ItemInput
from search.query_sources.expansions import Expansions, spoken

pytestmark = pytest.mark.django_db


def offered():
    return {each.text: each for each in Expansions().candidates(current_profile())}


def test_rules_speak_as_people_do(films):
    texts = offered()
    assert "Alfred Hitchcock thriller" in texts
    assert "French comedy" in texts
    assert "1960s comedy" in texts
    assert "1960s French comedy" in texts
    assert "James Stewart thriller" in texts
    assert "films like Rear Window" in texts


def test_a_rule_needs_as_many_items_as_it_says(films):
    texts = offered()
    assert "French crime" not in texts  # two items
    assert "1950s French comedy" not in texts  # one item
    assert texts["1960s French comedy"].answers_estimate == 5


def test_little_known_items_have_no_likes(films):
    assert "films like Trafic" not in offered()


def test_the_wider_category_is_the_noun(films):
    upsert_items(
        items=[
            ItemInput(external_id=f"m{n}", title=f"Film {n}", category_paths=["Mystery", "Comedy"])
            for n in range(3)
        ]
    )
    assert "mystery comedy" in offered()


def test_hidden_items_count_for_nothing(films):
    for title in ("Playtime", "Mon Oncle", "Trafic"):
        films[title].is_hidden = True
        films[title].save(update_fields=["is_hidden"])
    assert "Jacques Tati comedy" not in offered()


def test_a_store_speaks_by_the_leaf_of_its_categories(db):
    save_profile(item_noun="product", item_noun_plural="products", name_attributes=[])
    upsert_items(
        items=[
            ItemInput(
                external_id=f"p{n}",
                title=f"Chair {n}",
                category_paths=["Furniture/Chairs"],
                creators=["Hon"],
            )
            for n in range(3)
        ]
    )
    assert set(offered()) == {"furniture", "chairs", "Hon furniture", "Hon chairs"}


def test_capitals_that_mean_something_stay():
    assert spoken("category", "TV Movie") == "TV movie"
    assert spoken("category", "Film Noir") == "film noir"
    assert spoken("country", "Atlantis") == ""
