import os
import subprocess
import sys

import numpy as np
import psycopg
import pytest
from django.db import connection

from catalog.items import patch_item, upsert_items
from catalog.models import Item, Job
from catalog.progress import Progress
from catalog.types import ItemInput
from recs import embeddings, pipeline
from recs.embeddings import encode_pending, pending_count, query_vector
from recs.errors import NoLiveVersion, UnusableVersion
from recs.index import has_index, item_vector, nearest_items
from recs.models import ContentEmbedding, ContentVersion
from recs.versions import ensure_version, live_version
from tests.recs.conftest import make_items

FILMS = [
    ItemInput(external_id="space", title="Voyage Among the Stars", category_paths=["Adventure"]),
    ItemInput(external_id="pasta", title="Cooking Pasta in Naples", category_paths=["Food"]),
    ItemInput(external_id="west", title="The Last Sheriff", category_paths=["Western"]),
]


class Counting(Progress):
    def __init__(self):
        self.total, self.done = 0, 0

    def set_total(self, total):
        self.total = total

    def advance(self, n=1, message=""):
        self.done += n


class Watched:
    """The real encoder, with something that happens while it is at work."""

    def __init__(self, encoder, meanwhile=lambda: None):
        self.encoder, self.meanwhile, self.texts = encoder, meanwhile, []

    def encode_documents(self, texts):
        self.texts += texts
        vectors = self.encoder.encode_documents(texts)
        self.meanwhile()
        return vectors


@pytest.fixture
def watched(monkeypatch):
    encoder = Watched(embeddings._text_encoder())
    monkeypatch.setattr(embeddings, "_text_encoder", lambda: encoder)
    return encoder


def test_new_items_are_encoded_once_and_found_by_meaning(db):
    ids = make_items(FILMS)
    progress = Counting()
    assert encode_pending(progress=progress) == 3
    assert (progress.total, progress.done) == (3, 3)
    assert encode_pending() == 0
    assert pending_count() == 0
    assert has_index(live_version())
    best, _ = nearest_items(vector=query_vector("space adventure"), k=1)[0]
    assert best == ids["space"]


def test_a_vector_equals_the_query_encoders_of_the_same_text(db):
    ids = make_items([ItemInput(external_id="plain", title="A plain title")])
    encode_pending()
    cosine = float(item_vector(ids["plain"]) @ query_vector("A plain title"))
    assert cosine == pytest.approx(1, abs=1e-3)


def test_a_changed_item_is_encoded_again_and_an_untouched_one_is_not(db, watched):
    make_items(FILMS)
    encode_pending()
    watched.texts.clear()
    patch_item(external_id="pasta", changes={"title": "Cooking Rice in Milan"})
    assert encode_pending() == 1
    assert [text.split(".")[0] for text in watched.texts] == ["Cooking Rice in Milan"]


def test_an_item_that_changes_while_it_is_encoded_is_stale_again(db, watched):
    ids = make_items(FILMS[:1])

    def change():
        watched.meanwhile = lambda: None
        patch_item(external_id="space", changes={"title": "Voyage to the Sea"})

    watched.meanwhile = change
    assert encode_pending() == 2
    best = query_vector("Voyage to the Sea. Adventure")
    assert float(item_vector(ids["space"]) @ best) > 0.99


def test_an_item_deleted_while_it_is_encoded_leaves_the_others(db, watched):
    ids = make_items(FILMS)
    watched.meanwhile = lambda: Item.objects.filter(pk=ids["west"]).delete()
    encode_pending()
    assert set(ContentEmbedding.objects.values_list("item_id", flat=True)) == {
        ids["space"],
        ids["pasta"],
    }


def test_the_same_text_is_never_encoded_twice(db, watched):
    make_items(FILMS[:1])
    encode_pending()
    watched.texts.clear()
    twin = ItemInput(external_id="twin", title=FILMS[0].title, category_paths=["Adventure"])
    ids = make_items([twin])
    assert encode_pending() == 1
    assert watched.texts == []
    assert item_vector(ids["twin"]) is not None


def test_hidden_items_are_encoded_too_so_that_they_can_come_back_at_once(db):
    make_items([ItemInput(external_id="hidden", title="Hidden", is_hidden=True)])
    assert encode_pending() == 1


def test_a_row_whose_hash_is_not_of_its_text_is_repaired_and_not_encoded_for_ever(db):
    item = Item.objects.create(external_id="by-hand", title="Written by hand", content_hash="")
    assert encode_pending() == 1
    assert pending_count() == 0
    item.refresh_from_db()
    assert len(item.content_hash) == 64


def test_a_limit_stops_and_the_next_call_goes_on(db, monkeypatch):
    monkeypatch.setattr(embeddings, "BATCH_SIZE", 2)
    make_items(FILMS)
    assert encode_pending(limit=2) == 2
    assert pending_count() == 1
    assert encode_pending() == 1


def test_a_killed_run_keeps_its_finished_batches(db, watched, monkeypatch):
    monkeypatch.setattr(embeddings, "BATCH_SIZE", 2)
    make_items(FILMS)

    def die():
        if len(watched.texts) > 2:
            raise KeyboardInterrupt

    watched.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        encode_pending()
    assert pending_count() == 1
    watched.meanwhile = lambda: None
    assert encode_pending() == 1


def test_while_another_process_encodes_nothing_is_done(db):
    make_items(FILMS)
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s, hashtext('public '))", [embeddings.LOCK_SPACE])
        assert encode_pending() == 0
        assert embeddings.is_encoding()
        assert pipeline.encode_items() == 0
        assert not Job.objects.exists()
        # Not left to the end of the connection, which the server notices when it comes to it.
        other.execute("SELECT pg_advisory_unlock(%s, hashtext('public '))", [embeddings.LOCK_SPACE])
        assert not embeddings.is_encoding()
    assert encode_pending() == 3


def test_a_new_encoder_goes_live_when_all_its_vectors_stand(db, monkeypatch):
    make_items(FILMS)
    old = ContentVersion.objects.create(
        encoder="older", revision="1", template="title", dimensions=8, is_live=True
    )
    monkeypatch.setattr(embeddings, "BATCH_SIZE", 2)
    encode_pending(limit=2)
    assert live_version() == old
    encode_pending()
    assert live_version() == ensure_version()
    assert ContentVersion.objects.live().count() == 1


def test_a_query_is_not_compared_with_vectors_of_another_encoder(db):
    ContentVersion.objects.create(
        encoder="older", revision="1", template="title", dimensions=8, is_live=True
    )
    with pytest.raises(UnusableVersion, match="encode_items"):
        query_vector("space")


def test_without_any_version_a_query_says_what_to_do(db):
    with pytest.raises(NoLiveVersion, match="encode_items"):
        query_vector("space")


def test_a_query_vector_is_cached_and_cannot_be_changed(db):
    ensure_version()
    first = query_vector("space adventure")
    assert query_vector("space adventure") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_answers_never_loads_torch():
    upsert_items(items=FILMS)
    encode_pending()
    settings = connection.settings_dict
    address = f"{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    url = f"postgres://{settings['USER']}:{settings['PASSWORD']}@{address}"
    code = (
        "import django, sys; django.setup()\n"
        "from recs.embeddings import query_vector\n"
        "from recs.index import nearest_items\n"
        "from recs.recommend import RecommendRequest, recommend\n"
        "found = nearest_items(vector=query_vector('space adventure'), k=2)\n"
        "assert len(found) == 2, found\n"
        "recommend(RecommendRequest(surface='item', item_id=found[0][0]))\n"
        "heavy = {'torch', 'sentence_transformers', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
