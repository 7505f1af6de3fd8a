"""Vectors of photographs: of files below one configured folder, and of nothing else."""

import functools
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone

from catalog import scope
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs.content import ensure_modality, known_vectors, literal, write_vectors
from recs.ml.image_encoder import (
    DIMENSIONS,
    ENCODER_NAME,
    MAX_IMAGE_BYTES,
    PREPARATION,
    ImageEncoder,
    UnreadableImage,
    encoder_revision,
    input_hash,
    prepare,
)
from recs.models import ContentEmbedding, ContentVersion

log = logging.getLogger(__name__)

# Addresses of the site's own photographs: "/media/a/b.jpg" is the file a/b.jpg of the folder.
PREFIX = "/media/"
BATCH_SIZE = 64
UNREADABLE = literal([0.0] * DIMENSIONS)
# Stands for the hash of a file that is not there; it may come later than its item.
MISSING = "missing"
RETRY_MISSING = timedelta(minutes=10)


@dataclass(slots=True)
class Encoded:
    """What became of the photographs of a run."""

    encoded: int = 0
    unreadable: int = 0


def image_dir() -> str:
    """The folder of this catalog's own photographs; "" where none is configured."""
    name = scope.current()
    found = settings.RECS_IMAGE_DIR if name == scope.MAIN else settings.RECS_IMAGE_DIRS.get(name)
    return str(found or "")


def image_file(address: str) -> Path | None:
    """The file that an item's image_url names, None where it names none of the site's own.

    Only files that lie in image_dir() count: no other host is asked, and neither ".." nor a
    link leads out of the folder.
    """
    if not image_dir() or not address.startswith(PREFIX):
        return None
    name = unquote(urlsplit(address).path).removeprefix(PREFIX)
    root = Path(image_dir()).resolve()
    try:
        found = (root / name.lstrip("/")).resolve()
        is_there = found.is_relative_to(root) and found.is_file()
    except (OSError, ValueError):  # too long a name, or a zero byte in it
        return None
    return found if is_there else None


def pending_count() -> int:
    """Items whose photograph waits for a vector; 0 where no folder is configured."""
    return _pending(_version()).count() if image_dir() else 0


def encode_pending(*, progress: Progress = NO_PROGRESS) -> Encoded:
    """Encode the photographs that have no vector yet, or whose item changed since.

    A picture is encoded once, however many items show it. A broken one is remembered as such and
    not tried again until its item changes. Safe to stop and to run again, and twice at a time.
    """
    done = Encoded()
    if not image_dir():
        return done
    version = _version()
    _forget_removed(version)
    encoder = functools.cache(ImageEncoder)
    last = 0
    while batch := list(
        _pending(version).filter(pk__gt=last).only("pk", "image_url", "updated_at")[:BATCH_SIZE]
    ):
        last = batch[-1].pk
        contents = {item.pk: _content(item) for item in batch}
        keys = {pk: input_hash(content) if content else MISSING for pk, content in contents.items()}
        vectors = known_vectors(version, set(keys.values()) - {MISSING})
        new = {keys[pk]: content for pk, content in contents.items() if keys[pk] not in vectors}
        vectors |= {key: UNREADABLE for key, content in new.items() if not _is_readable(content)}
        readable = {key: content for key, content in new.items() if key not in vectors}
        if readable:
            made = encoder().encode(list(readable.values()))
            vectors |= {key: literal(row) for key, row in zip(readable, made, strict=True)}
        # What was changed meanwhile is still pending.
        read = {item.pk: item.updated_at for item in batch}
        now = dict(Item.objects.filter(pk__in=read).values_list("pk", "updated_at"))
        keys = {pk: key for pk, key in keys.items() if now.get(pk) == read[pk]}
        write_vectors(version, {pk: (key, vectors[key]) for pk, key in keys.items()})
        unreadable = sum(vectors[key] == UNREADABLE for key in keys.values())
        done.unreadable += unreadable
        done.encoded += len(keys) - unreadable
        progress.advance(len(batch), message="reading photographs")
    return done


def _version() -> ContentVersion:
    return ensure_modality(
        modality=ContentVersion.IMAGE,
        encoder=ENCODER_NAME,
        revision=encoder_revision(),
        template=PREPARATION,
        dimensions=DIMENSIONS,
    )


def _pending(version: ContentVersion) -> QuerySet[Item]:
    """Items with a photograph of ours and no vector of it, or changed since it was made."""
    waited = timezone.now() - RETRY_MISSING
    pending: QuerySet[Item] = (
        Item.objects.filter(image_url__startswith=PREFIX)
        .alias(
            embedding=FilteredRelation(
                "content_embeddings", condition=Q(content_embeddings__version=version.pk)
            )
        )
        .filter(
            Q(embedding__isnull=True)
            | Q(embedding__created_at__lt=F("updated_at"))
            | Q(embedding__input_hash=MISSING, embedding__created_at__lt=waited)
        )
        .order_by("pk")
    )
    return pending


def _forget_removed(version: ContentVersion) -> None:
    """Delete vectors of items that no longer have a photograph of ours."""
    theirs = ContentEmbedding.objects.filter(version=version)
    theirs.exclude(item__image_url__startswith=PREFIX).delete()


def _content(item: Item) -> bytes:
    """The item's photograph as it lies there; empty where it does not."""
    path = image_file(item.image_url)
    if path is None:
        log.warning("item %s: no file for %s", item.pk, item.image_url[:200])
        return b""
    with path.open("rb") as file:
        # One byte more than is read: prepare() then refuses it.
        return file.read(MAX_IMAGE_BYTES + 1)


def _is_readable(content: bytes) -> bool:
    if not content:
        return False
    try:
        prepare(content)
    except UnreadableImage as error:
        log.warning("a photograph is left out: %s", error)
        return False
    return True
