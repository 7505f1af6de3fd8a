from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog.items import patch_item
from catalog.models import Item
from catalog.types import ItemInput
from recs import facts, pipeline
from recs.content import content_vectors, live_versions
from recs.facts import encode_pending, facts_of
from recs.ml.fact_vectors import DIMENSIONS
from recs.models import ContentEmbedding, ItemCode
from tests.recs.conftest import make_items

pytestmark = pytest.mark.django_db


def add(**stated):
    """Items by name, each with what is stated of it."""
    return make_items(
        [ItemInput(external_id=name, title=name, **given) for name, given in stated.items()]
    )


def vectors_of(ids):
    return dict(zip(ids, content_vectors(list(ids.values()))["facts"], strict=True))


def columns(**given):
    empty = {"categories": [], "creators": [], "countries": [], "year": None, "attributes": {}}
    return empty | given


def test_items_of_which_the_same_is_stated_are_alike_and_others_are_not():
    noir = {"category_paths": ["Crime"], "countries": ["France"], "creators": ["Melville"]}
    ids = add(
        one=noir | {"year": 1967},
        near=noir | {"year": 1970},
        far={"category_paths": ["Musical"], "countries": ["India"], "year": 2005},
        empty={},
    )
    assert encode_pending() == 4
    found = vectors_of(ids)
    assert float(found["one"] @ found["near"]) > 0.9
    assert abs(float(found["one"] @ found["far"])) < 0.3
    assert not found["empty"].any(), "nothing is stated of it"
    assert encode_pending() == 0
    assert live_versions()["facts"].dimensions == DIMENSIONS


def test_only_what_changed_is_read_again():
    ids = add(a={"category_paths": ["Drama"]}, b={"category_paths": ["Drama"]})
    encode_pending()
    before = vectors_of(ids)
    patch_item(external_id="a", changes={"category_paths": ["Comedy"]})
    patch_item(external_id="b", changes={"title": "another title"})
    assert encode_pending() == 1
    after = vectors_of(ids)
    assert not np.array_equal(before["a"], after["a"])
    np.testing.assert_array_equal(before["b"], after["b"])


def test_a_change_that_was_begun_before_the_vector_was_made_is_seen_after_it():
    """A transaction dates its rows by its beginning, and may end after they were read."""
    ids = add(a={"category_paths": ["Drama"]})
    encode_pending()
    begun = ContentEmbedding.objects.get(item=ids["a"]).created_at - timedelta(seconds=30)
    Item.objects.filter(pk=ids["a"]).update(categories=["Comedy"], updated_at=begun)
    assert encode_pending() == 1


def test_a_category_is_partly_what_another_below_the_same_one_is():
    ids = add(
        paper={"category_paths": ["Office/Paper"]},
        pens={"category_paths": ["Office/Pens"]},
        drama={"category_paths": ["Drama"]},
    )
    encode_pending()
    found = vectors_of(ids)
    assert float(found["paper"] @ found["pens"]) > float(found["paper"] @ found["drama"]) + 0.2


def test_what_was_settled_long_before_its_vector_is_not_looked_at():
    ids = add(a={"category_paths": ["Drama"]})
    Item.objects.filter(pk=ids["a"]).update(updated_at=timezone.now() - timedelta(days=1))
    encode_pending()
    ContentEmbedding.objects.filter(item=ids["a"]).update(input_hash="of something else")
    assert encode_pending() == 0


def test_sentences_addresses_and_numbers_are_no_facts():
    stated = facts_of(
        columns(
            categories=["Office", "Office/Paper"],
            creators=["  Jean-Luc   Godard "],
            year=1965,
            attributes={
                "cast": ["Anna Karina", "", None, 7],
                "plot": "A long sentence that says what happens. " * 5,
                "page": "https://example.org/a",
                "runtime": 99,
                "lists": [["nested"]],
            },
        )
    )
    assert set(stated["category"]) == {"office", "office/paper"}
    assert set(stated["creator"]) == {"jean-luc godard"}
    assert stated["year"] == {"1960s": 1.0}
    assert set(stated["attribute cast"]) == {"anna karina"}
    assert set(stated) == {"category", "creator", "year", "attribute cast"}


@pytest.mark.parametrize("attributes", [None, [], "words", {"": ""}, {"a": {"b": "c"}}])
def test_attributes_of_any_shape_do_no_harm(attributes):
    assert facts_of(columns(attributes=attributes)) == {}


def test_an_items_codes_are_of_its_text_and_its_facts():
    ids = add(a={"category_paths": ["Drama"]}, b={"category_paths": ["Comedy"], "year": 1950})
    pipeline.encode_items()
    assert set(live_versions()) == {"text", "facts"}
    version = pipeline.build_codes()
    assert set(version.config["content_versions"]) == {"text", "facts"}
    before = ItemCode.objects.get(item=ids["a"]).input_hash
    patch_item(external_id="a", changes={"category_paths": ["Comedy"]})
    pipeline.encode_items()
    assert ItemCode.objects.get(item=ids["a"]).input_hash != before


def test_a_batch_at_a_time(monkeypatch):
    monkeypatch.setattr(facts, "BATCH_SIZE", 2)
    ids = add(**{f"item{n}": {"year": 1950 + n} for n in range(5)})
    assert encode_pending() == 5
    assert all(vector.any() for vector in vectors_of(ids).values())
