"""One HNSW index for each version of a table of vectors: build, drop, search, measure."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from django.db import connection, models
from django.db.models import F, FloatField, TextField
from django.db.models.functions import MD5, Cast
from django.utils import timezone
from pgvector.django import CosineDistance, HalfVectorField, MaxInnerProduct, VectorField

from catalog.filters import ItemFilters
from catalog.models import Item
from recs.querysets import score_of_cosine_distance, score_of_inner_product

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

Vector = npt.NDArray[np.float32]
Query = Vector | Sequence[float]

# What the sessions of the pool's connections are set to, so that it is said once to each.
_scans: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()


class Version(Protocol):
    """A row of versions: its key, and the length of its vectors."""

    pk: Any
    dimensions: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How vectors are stored in an index and compared: pgvector's names for it, and the score."""

    type_name: str
    operators: str
    field: Any
    distance: Any
    score: Any


COSINE = Comparison(
    type_name="halfvec",
    operators="halfvec_cosine_ops",
    field=HalfVectorField,
    distance=CosineDistance,
    score=score_of_cosine_distance,
)
INNER_PRODUCT = Comparison(
    type_name="vector",
    operators="vector_ip_ops",
    field=VectorField,
    distance=MaxInnerProduct,
    score=score_of_inner_product,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A table with columns `item`, `version` and `vector`, how it is compared, its indexes' name.

    Each version has a partial index of its own: pgvector filters after the index scan, so one
    index of all with a filter on the version would answer too few.
    """

    table: type[models.Model]
    versions: type[models.Model]
    compared: Comparison
    prefix: str
    # Numbers of a stored vector beyond the version's own.
    more: int = 0

    def size(self, version: Version) -> int:
        """Length of a stored vector."""
        return int(version.dimensions) + self.more

    def rows(self, version: Version) -> models.QuerySet[Any]:
        """The version's vectors."""
        return self.table._default_manager.filter(version_id=version.pk)

    def index_name(self, version: Version) -> str:
        """Name of the version's index in the database."""
        return f"{self.prefix}_v{version.pk:d}"

    def distance(self, vector: Query, version: Version) -> Any:
        """The expression that the index is on; another spelling would not use it."""
        stored = Cast(F("vector"), self.compared.field(dimensions=self.size(version)))
        return self.compared.distance(stored, vector, output_field=FloatField())


def has_index(space: Space, version: Version) -> bool:
    """Whether the version's index exists and is whole (an interrupted build leaves a torn one)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [space.index_name(version)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def build_index(
    space: Space,
    version: Version,
    *,
    queries: Sequence[Query] | None = None,
    depth: int = RECALL_K,
) -> None:
    """Build the version's index, or build it anew beside the old one, and measure its recall.

    Readers and writers go on meanwhile. Inside a transaction, where that is impossible, writers
    wait. `queries` and `depth`: what the recall is measured with; see measure_recall().
    """
    name, table = space.index_name(version), space.table._meta.db_table
    concurrently = "" if connection.in_atomic_block else "CONCURRENTLY"
    with connection.cursor() as cursor, without_timeout():
        if connection.in_atomic_block:
            # A table with unchecked foreign keys cannot get an index.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        if has_index(space, version):
            cursor.execute(f"REINDEX INDEX {concurrently} {name}")
        else:
            stored = f"vector::{space.compared.type_name}({space.size(version):d})"
            cursor.execute(f"DROP INDEX {concurrently} IF EXISTS {name}")
            cursor.execute(
                f"CREATE INDEX {concurrently} {name} ON {table} "
                f"USING hnsw (({stored}) {space.compared.operators}) "
                f"WITH (m = {M}, ef_construction = {EF_CONSTRUCTION}) "
                f"WHERE version_id = {version.pk:d}"
            )
        # Without numbers of both tables the planner compares everything rather than use the index.
        cursor.execute(f"ANALYZE {table}, {Item._meta.db_table}")
        recall = measure_recall(space, version, queries=queries, depth=depth)
    space.versions._default_manager.filter(pk=version.pk).update(
        index_built_at=timezone.now(), index_recall=recall
    )


def drop_index(space: Space, version: Version) -> None:
    """Remove the version's index; answers stay right, and become slow."""
    concurrently = "" if connection.in_atomic_block else "CONCURRENTLY"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {concurrently} IF EXISTS {space.index_name(version)}")


def by_index(
    space: Space, rows: Any, vector: Query, k: int, version: Version
) -> list[tuple[int, float]]:
    """The best k of these rows as the index finds them: (item_id, score), best first.

    The index's relaxed order is put right here. Fewer than k where it gave up.
    """
    set_scan(k)
    return _read(space, rows, space.distance(vector, version), k)


def exact(
    space: Space, rows: Any, vector: Query, k: int, version: Version
) -> list[tuple[int, float]]:
    """The best k of these rows, all compared; adding zero hides the distance from the index."""
    return _read(space, rows, space.distance(vector, version) + 0.0, k)


def measure_recall(
    space: Space,
    version: Version,
    *,
    queries: Sequence[Query] | None = None,
    count: int = RECALL_QUERIES,
    depth: int = RECALL_K,
    best: int = RECALL_K,
) -> float | None:
    """Share of the exact best ten that the index finds; None for a version without vectors.

    `depth`: how many the index is asked for, as in serving: it looks the longer for more. `best`:
    how many count instead of ten.

    An item as good as the exact tenth counts as found: the same text twice is a tie, not a miss.
    Without `queries` the vectors of items, spread by the hash of their keys, are asked for.
    """
    rows = space.rows(version)
    if queries is None:
        spread = rows.order_by(MD5(Cast("item_id", TextField())))
        queries = list(spread.values_list("vector", flat=True)[:count])
    shares = []
    for vector in list(queries)[:count]:
        true = [score for _, score in exact(space, rows, vector, best, version)]
        found = [score for _, score in by_index(space, rows, vector, depth, version)]
        if true:
            as_good = sum(score >= true[-1] - 1e-6 for score in found[:best])
            shares.append(as_good / len(true))
    return float(np.mean(shares)) if shares else None


def ef_search(k: int) -> int:
    """How many candidates the index keeps while it looks for the best k."""
    return min(MAX_EF_SEARCH, max(LEAST_EF_SEARCH, 2 * k))


def set_scan(k: int) -> None:
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


def ordered(space: Space, rows: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Rows of (item, distance) as (item, score), best first, ties by item."""
    found = [(item_id, space.compared.score(distance)) for item_id, distance in rows]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def is_narrow(filters: ItemFilters) -> bool:
    """Whether so few items pass that comparing all of them is cheap; stops counting early."""
    ids = Item.objects.filter(filters.q()).order_by().values_list("pk", flat=True)
    return ids[:EXACT_BELOW].count() < EXACT_BELOW


@contextmanager
def without_timeout() -> Iterator[None]:
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


def _read(space: Space, rows: Any, distance: Any, k: int) -> list[tuple[int, float]]:
    best = rows.annotate(distance=distance).order_by("distance")
    return ordered(space, best.values_list("item_id", "distance")[:k])
