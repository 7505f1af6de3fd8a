"""Nearest items by meaning: the HNSW index of a version, and exact search where it is better."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import F, FloatField, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone
from pgvector.django import CosineDistance, HalfVectorField

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.prepared import prepared_cursor
from recs.models import ContentEmbedding, ContentVersion
from recs.querysets import score_of_cosine_distance, visible_item
from recs.versions import live_version

log = logging.getLogger(__name__)

# pgvector's defaults; what they give on the real vectors is on the version's row as index_recall.
M = 16
EF_CONSTRUCTION = 64
MAX_EF_SEARCH = 1000  # pgvector's own limit
LEAST_EF_SEARCH = 100
# Below so many allowed items comparing all of them is as fast as the index and always complete.
EXACT_BELOW = 3000
# A filter that allows few makes the iterative scan walk far before it has k; then it gives up and
# the exact search takes over.
MAX_SCAN_TUPLES = 20000
RECALL_QUERIES = 50
RECALL_K = 10
# The same as the queryset of nearest_items() without filters, which every search asks for. The
# version is in the text: with a parameter in its place the index, a partial one, would not do. The
# limit too: without it the planner expects a tenth of all rows, and compares everything.
NEAREST = """
SELECT embedding.item_id,
       embedding.vector::halfvec({dimensions:d}) <=> %(vector)s::halfvec({dimensions:d}) AS distance
FROM recs_contentembedding embedding JOIN catalog_item item ON item.id = embedding.item_id
WHERE embedding.version_id = {version:d} AND NOT item.is_hidden
  AND (item.available_from IS NULL OR item.available_from <= now())
  AND (item.available_until IS NULL OR item.available_until > now())
ORDER BY embedding.vector::halfvec({dimensions:d}) <=> %(vector)s::halfvec({dimensions:d})
LIMIT {k:d}
"""

Vector = npt.NDArray[np.float32]

# What the sessions of the pool's connections are set to, so that it is said once to each.
_scans: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()


def index_name(version: ContentVersion) -> str:
    """Name of the version's index in the database."""
    return f"content_embedding_hnsw_v{version.pk:d}"


def has_index(version: ContentVersion) -> bool:
    """Whether the version's index exists and is whole (an interrupted build leaves a torn one)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [index_name(version)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def build_index(*, version: ContentVersion) -> None:
    """Build the version's index, or build it anew beside the old one, and measure its recall.

    Readers and writers go on meanwhile. Inside a transaction, where that is impossible, writers
    wait.
    """
    name = index_name(version)
    concurrently = "" if connection.in_atomic_block else "CONCURRENTLY"
    with connection.cursor() as cursor, _without_timeout():
        if connection.in_atomic_block:
            # A table with unchecked foreign keys cannot get an index.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        if has_index(version):
            cursor.execute(f"REINDEX INDEX {concurrently} {name}")
        else:
            cursor.execute(f"DROP INDEX {concurrently} IF EXISTS {name}")
            cursor.execute(
                f"CREATE INDEX {concurrently} {name} ON {ContentEmbedding._meta.db_table} "
                f"USING hnsw ((vector::halfvec({version.dimensions:d})) halfvec_cosine_ops) "
                f"WITH (m = {M}, ef_construction = {EF_CONSTRUCTION}) "
                f"WHERE version_id = {version.pk:d}"
            )
        # Without numbers of both tables the planner compares everything rather than use the index.
        cursor.execute(f"ANALYZE {ContentEmbedding._meta.db_table}, {Item._meta.db_table}")
        recall = measure_recall(version=version)
    ContentVersion.objects.filter(pk=version.pk).update(
        index_built_at=timezone.now(), index_recall=recall
    )


def drop_index(*, version: ContentVersion) -> None:
    """Remove the version's index; nearest_items() stays right, and becomes slow."""
    concurrently = "" if connection.in_atomic_block else "CONCURRENTLY"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {concurrently} IF EXISTS {index_name(version)}")


def nearest_items(
    *,
    vector: Vector | Sequence[float],
    k: int,
    filters: ItemFilters | None = None,
    exclude: Collection[int] = (),
    version: ContentVersion | None = None,
) -> list[tuple[int, float]]:
    """Visible items nearest to a vector: (item_id, cosine similarity), best first.

    Never fewer than k as long as k allowed items have vectors: a narrow filter is searched
    exactly, and so is one for which the index came back short.

    Raises:
        NoLiveVersion: before the first encoding has begun.
    """
    if k < 1:
        return []
    version = version or live_version()
    filters = filters or ItemFilters()
    allowed = ContentEmbedding.objects.filter(
        visible_item("item__"), filters.q("item__"), version_id=version.pk
    )
    if exclude:
        allowed = allowed.exclude(item_id__in=list(exclude))
    if not filters.is_empty and _is_narrow(filters):
        return _exact(allowed, vector, k, version)
    if filters.is_empty and not exclude:
        found = _by_index_prepared(vector, k, version)
    else:
        found = _by_index(allowed, vector, k, version)
    return found if len(found) >= k else _exact(allowed, vector, k, version)


def item_vector(item_id: int, *, version: ContentVersion | None = None) -> Vector | None:
    """The item's vector in the live version; None where it was not encoded yet."""
    return item_vectors([item_id], version=version).get(item_id)


def item_vectors(
    item_ids: Collection[int], *, version: ContentVersion | None = None
) -> dict[int, Vector]:
    """Vectors of those of the items that have one."""
    version = version or live_version()
    rows = ContentEmbedding.objects.filter(version_id=version.pk, item_id__in=list(item_ids))
    return {
        item_id: np.asarray(vector, dtype=np.float32)
        for item_id, vector in rows.values_list("item_id", "vector")
    }


def measure_recall(*, version: ContentVersion, queries: int = RECALL_QUERIES) -> float | None:
    """Share of the exact nearest ten that the index finds, over items spread by their id's hash.

    An item as near as the exact tenth counts as found: the same text twice is a tie, not a miss.
    """
    everything = ContentEmbedding.objects.filter(version_id=version.pk)
    spread = everything.order_by(MD5(Cast("item_id", TextField())))
    shares = []
    for vector in list(spread.values_list("vector", flat=True)[:queries]):
        exact = [score for _, score in _exact(everything, vector, RECALL_K, version)]
        found = [score for _, score in _by_index(everything, vector, RECALL_K, version)]
        shares.append(sum(score >= exact[-1] - 1e-6 for score in found) / len(exact))
    return float(np.mean(shares)) if shares else None


def _by_index(
    rows: Any, vector: Vector | Sequence[float], k: int, version: ContentVersion
) -> list[tuple[int, float]]:
    """The k nearest as the index finds them; relaxed order is put right here."""
    _set_scan(k)
    return _read(rows, _distance(vector, version), k)


def _by_index_prepared(
    vector: Vector | Sequence[float], k: int, version: ContentVersion
) -> list[tuple[int, float]]:
    """What _by_index() finds among all visible items, by a statement that is planned once."""
    _set_scan(k)
    statement = NEAREST.format(version=version.pk, dimensions=version.dimensions, k=k)
    written = str(np.asarray(vector, dtype=np.float32).tolist())
    with prepared_cursor() as cursor:
        cursor.execute(statement, {"vector": written})
        return _ordered(cursor.fetchall())


def ef_search(k: int) -> int:
    """How many candidates the index keeps while it looks for the nearest k."""
    return min(MAX_EF_SEARCH, max(LEAST_EF_SEARCH, 2 * k))


def _set_scan(k: int) -> None:
    """Tell the session how thoroughly to look, unless it knows."""
    wanted = (ef_search(k), MAX_SCAN_TUPLES)
    connection.ensure_connection()
    session = connection.connection
    # Inside a transaction its end may undo this.
    if not connection.in_atomic_block and _scans.get(session) == wanted:
        return
    _scans.pop(session, None)
    with connection.cursor() as cursor:
        # For the session and not for a transaction, which would cost two more round trips.
        cursor.execute(
            "SELECT set_config('hnsw.ef_search', %s, false), "
            "set_config('hnsw.max_scan_tuples', %s, false)",
            [str(number) for number in wanted],
        )
    if not connection.in_atomic_block:
        _scans[session] = wanted


def _exact(
    rows: Any, vector: Vector | Sequence[float], k: int, version: ContentVersion
) -> list[tuple[int, float]]:
    """The k nearest of all rows; adding zero hides the distance from the index."""
    return _read(rows, _distance(vector, version) + 0.0, k)


def _read(rows: Any, distance: Any, k: int) -> list[tuple[int, float]]:
    nearest = rows.annotate(distance=distance).order_by("distance")
    return _ordered(nearest.values_list("item_id", "distance")[:k])


def _ordered(rows: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    found = [(item_id, score_of_cosine_distance(distance)) for item_id, distance in rows]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _distance(vector: Vector | Sequence[float], version: ContentVersion) -> Any:
    """The expression that the index is on; another spelling would not use it."""
    halves = Cast(F("vector"), HalfVectorField(dimensions=version.dimensions))
    return CosineDistance(halves, vector, output_field=FloatField())


def _is_narrow(filters: ItemFilters) -> bool:
    """Whether so few items pass that comparing all of them is cheap; stops counting early."""
    ids = Item.objects.filter(filters.q()).order_by().values_list("pk", flat=True)
    return ids[:EXACT_BELOW].count() < EXACT_BELOW


@contextmanager
def _without_timeout() -> Iterator[None]:
    """Let maintenance take its time on this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        (before,) = cursor.fetchone()
        cursor.execute("SET statement_timeout = 0")
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute("SELECT set_config('statement_timeout', %s, false)", [before])
