"""Fills the database of a home with a shelf, as an installation of it would be."""

import hashlib

from django.core.management import call_command

from benchmarks.written_recall.cases import Shelf
from catalog.importers import bulk
from catalog.importers.settle import settle_events, settle_items
from catalog.models import Item
from catalog.profiles import save_profile
from recs.embeddings import encode_pending, pending_count
from recs.index import build_index
from recs.neighbours import build_neighbours
from recs.versions import live_version
from search.spelling import build_terms


def load(shelf: Shelf) -> None:
    """Items in an order by lot, their vectors, what people wanted; nothing where it is done.

    What is equal to a search comes in the order of keys, which must tell nothing.
    """
    call_command("migrate", verbosity=0)
    if Item.objects.count() == len(shelf.items) and not pending_count():
        return
    if not Item.objects.exists():
        save_profile(**shelf.profile)
        mixed = sorted(shelf.items, key=lambda item: _lot(item.external_id))
        for batch in bulk.batches(mixed, bulk.ITEM_BATCH):
            bulk.copy_items(items=batch)
        for batch in bulk.batches(shelf.events, bulk.EVENT_BATCH):
            bulk.copy_events(events=batch)
        settle_items()
        settle_events()
    encode_pending()
    build_index(version=live_version())
    build_neighbours()
    build_terms()


def _lot(name: str) -> bytes:
    return hashlib.blake2b(f"loaded {name}".encode(), digest_size=8).digest()
