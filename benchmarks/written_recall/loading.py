"""Fills the database of a home with a shelf, as an installation of it would be."""

import hashlib

from django.core.management import call_command

from benchmarks.written_recall.cases import Shelf
from catalog.derive import content_text
from catalog.importers import bulk
from catalog.importers.settle import settle_events, settle_items
from catalog.items import item_input
from catalog.models import Item
from catalog.profiles import save_profile
from recs.content import literal, write_vectors
from recs.embeddings import encode_pending, ensure_version, pending_count
from recs.index import build_index
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from recs.models import ContentEmbedding
from recs.neighbours import build_neighbours
from recs.versions import live_version
from search.spelling import build_terms

_BATCH = 512


def load(shelf: Shelf, *, vectors: bool = True, words_read: int = 0) -> None:
    """Items in an order by lot, their vectors, what people wanted; nothing where it is done.

    What is equal to a search comes in the order of keys, which must tell nothing.

    Args:
        shelf: what is loaded into a database that is empty or held it before.
        vectors: whether anything is found by meaning.
        words_read: of each item's text so many first words are encoded; 0 as the product does.
    """
    call_command("migrate", verbosity=0)
    if not Item.objects.exists():
        save_profile(**shelf.profile)
        mixed = sorted(shelf.items, key=lambda item: _lot(item.external_id))
        for batch in bulk.batches(mixed, bulk.ITEM_BATCH):
            bulk.copy_items(items=batch)
        for batch in bulk.batches(shelf.events, bulk.EVENT_BATCH):
            bulk.copy_events(events=batch)
        settle_items()
        settle_events()
        build_neighbours()
        build_terms()
    if vectors and pending_count():
        if words_read:
            _encode_beginnings(words_read)
        encode_pending()
        build_index(version=live_version())


def _encode_beginnings(words: int) -> None:
    """Vectors of the first words of each text, kept as those of all of it: it takes less time."""
    version, encoder = ensure_version(), TextEncoder(packaged_model_dir())
    has_one = ContentEmbedding.objects.filter(version=version).values("item_id")
    waiting = Item.objects.exclude(pk__in=has_one).order_by("pk")
    for items in bulk.batches(waiting, _BATCH):
        texts = {item.pk: content_text(item_input(item)) for item in items}
        cut = [" ".join(text.split()[:words]) for text in texts.values()]
        found = zip(texts.items(), encoder.encode_documents(cut), strict=True)
        write_vectors(
            version,
            {
                key: (hashlib.sha256(text.encode()).hexdigest(), literal(vector))
                for (key, text), vector in found
            },
        )


def _lot(name: str) -> bytes:
    return hashlib.blake2b(f"loaded {name}".encode(), digest_size=8).digest()
