import numpy as np
import pytest

from recs.ml.relevance.trees import FALLING, RISING
from recs.ml.relevance.word_features import bm25_features, rarity_of, word_features
from tests.recs.ml.relevance.world import pairs_of, rows


def of(query, *titles, description=""):
    """Features of one query's titles."""
    listed = [
        {
            "id": str(place),
            "query": query,
            "product_title": title,
            "product_description": description,
            "median_relevance": "4",
            "relevance_variance": "0",
        }
        for place, title in enumerate(titles)
    ]
    return word_features(pairs_of(listed))


def test_what_is_covered_exactly_nearly_and_where_the_thing_is_named():
    found = of(
        "ps3 controller", "Sony PS3 Controller", "Big Case for PS3 Controllers", "Lamp", "Lid"
    )
    assert found["coverage"].tolist() == pytest.approx([1, 1, 0, 0])
    assert found["naming coverage"].tolist() == pytest.approx([1, 0, 0, 0])
    assert found["words missing"].tolist() == [0, 0, 2, 2]
    assert found["last word named"].tolist() == [1, 0, 0, 0]
    assert found["longest run"].tolist() == [1, 1, 0, 0]
    assert found["rarest missing"][0] == 0 < found["rarest missing"][2]


def test_misspelt_and_joined_words_are_nearly_there():
    found = of("refrigirator", "Compact Refrigerator", "Freezer")
    assert found["coverage"].tolist() == [0, 0]
    assert found["near coverage"][0] > 0.8 > found["near coverage"][1]
    found = of("bluray player", "Sony Blu-Ray Player", "Record Player")
    assert found["near coverage"][0] > found["near coverage"][1]
    assert found["joined in title"].tolist() == [1, 0]


def test_the_other_side_is_seen_only_where_it_alone_is_named():
    found = of("mens shoes", "Women's Shoes", "Men's and Women's Shoes", "Shoes")
    assert found["other side"].tolist() == [1, 0, 0]
    assert of("wireless mouse", "Wired Mouse")["other side"].tolist() == [1]


def test_numbers_that_lack_are_counted():
    assert of("iphone 5 case", "iPhone 4 Case", "iPhone 5 Case")["numbers missing"].tolist() == [
        1,
        0,
    ]


@pytest.mark.parametrize("query", ["of the", "!!", "日本 映画", "x"])
@pytest.mark.parametrize("title", ["", "!", "日本の映画", "The Lamp of It"])
def test_any_texts_give_finite_features(query, title):
    for values in of(query, title, "Red Shoe").values():
        assert values.dtype == np.float32
        assert np.isfinite(values).all()


def test_a_description_counts_and_may_be_empty():
    assert of("red shoe", "Thing", description="A red thing")["description coverage"][0] > 0
    assert of("red shoe", "Thing")["description coverage"].tolist() == [0]


def test_rare_words_say_more():
    rarity = rarity_of(["red shoe", "red lamp", "red tent"])
    assert rarity("red") < rarity("tent") < rarity("never seen")


def test_bm25_is_that_of_the_pairs_own_product():
    pairs = pairs_of(rows())
    found = bm25_features(pairs)["bm25 title"]
    grades = pairs.grades
    assert found[grades == 4].min() > found[grades == 1].max()


def test_directions_name_features_that_exist():
    names = set(word_features(pairs_of(rows())))
    known = RISING | FALLING
    meaning = {name for name in known if name.split()[0] in {
        "cosine", "token", "agrees", "centre", "over", "same", "queries",
    }}  # fmt: skip
    assert known - meaning <= names
    assert not RISING & FALLING
