import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.types import ItemInput
from recs import hnsw, registry
from recs.content import all_item_ids, live_versions
from recs.features import interaction_log
from recs.item_contents import LEAST_ITEMS, read_content
from recs.item_vectors import levelled, write_item_vectors
from recs.models import ItemVector, ModelVersion
from recs.user_models import KIND, load_model
from recs.vector_index import SPACE, best_items, build_index, drop_index, has_index, scores_of
from tests.recs.conftest import make_items
from tests.recs.served import NOW, drawn_version, live_version

SIZE, D = 2500, 24


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path


@pytest.fixture
def crowd(db):
    """2,500 items with vectors of very different lengths, as a network gives them."""
    ids = make_items(
        [
            ItemInput(
                external_id=f"n{n}", title=f"Item {n}", category_paths=["rare"] * (n % 100 == 0)
            )
            for n in range(SIZE)
        ]
    )
    rng = np.random.default_rng(3)
    version = registry.create_version(kind=KIND, as_of=NOW, config={})
    ModelVersion.objects.filter(pk=version.pk).update(dimensions=D)
    version.refresh_from_db()
    centres = rng.normal(size=(40, D))
    table = centres[np.arange(SIZE) % 40] + 0.6 * rng.normal(size=(SIZE, D))
    table = (table * rng.lognormal(0, 0.4, (SIZE, 1))).astype(np.float32)
    keys = list(ids.values())
    stored = levelled(table, float(np.linalg.norm(table, axis=1).max()))
    ItemVector.objects.bulk_create(
        [
            ItemVector(item_id=key, version=version, input_hash="", vector=vector)
            for key, vector in zip(keys, stored.tolist(), strict=True)
        ]
    )
    users = (centres[:30] + 0.5 * rng.normal(size=(30, D))).astype(np.float32)
    build_index(version=version, users=users)
    version.refresh_from_db()
    return version, np.array(keys), table, users


def test_levelled_vectors_are_of_one_length_and_their_products_as_before():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 4)).astype(np.float32)
    longest = float(np.linalg.norm(vectors, axis=1).max())
    stored = levelled(vectors, longest)
    np.testing.assert_allclose(np.linalg.norm(stored, axis=1), longest, rtol=1e-5)
    asked = np.append(vectors[0], np.float32(0.0))
    np.testing.assert_allclose(stored @ asked, vectors @ vectors[0], rtol=1e-5)
    # One that came later and is longer.
    assert levelled(10 * vectors[:1], longest)[0, -1] == 0.0


def by_hand(keys, table, user, k, allowed=None):
    scores = table @ user
    if allowed is not None:
        scores = np.where(np.isin(keys, list(allowed)), scores, -np.inf)
    best = np.argsort(-scores)[:k]
    return keys[best].tolist(), scores[best]


def test_the_index_finds_the_highest_products_and_its_recall_is_on_the_row(crowd, monkeypatch):
    version, keys, table, users = crowd
    assert version.index_recall >= 0.99
    assert version.index_built_at is not None
    shares, firsts = [], []
    for user in users:
        found = best_items(version, user, k=20)
        expected, scores = by_hand(keys, table, user, 20)
        shares.append(len({key for key, _ in found} & set(expected)) / 20)
        assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
        product = dict(zip(keys.tolist(), (table @ user).tolist(), strict=True))
        for key, score in found:
            assert score == pytest.approx(product[key], rel=1e-4, abs=1e-4)
        firsts.append(found[0][1] == pytest.approx(float(scores[0]), rel=1e-4))
    assert np.mean(shares) >= 0.95
    assert np.mean(firsts) >= 0.9

    with CaptureQueriesContext(connection) as captured:
        best_items(version, users[0], k=20)
    sql = next(q["sql"] for q in captured if "<#>" in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert SPACE.index_name(version) in plan

    # The same crowd, which takes seconds to make: a filter of one in 100, and exclusions.
    rare = set(Item.objects.filter(categories__contains=["rare"]).values_list("pk", flat=True))
    found = best_items(version, users[1], k=20, filters=ItemFilters(category=("rare",)))
    assert [key for key, _ in found] == by_hand(keys, table, users[1], 20, rare)[0]
    first = [key for key, _ in best_items(version, users[2], k=10)]
    again = best_items(version, users[2], k=10, exclude=first[:5])
    assert len(again) == 10
    assert not {key for key, _ in again} & set(first[:5])

    # Where the index gives up everything is compared.
    kept = keys[-7:].tolist()
    Item.objects.exclude(pk__in=kept).update(is_hidden=True)
    monkeypatch.setattr(hnsw, "MAX_SCAN_TUPLES", 1)
    monkeypatch.setattr(hnsw, "LEAST_EF_SEARCH", 10)
    found = best_items(version, users[0], k=7)
    assert [key for key, _ in found] == by_hand(keys, table, users[0], 7, set(kept))[0]


def test_an_index_is_built_beside_the_live_one_and_each_version_has_its_own(world):
    live = live_version(name="first")
    other = drawn_version(name="second", seed=4)
    assert has_index(live)
    assert has_index(other)
    assert SPACE.index_name(live) != SPACE.index_name(other)
    assert registry.live(KIND) == live
    user = np.ones(load_model(live).dimensions, np.float32)
    before = best_items(live, user, k=5)
    drop_index(version=other)
    assert has_index(live)
    assert not has_index(other)
    assert best_items(live, user, k=5) == before
    assert {key for key, _ in best_items(other, user, k=5)}  # exact, without its index


def test_scores_are_given_for_named_items_that_may_be_shown(world):
    live = live_version()
    model = load_model(live)
    user = np.linspace(-1, 1, model.dimensions).astype(np.float32)
    keys = [world["drama-1"], world["western-2"], world["comedy-3"]]
    Item.objects.filter(pk=keys[2]).update(is_hidden=True)
    found = dict(scores_of(live, user, keys))
    assert set(found) == set(keys[:2])
    rows = model.vocabulary.rows(map(str, keys[:2]))
    expected = model.vectors(rows) @ user
    np.testing.assert_allclose([found[key] for key in keys[:2]], expected, atol=1e-4)
    dramas = scores_of(live, user, keys, filters=ItemFilters(category=("Drama",)))
    assert [key for key, _ in dramas] == keys[:1]
    assert scores_of(live, user, []) == []
    assert best_items(live, user, k=0) == []


def test_a_version_of_a_catalog_without_events_or_vectors_has_an_index_without_recall(db):
    version = registry.create_version(kind=KIND, as_of=NOW, config={})
    ModelVersion.objects.filter(pk=version.pk).update(dimensions=4)
    version.refresh_from_db()
    build_index(version=version)
    version.refresh_from_db()
    assert version.index_recall is None
    assert best_items(version, np.ones(4, np.float32), k=3) == []


def test_content_of_items_holds_vectors_and_the_attributes_that_several_share(world):
    keys = all_item_ids()
    named = read_content(keys, versions=live_versions())
    assert named.content.item_count == len(keys)
    assert named.content.vectors["text"].shape == (len(keys) + 1, 384)
    assert not named.content.vectors["text"][0].any()
    assert {"category:Drama", "decade:1990s"} <= set(named.attributes)
    values = named.content.attributes
    having = np.bincount(values.values, minlength=values.size)
    assert having.min() >= LEAST_ITEMS
    assert having.tolist() == sorted(having, reverse=True)
    row = keys.index(world["drama-0"]) + 1
    own = values.values[values.offsets[row] : values.offsets[row + 1]]
    assert "category:Drama" in {named.attributes[number] for number in own}

    # Given names keep their numbers, unknown ones are passed over, and so is an item that is gone.
    again = read_content([world["drama-0"], 10**9], versions={}, attributes=named.attributes)
    own_again = again.content.attributes.values
    assert own_again.tolist() == own.tolist()


def test_a_vector_is_written_for_every_item_in_few_queries(world, django_assert_max_num_queries):
    version = drawn_version(is_ready=False)
    load_model(version)
    with django_assert_max_num_queries(10):
        assert write_item_vectors(version) == len(world)
    assert write_item_vectors(version) == 0
    stored = ItemVector.objects.get(version=version, item_id=world["drama-2"]).vector
    model = load_model(version)
    row = model.vocabulary.rows([str(world["drama-2"])])
    np.testing.assert_allclose(np.asarray(stored)[:-1], model.vectors(row)[0], atol=1e-5)
    assert len(interaction_log(as_of=NOW).histories) == 15
