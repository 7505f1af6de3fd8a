"""Which version of the content vectors is live, and the encoder that belongs to it."""

import contextlib
import functools
import time

from django.db import IntegrityError, connection, transaction

from catalog.derive import TEXT_TEMPLATE
from catalog.enqueue import enqueue_once
from catalog.scope import PerCatalog
from recs.errors import NoLiveVersion, UnusableVersion
from recs.ml.query_encoder import QueryEncoder
from recs.ml.text_encoder import ENCODER_NAME, encoder_revision, packaged_model_dir
from recs.models import ContentVersion

# Every search and every list of recommendations needs the live version, which changes once in
# months: a process may be that late to see it.
LIVE_SECONDS = 1.0
_live: PerCatalog[tuple[float, ContentVersion] | None] = PerCatalog(lambda: None)


def live_version() -> ContentVersion:
    """The version whose vectors answer requests, as of at most a second ago.

    Raises:
        NoLiveVersion: before the first encoding has begun.
    """
    # Inside a transaction what is read may never be true for anybody else.
    if connection.in_atomic_block:
        return _read_live_version()
    known, now = _live.value, time.monotonic()
    if known is None or now - known[0] > LIVE_SECONDS:
        known = _live.value = (now, _read_live_version())
    return known[1]


def forget_live_version() -> None:
    """Read it anew at the next call."""
    _live.forget_all()


def _read_live_version() -> ContentVersion:
    version: ContentVersion | None = ContentVersion.objects.live().first()
    if version is None:
        raise NoLiveVersion("No content vectors yet: run `manage.py encode_items`.")
    return version


def ensure_version() -> ContentVersion:
    """The version of the installed encoder and today's text template; live where none is."""
    version, _ = ContentVersion.objects.get_or_create(
        encoder=ENCODER_NAME,
        revision=encoder_revision(packaged_model_dir()),
        template=TEXT_TEMPLATE,
        defaults={"dimensions": query_encoder().dimensions},
    )
    if not version.is_live and not ContentVersion.objects.live().exists():
        # A second process may do the same at the same moment: one of the two rows is live then.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            ContentVersion.objects.filter(pk=version.pk).update(is_live=True)
        version.refresh_from_db()
        forget_live_version()
    return version


def promote(*, version: ContentVersion) -> None:
    """Make this version the live one of its modality, in one step."""
    with transaction.atomic():
        live = ContentVersion.objects.live(version.modality)
        live.exclude(pk=version.pk).update(is_live=False)
        ContentVersion.objects.filter(pk=version.pk).update(is_live=True)
        enqueue_once("search.check_queries")
    version.is_live = True
    forget_live_version()


@functools.cache
def query_encoder() -> QueryEncoder:
    """The installed encoder in plain NumPy, loaded at the first call in a process."""
    return QueryEncoder(packaged_model_dir())


def check_encoder(version: ContentVersion) -> None:
    """Refuse to compare queries of the installed encoder with vectors of another.

    Raises:
        UnusableVersion: where the installed encoder is not the version's.
    """
    if version.revision != encoder_revision(packaged_model_dir()):
        raise UnusableVersion(
            f"The live vectors are of {version}, which is not the encoder installed here: run "
            "`manage.py encode_items` to make vectors with the one that is."
        )
