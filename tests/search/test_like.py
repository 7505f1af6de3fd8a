"""Queries such as "films like Rear Window"."""

import numpy as np
import pytest

from catalog.items import set_hidden
from recs.models import ContentEmbedding, ContentVersion
from search.like import parse_like
from search.models import Query
from search.retrieval import SearchRequest, retrieve

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "query",
    ["films like Rear Window", "like rear window", "similar to Rear Window",
     "movies similar to rear window", "Something like REAR WINDOW"],
)  # fmt: skip
def test_the_item_that_is_named_is_understood(built, query):
    assert parse_like(query) == built["Rear Window"].pk


@pytest.mark.parametrize(
    "query", ["rear window", "films like", "films like nothing known", "I like rear window", ""]
)
def test_other_queries_name_none(built, query):
    assert parse_like(query) is None


def test_a_title_that_begins_that_way_is_itself(built):
    assert parse_like("like water for chocolate") is None
    assert parse_like("films like like water for chocolate") == built["Like Water for Chocolate"].pk


def test_it_needs_no_build_and_reads_accents_and_wildcards(films):
    assert parse_like("films like Fantômas") == films["Fantômas"].pk
    assert parse_like("films like 100% wolf") == films["100% Wolf"].pk
    assert parse_like("films like %") is None


def test_a_hidden_item_is_not_named(built):
    set_hidden(external_ids=[built["Rear Window"].external_id], hidden=True)
    assert parse_like("films like Rear Window") is None


def test_every_query_of_the_rule_names_the_item_it_was_made_from(built):
    for query in Query.objects.filter(provenance__rule="like"):
        assert parse_like(query.text) == query.provenance["item"]


def test_the_search_answers_with_the_neighbours_and_not_the_item(built):
    version = ContentVersion.objects.create(
        encoder="test", revision="1", template="t", dimensions=384, is_live=True
    )
    rng = np.random.default_rng(1)
    vectors = {title: rng.normal(size=384) for title in built}
    vectors["Vertigo"] = vectors["Rear Window"] + 0.1 * rng.normal(size=384)
    ContentEmbedding.objects.bulk_create(
        ContentEmbedding(
            item=item, version=version, input_hash=item.content_hash,
            vector=vectors[title] / np.linalg.norm(vectors[title]),
        )
        for title, item in built.items()
    )  # fmt: skip
    found = retrieve(SearchRequest(query="films like Rear Window"))
    assert found.hits[0].item.title == "Vertigo"
    assert found.hits[0].source == "dense"
    assert found.total == len(built) - 1
    assert "Rear Window" not in {hit.item.title for hit in found.hits}
    assert not found.exact_title
