import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.filters import ItemFilters, Range
from catalog.models import Item
from catalog.types import ItemInput
from recs import hnsw, index
from recs.errors import NoLiveVersion
from recs.index import build_index, drop_index, has_index, item_vector, nearest_items
from recs.models import ContentEmbedding
from recs.versions import ensure_version
from tests.recs.conftest import make_items, unit_vectors, write_vectors

SIZE = 5000
CLUSTERS = 50


@pytest.fixture
def crowd(db):
    """5,000 items with clustered vectors: one in 100 is rare, one in 1,000 unique, the rest plain.

    Gives {key: vector}, and the index stands.
    """
    rng = np.random.default_rng(11)
    ids = make_items(
        [
            ItemInput(
                external_id=f"n{n}",
                title=f"Item {n}",
                category_paths=[
                    "plain",
                    *(["rare"] if n % 100 == 0 else []),
                    *(["unique"] if n % 1000 == 0 else []),
                ],
                year=1900 + n % 100,
            )
            for n in range(SIZE)
        ]
    )
    version = ensure_version()
    centres = rng.normal(size=(CLUSTERS, version.dimensions))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = {}
    for n in range(SIZE):
        vectors[ids[f"n{n}"]] = unit_vectors(rng, 1, centres[n % CLUSTERS], 0.8)[0]
    write_vectors(version, vectors)
    build_index(version=version)
    version.refresh_from_db()
    return vectors


def exact(vectors, query, k, allowed=None):
    """Keys of the k nearest, by multiplying all."""
    keys = [key for key in vectors if allowed is None or key in allowed]
    scores = np.stack([vectors[key] for key in keys]) @ query
    return [keys[place] for place in np.argsort(-scores)[:k]]


def query_near(vectors):
    rng = np.random.default_rng(5)
    vector = next(iter(vectors.values())) + 0.3 * rng.normal(size=384) / np.sqrt(384)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def test_the_index_answers_and_no_filter_answers_too_few(crowd, monkeypatch):
    query = query_near(crowd)
    with CaptureQueriesContext(connection) as captured:
        found = nearest_items(vector=query, k=10)
    sql = next(q["sql"] for q in captured if "<=>" in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index.index_name(ensure_version()) in plan
    assert len(set(exact(crowd, query, 10)) & {item_id for item_id, _ in found}) >= 9
    assert ensure_version().index_recall >= 0.9
    assert ensure_version().index_built_at is not None

    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert found[0][1] == pytest.approx(float(crowd[found[0][0]] @ query), abs=1e-3)

    # The same crowd, which takes seconds to make: filters of one in 100 and of one in 1,000.
    for category, size in (("rare", 50), ("unique", 5)):
        allowed = set(
            Item.objects.filter(categories__contains=[category]).values_list("pk", flat=True)
        )
        assert len(allowed) == size
        found = nearest_items(vector=query, k=20, filters=ItemFilters(category=(category,)))
        assert [item_id for item_id, _ in found] == exact(crowd, query, min(20, size), allowed)

    # Wide enough for the index.
    for filters in (ItemFilters(category=("plain",)), ItemFilters(year=Range(low=1910, high=1999))):
        found = nearest_items(vector=query, k=50, filters=filters)
        assert len(found) == 50
    years = Item.objects.filter(pk__in=[pk for pk, _ in found]).values_list("year", flat=True)
    assert min(years) >= 1910

    # Hidden items never come, and where the index gives up all are compared.
    best = [item_id for item_id, _ in nearest_items(vector=query, k=10)]
    Item.objects.filter(pk=best[0]).update(is_hidden=True)
    again = [item_id for item_id, _ in nearest_items(vector=query, k=10, exclude=best[1:3])]
    assert len(again) == 10
    assert not set(best[:3]) & set(again)

    kept = list(crowd)[-7:]
    Item.objects.exclude(pk__in=kept).update(is_hidden=True)
    monkeypatch.setattr(hnsw, "MAX_SCAN_TUPLES", 1)
    monkeypatch.setattr(hnsw, "LEAST_EF_SEARCH", 10)
    found = nearest_items(vector=query, k=7)
    assert [item_id for item_id, _ in found] == exact(crowd, query, 7, set(kept))


def test_more_is_asked_than_there_is(world):
    found = nearest_items(vector=item_vector(world["drama-0"]), k=1000)
    assert len(found) == len(world)


def test_without_an_index_the_answer_is_the_same(world):
    vector = item_vector(world["drama-0"])
    version = ensure_version()
    build_index(version=version)
    assert has_index(version)
    by_index = nearest_items(vector=vector, k=5)
    drop_index(version=version)
    assert not has_index(version)
    assert nearest_items(vector=vector, k=5) == by_index


def test_building_again_keeps_one_index(world):
    version = ensure_version()
    build_index(version=version)
    build_index(version=version)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_indexes WHERE tablename = %s AND indexdef LIKE %s",
            [ContentEmbedding._meta.db_table, f"%hnsw%version_id = {version.pk})"],
        )
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_the_index_is_built_beside_the_writers():
    ids = make_items([ItemInput(external_id="a", title="A"), ItemInput(external_id="b", title="B")])
    version = ensure_version()
    rng = np.random.default_rng(1)
    vectors = unit_vectors(rng, 2, rng.normal(size=384), 0.5)
    write_vectors(version, dict(zip(ids.values(), vectors, strict=True)))
    build_index(version=version)
    build_index(version=version)
    assert has_index(version)
    drop_index(version=version)


def test_nothing_is_live_before_the_first_encoding(db):
    with pytest.raises(NoLiveVersion, match="encode_items"):
        nearest_items(vector=np.ones(384), k=3)


def test_an_item_without_a_vector_has_none(world):
    ids = make_items([ItemInput(external_id="new", title="Not encoded yet")])
    assert item_vector(ids["new"]) is None
    assert item_vector(world["drama-0"]).shape == (384,)
