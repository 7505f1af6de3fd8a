"""Content vectors: each item's text encoded once, and again when it changes; queries too."""

import functools
import hashlib
import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from django.db.models import F, FilteredRelation, Q, QuerySet

from catalog.derive import content_text
from catalog.items import item_input
from catalog.locks import is_held, only_one
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs import versions
from recs.content import known_vectors, literal, write_vectors
from recs.errors import NoLiveVersion
from recs.index import build_index, has_index
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from recs.models import ContentVersion
from recs.versions import check_encoder, ensure_version, live_version

__all__ = (
    "NoLiveVersion",
    "encode_pending",
    "ensure_version",
    "is_encoding",
    "live_version",
    "pending_count",
    "query_vector",
    "warm_up",
)

log = logging.getLogger(__name__)

BATCH_SIZE = 256
LOCK_SPACE = 7_140_312
QUERY_CACHE_SIZE = 4096

Vector = npt.NDArray[np.float32]


def encode_pending(*, progress: Progress = NO_PROGRESS, limit: int | None = None) -> int:
    """Encode the items that have no vector of their present text; the number encoded.

    One process at a time: a second call returns 0 at once, and the first goes on until nothing is
    pending, what came in meanwhile included. Killed at any point, the next call continues.
    """
    version = ensure_version()
    encoded = 0
    while True:
        with only_one(LOCK_SPACE) as is_ours:
            if not is_ours:
                return encoded
            encoded += _encode_all(version, progress, limit=limit)
            _finish(version)
        # What came in between the last look and the release of the lock was told that we are at
        # it, so look once more.
        if (limit is not None and encoded >= limit) or not _pending(version).exists():
            return encoded


def pending_count() -> int:
    """Items that wait for a vector."""
    return int(_pending(ensure_version()).count())


def is_encoding() -> bool:
    """Whether some process is at it now; what is pending then needs nobody else."""
    return is_held(LOCK_SPACE)


def query_vector(text: str, *, version: ContentVersion | None = None) -> Vector:
    """The unit vector (D,) of a query, to be compared with the live version's items.

    A caller that has read the live version gives it, and saves reading it again.

    Raises:
        NoLiveVersion: before the first encoding has begun.
        UnusableVersion: where the live vectors are of another encoder.
    """
    check_encoder(version or live_version())
    return _query_vector(text)


def is_common_word(word: str) -> bool:
    """Whether a word in lower case is common in the language that the encoder has read."""
    return versions.query_encoder().knows(word)


def warm_up() -> None:
    """Load the encoder of items now, so that the first item does not wait for it (workers)."""
    _text_encoder().encode_documents(["warm up"])


@functools.lru_cache(maxsize=QUERY_CACHE_SIZE)
def _query_vector(text: str) -> Vector:
    vector: Vector = versions.query_encoder().encode([text])[0]
    vector.flags.writeable = False  # one array for everybody who asks
    return vector


@functools.cache
def _text_encoder() -> TextEncoder:
    return TextEncoder(packaged_model_dir())


def _pending(version: ContentVersion) -> QuerySet[Item]:
    """Items without a vector, or with one of another text."""
    return (
        Item.objects.alias(
            embedding=FilteredRelation(
                "content_embeddings", condition=Q(content_embeddings__version=version.pk)
            )
        )
        .filter(Q(embedding__isnull=True) | ~Q(embedding__input_hash=F("content_hash")))
        .order_by("pk")
    )


def _encode_all(version: ContentVersion, progress: Progress, *, limit: int | None) -> int:
    waiting = _pending(version).count()
    progress.set_total(waiting if limit is None else min(limit, waiting))
    encoded = 0
    while limit is None or encoded < limit:
        size = BATCH_SIZE if limit is None else min(BATCH_SIZE, limit - encoded)
        batch = list(_pending(version).defer("search_vector", "keywords")[:size])
        if not batch:
            break
        _encode_batch(version, batch)
        encoded += len(batch)
        progress.advance(len(batch), message="encoding")
    return encoded


def _encode_batch(version: ContentVersion, items: Sequence[Item]) -> None:
    """Write the vectors of these items as they were read."""
    texts = {item.pk: content_text(item_input(item)) for item in items}
    hashes = {pk: hashlib.sha256(text.encode()).hexdigest() for pk, text in texts.items()}
    _repair_hashes(items, hashes)
    known = known_vectors(version, set(hashes.values()))
    missing = {hashes[pk]: text for pk, text in texts.items() if hashes[pk] not in known}
    if missing:
        vectors = _text_encoder().encode_documents(list(missing.values()))
        known |= {key: literal(vector) for key, vector in zip(missing, vectors, strict=True)}
    write_vectors(version, {pk: (key, known[key]) for pk, key in hashes.items()})


def _repair_hashes(items: Sequence[Item], hashes: dict[int, str]) -> None:
    """Correct hashes that are not of the row's text (a new template, a row written by hand).

    Without this such an item would be encoded again and again. Nothing happens to a row that
    changed since it was read: its new hash stands and is pending.
    """
    for item in items:
        if item.content_hash != hashes[item.pk]:
            Item.objects.filter(pk=item.pk, content_hash=item.content_hash).update(
                content_hash=hashes[item.pk]
            )


def _finish(version: ContentVersion) -> None:
    """When all is encoded: the index, and with it the change to a new version.

    A new version's index is built once, here: inserting 17,000 vectors into it one by one takes
    several times as long, and until then the exact search answers. Later rows go into it.
    """
    if _pending(version).exists():
        return
    if not has_index(version):
        build_index(version=version)
    if not version.is_live:
        versions.promote(version=version)
