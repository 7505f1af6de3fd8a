"""Giving items their codes: by the nearest centroids of a version, without fitting anything."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import F, Q

from catalog import scope
from catalog.items import set_cover_codes
from catalog.locks import wait_for
from catalog.progress import NO_PROGRESS, Progress
from recs import registry
from recs.content import content_vectors
from recs.ml.semantic_ids import NO_CODE, SemanticIds, collisions
from recs.models import ContentVersion, ItemCode, ModelVersion

Ints = npt.NDArray[np.int64]

KIND = ModelVersion.Kind.SEMANTIC_IDS
BATCH_SIZE = 2_000
# With a version's key: one process at a time gives out its collision numbers.
LOCK_SPACE = 7_140_332
# Items whose content, in any modality that the version reads, is not what their codes are of.
_PENDING = """
    SELECT input.item_id, input.input_hash
    FROM (
        SELECT item_id,
               md5(string_agg(version_id || ':' || input_hash, ',' ORDER BY version_id))
                   AS input_hash
        FROM recs_contentembedding
        WHERE version_id = ANY(%(contents)s) AND item_id > %(after)s
        GROUP BY item_id
    ) AS input
    LEFT JOIN recs_itemcode AS code
        ON code.version_id = %(version)s AND code.item_id = input.item_id
    WHERE code.input_hash IS DISTINCT FROM input.input_hash
    ORDER BY input.item_id
    LIMIT %(limit)s
"""
_WRITE = """
    WITH present AS (SELECT id FROM catalog_item WHERE id = ANY(%s) FOR KEY SHARE)
    INSERT INTO recs_itemcode (item_id, version_id, flat, codes, collision, path, input_hash)
    SELECT item_id, %s, flat, codes::integer[], collision, path, input_hash
    FROM unnest(%s::bigint[], %s::integer[], %s::text[], %s::integer[], %s::text[], %s::text[])
        AS given(item_id, flat, codes, collision, path, input_hash)
    JOIN present ON present.id = item_id
    ON CONFLICT (version_id, item_id) DO UPDATE SET flat = EXCLUDED.flat, codes = EXCLUDED.codes,
        collision = EXCLUDED.collision, path = EXCLUDED.path, input_hash = EXCLUDED.input_hash
"""


def path_of(codes: Iterable[int]) -> str:
    """The codes as text whose beginnings are kinds: (12, 200, 7) gives "012.200.007"."""
    return ".".join(f"{code:03d}" for code in codes)


def semantic_ids(version: ModelVersion) -> SemanticIds:
    """The version's codebooks, read once in a process.

    Raises:
        UnusableVersion: where its folder is missing or was changed.
    """
    return _semantic_ids(scope.current(), version.pk, version.manifest_sha256)


def serving_versions() -> list[ModelVersion]:
    """The live version, and the ones that a live version of another kind reads."""
    read = Q(readers__state=ModelVersion.State.LIVE)
    versions = ModelVersion.objects.kept().of_kind(KIND)
    return list(versions.filter(Q(state=ModelVersion.State.LIVE) | read).distinct().order_by("pk"))


def assign_pending(*, progress: Progress = NO_PROGRESS) -> int:
    """Codes for what is new or changed, in every version that serves; how many were written.

    Covers follow the live version's codes. Safe to repeat, and to run twice at a time.
    """
    written = sum(assign(version, progress=progress) for version in serving_versions())
    update_covers()
    return written


def assign(version: ModelVersion, *, progress: Progress = NO_PROGRESS) -> int:
    """Give every item with content its codes in this version; how many were written.

    Items go in the order of their keys, so that giving all their codes anew gives the same ones.
    Who has fresh codes keeps them, whatever is added.
    """
    contents = content_versions_of(version)
    written = last = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            wait_for(LOCK_SPACE, str(version.pk))
            rows = _pending(cursor, version, contents, after=last)
            if not rows:
                return written
            last = rows[-1][0]
            written += _assign(version, contents, rows)
        progress.advance(len(rows), message="giving codes")


def content_versions_of(version: ModelVersion) -> dict[str, ContentVersion]:
    """The content that the version was fitted on, by modality."""
    keys = version.config.get("content_versions", {})
    found = ContentVersion.objects.in_bulk(list(keys.values()))
    return {modality: found[key] for modality, key in keys.items() if key in found}


def update_covers() -> int:
    """Draw covers by the live version's codes; how many changed. Nothing where none is live."""
    version = registry.live(KIND)
    if version is None:
        return 0
    differing = ItemCode.objects.filter(version=version).exclude(
        Q(item__cover_codes__isnull=False) & Q(item__cover_codes=F("codes"))
    )
    changed = 0
    rows = dict(differing.values_list("item_id", "codes"))
    keys = sorted(rows)
    for start in range(0, len(keys), BATCH_SIZE):
        part = {key: rows[key] for key in keys[start : start + BATCH_SIZE]}
        changed += set_cover_codes(codes=part)
    return changed


@functools.lru_cache(maxsize=8)
def _semantic_ids(catalog: str, pk: int, manifest_sha256: str) -> SemanticIds:
    return SemanticIds.from_arrays(registry.load(ModelVersion.objects.get(pk=pk)).tensors)


def _pending(
    cursor: object, version: ModelVersion, contents: dict[str, ContentVersion], *, after: int
) -> list[tuple[int, str]]:
    """Items to give codes to next, and the hash of what these will be of."""
    cursor.execute(  # type: ignore[attr-defined]  # Django's cursor has no public type
        _PENDING,
        {
            "contents": [content.pk for content in contents.values()],
            "version": version.pk,
            "after": after,
            "limit": BATCH_SIZE,
        },
    )
    return list(cursor.fetchall())  # type: ignore[attr-defined]


def _assign(
    version: ModelVersion, contents: dict[str, ContentVersion], rows: Sequence[tuple[int, str]]
) -> int:
    items = [item_id for item_id, _ in rows]
    vectors = content_vectors(items, versions=contents)
    ids = semantic_ids(version)
    flat, codes = ids.flat.assign(vectors)[:, 0], ids.residual.assign(vectors)
    has: list[int] = np.flatnonzero((codes != NO_CODE).all(axis=1)).tolist()
    if not has:
        return 0
    kept = [items[row] for row in has]
    paths = [path_of(codes[row]) for row in has]
    numbers = _collisions(version, kept, paths, codes[has])
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                kept,
                version.pk,
                kept,
                flat[has].tolist(),
                ["{" + ",".join(map(str, codes[row])) + "}" for row in has],
                numbers,
                paths,
                [rows[row][1] for row in has],
            ],
        )
        return int(cursor.rowcount)


def _collisions(
    version: ModelVersion, items: Sequence[int], paths: Sequence[str], codes: Ints
) -> list[int]:
    """A number for each item that no other item of the same codes has; one that stays keeps its."""
    others = ItemCode.objects.filter(version=version, path__in=set(paths))
    taken: dict[str, list[int]] = defaultdict(list)
    own: dict[tuple[int, str], int] = {}
    for item_id, path, number in others.values_list("item_id", "path", "collision"):
        taken[path].append(number)
        own[item_id, path] = number
    places = list(zip(items, paths, strict=True))
    new = [row for row, place in enumerate(places) if place not in own]
    counted = collisions(codes[new], {tuple(codes[row].tolist()): taken[paths[row]] for row in new})
    found = dict(zip(new, counted.tolist(), strict=True))
    return [own[place] if place in own else found[row] for row, place in enumerate(places)]
