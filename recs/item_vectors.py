"""Vectors of items in a version of a model: written when it is made, and as items come."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from catalog.progress import NO_PROGRESS, Progress
from recs import registry
from recs.content import literal
from recs.errors import UnusableVersion
from recs.models import ItemVector, ModelVersion
from recs.placing import placing_of

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]

# What has vectors of items.
KINDS = (ModelVersion.Kind.USER_MODEL, ModelVersion.Kind.UNIFIED)
BATCH_SIZE = 2_000
# Items whose content, in any modality that the version reads, is not what their vector is of.
_PENDING = """
    SELECT item.id, input.input_hash
    FROM catalog_item AS item
    JOIN LATERAL (
        SELECT coalesce(
            md5(string_agg(version_id || ':' || input_hash, ',' ORDER BY version_id)), ''
        ) AS input_hash
        FROM recs_contentembedding
        WHERE version_id = ANY(%(contents)s) AND item_id = item.id
    ) AS input ON true
    LEFT JOIN recs_itemvector AS vector
        ON vector.version_id = %(version)s AND vector.item_id = item.id
    WHERE item.id > %(after)s AND vector.input_hash IS DISTINCT FROM input.input_hash
    ORDER BY item.id
    LIMIT %(limit)s
"""
_WRITE = """
    WITH present AS (SELECT id FROM catalog_item WHERE id = ANY(%s) FOR KEY SHARE)
    INSERT INTO recs_itemvector (item_id, version_id, input_hash, vector, created_at)
    SELECT item_id, %s, input_hash, vector::vector, now()
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS given(item_id, input_hash, vector)
    JOIN present ON present.id = item_id
    ON CONFLICT (version_id, item_id) DO UPDATE SET input_hash = EXCLUDED.input_hash,
        vector = EXCLUDED.vector, created_at = EXCLUDED.created_at
"""


def write_pending(*, progress: Progress = NO_PROGRESS) -> int:
    """Vectors for what is new or changed, in the versions that serve or would; how many.

    A version that cannot be used is passed over: requests do without it and say so.
    """
    written = 0
    for version in serving_versions():
        try:
            written += write_item_vectors(version, progress=progress)
        except UnusableVersion as error:
            log.warning("no vectors were written: %s", error)
    return written


def serving_versions() -> list[ModelVersion]:
    """Of each kind the live version, and the one that a roll back would make live."""
    found = [read(kind) for kind in KINDS for read in (registry.live, registry.previous)]
    return [version for version in found if version is not None]


def write_item_vectors(version: ModelVersion, *, progress: Progress = NO_PROGRESS) -> int:
    """Give every item its vector in this version, unless it has it; how many were written.

    Items of the vocabulary have their own embedding in it, later ones their content and codes
    alone. An item that the version knows nothing of waits until its content is encoded. Safe to
    repeat, and to run twice at a time.

    Raises:
        UnusableVersion: where the version cannot be loaded.
    """
    placing = placing_of(version)
    contents = [content.pk for content in placing.contents.values()]
    longest = placing.longest
    written = last = 0
    while pending := _pending(version, contents, after=last):
        last = pending[-1][0]
        known = placing.rows([item_id for item_id, _ in pending])
        kept = [place for place in range(len(pending)) if pending[place][1] or known[place]]
        progress.advance(len(pending) - len(kept))
        if kept:
            item_ids = [pending[place][0] for place in kept]
            stored = levelled(placing.vectors(item_ids, known[kept]), longest)
            written += _write(version, item_ids, [pending[place][1] for place in kept], stored)
            progress.advance(len(kept), message="placing items")
    return written


def vectors_of(version: ModelVersion, item_ids: Sequence[int]) -> dict[int, Floats]:
    """Vectors of those of the items that have one."""
    rows = ItemVector.objects.filter(version_id=version.pk, item_id__in=list(item_ids))
    return {
        item_id: np.asarray(vector, dtype=np.float32)[:-1]
        for item_id, vector in rows.values_list("item_id", "vector")
    }


def levelled(vectors: Floats, longest: float) -> Floats:
    """(n, D + 1) float32: one number more, so that all are of the length `longest`.

    A product with a vector that has zero there is as before. But among vectors of one length what
    has a high product is also near, and only then does a graph of neighbours lead to it. One that
    is longer than `longest` stays as long as it is.

    Source: Bachrach et al., Speeding Up the Xbox Recommender System Using a Euclidean
    Transformation for Inner-Product Spaces, RecSys 2014, section 3.
    """
    missing = longest**2 - np.square(vectors, dtype=np.float64).sum(axis=1)
    more = np.sqrt(np.maximum(missing, 0.0)).astype(np.float32)
    return np.column_stack([vectors, more])


def _pending(version: ModelVersion, contents: list[int], *, after: int) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _PENDING,
            {"contents": contents, "version": version.pk, "after": after, "limit": BATCH_SIZE},
        )
        return list(cursor.fetchall())


def _write(version: ModelVersion, item_ids: list[int], hashes: list[str], vectors: Floats) -> int:
    """Insert or replace vectors in one statement; items deleted meanwhile are left out."""
    texts = [literal(vector) for vector in vectors]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WRITE, [item_ids, version.pk, item_ids, hashes, texts])
        return int(cursor.rowcount)
