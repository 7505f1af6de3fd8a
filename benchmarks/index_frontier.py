"""Kinds of index in pgvector on the same vectors: what each finds of the exact best hundred.

4-bit product quantisation is not in pgvector; one bit for each number with a second look at the
exact vectors is.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psycopg

Floats = npt.NDArray[np.float32]

TABLE = "index_frontier"
K = 100
# What is built is kept in so much memory; beyond it building becomes slow.
MEMORY = "4GB"
EXACT_ASKS = 20
# Of the nearest by bits so many are looked at again.
AGAIN = (400, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One index. `setting`: the session's name for how thoroughly it looks, tried at `values`."""

    name: str
    create: str
    order: str
    setting: str
    values: tuple[int, ...]


HNSW = "WITH (m = 16, ef_construction = 64)"
EF = (40, 100, 200, 400, 800)
KINDS = (
    Kind(
        name="hnsw",
        create=f"USING hnsw ((vector::vector({{size}})) vector_ip_ops) {HNSW}",
        order="vector::vector({size}) <#> %(asked)s::vector({size})",
        setting="hnsw.ef_search",
        values=EF,
    ),
    Kind(
        name="hnsw-halfvec",
        create=f"USING hnsw ((vector::halfvec({{size}})) halfvec_ip_ops) {HNSW}",
        order="vector::halfvec({size}) <#> %(asked)s::halfvec({size})",
        setting="hnsw.ef_search",
        values=EF,
    ),
    Kind(
        name="hnsw-binary",
        create=f"USING hnsw ((binary_quantize(vector)::bit({{size}})) bit_hamming_ops) {HNSW}",
        order="binary_quantize(vector)::bit({size}) <~> binary_quantize(%(asked)s::vector({size}))",
        setting="hnsw.ef_search",
        values=AGAIN,
    ),
    Kind(
        name="ivfflat",
        create="USING ivfflat ((vector::vector({size})) vector_ip_ops) WITH (lists = {lists})",
        order="vector::vector({size}) <#> %(asked)s::vector({size})",
        setting="ivfflat.probes",
        values=(3, 10, 30, 100),
    ),
)


def padded(items: Floats, count: int, *, seed: int) -> Floats:
    """(count, D) float32: the real ones, then real ones with noise, of the same length each.

    Args:
        items: (N, D) float32.
        count: from N; fewer are not cut off.
        seed: of the noise.
    """
    random = np.random.default_rng(seed)
    more = max(0, count - len(items))
    drawn = items[random.integers(0, len(items), more)]
    noise = random.normal(size=drawn.shape).astype(np.float32) * items.std(axis=0)
    moved = drawn + 0.5 * noise
    lengths = np.linalg.norm(drawn, axis=1, keepdims=True)
    moved *= lengths / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return np.concatenate([items, moved.astype(np.float32)])


def best_products(items: Floats, asks: Floats, k: int = K) -> Floats:
    """(R,) float32, the product of the k-th best item of each request."""
    found = []
    for asked in asks:
        scores = items @ asked
        found.append(np.partition(scores, len(scores) - k)[len(scores) - k])
    return np.array(found, np.float32)


def measure(items: Floats, asks: Floats, kinds: Sequence[Kind] = KINDS) -> list[dict[str, float]]:
    """Build each index, ask it, print a line for each setting; the lines as numbers."""
    least = best_products(items, asks)
    rows: list[dict[str, float]] = []
    print(f"{len(items)} items with their padding, recall of the exact best {K}")
    print("| index | setting | recall@100 | p50 ms | p99 ms | MB | built in s |")
    print("|---|---|---|---|---|---|---|")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        _load(connection, items)
        times, found = _exact(connection, asks[:EXACT_ASKS])
        rows.append(_tell("exact", 0, _recall(items, asks, found, least), times, 0.0, 0.0))
        for kind in kinds:
            rows += _measure_kind(connection, kind, items, asks, least)
    return rows


def _measure_kind(
    connection: psycopg.Connection, kind: Kind, items: Floats, asks: Floats, least: Floats
) -> list[dict[str, float]]:
    size = {"size": items.shape[1], "lists": max(1, round(len(items) ** 0.5))}
    began = time.perf_counter()
    connection.execute(f"CREATE INDEX {TABLE}_index ON {TABLE} {kind.create.format(**size)}")
    built = time.perf_counter() - began
    (stored,) = connection.execute(f"SELECT pg_relation_size('{TABLE}_index')").fetchone() or (0,)
    connection.execute("SET enable_seqscan = off")
    rows = []
    for value in kind.values:
        connection.execute(f"SET {kind.setting} = {value:d}")
        query = f"SELECT row FROM {TABLE} ORDER BY {kind.order.format(**size)} LIMIT {K}"
        if kind.name == "hnsw-binary":
            query = _looked_at_again(kind, value, size)
        times, found = _ask(connection, query, asks)
        recall = _recall(items, asks, found, least)
        rows.append(_tell(kind.name, value, recall, times, stored / 2**20, built))
    connection.execute("RESET enable_seqscan")
    connection.execute(f"DROP INDEX {TABLE}_index")
    return rows


def _looked_at_again(kind: Kind, count: int, size: dict[str, int]) -> str:
    near = f"SELECT row, vector FROM {TABLE} ORDER BY {kind.order.format(**size)} LIMIT {count:d}"
    exact = "vector <#> %(asked)s::vector({size})".format(**size)
    return f"SELECT row FROM ({near}) AS near ORDER BY {exact} LIMIT {K}"


def _load(connection: psycopg.Connection, items: Floats) -> None:
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    # With several catalogs it is in a schema of its own, which is in nobody's path.
    connection.execute(
        "SELECT set_config('search_path', format('pg_temp, %I, public', n.nspname), false) "
        "FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'vector'"
    )
    connection.execute("SET statement_timeout = 0")
    connection.execute(f"SET maintenance_work_mem = '{MEMORY}'")
    connection.execute("SET max_parallel_maintenance_workers = 0")
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute(
        f"CREATE TEMP TABLE {TABLE} (row int PRIMARY KEY, vector vector({items.shape[1]:d}))"
    )
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
        for row, vector in enumerate(items):
            copy.write_row((row, _text(vector)))
    connection.execute(f"ANALYZE {TABLE}")


def _exact(connection: psycopg.Connection, asks: Floats) -> tuple[list[float], list[list[int]]]:
    exact = f"SELECT row FROM {TABLE} ORDER BY vector <#> %(asked)s::vector LIMIT {K}"
    return _ask(connection, exact, asks)


def _ask(
    connection: psycopg.Connection, query: str, asks: Floats
) -> tuple[list[float], list[list[int]]]:
    """Milliseconds and rows of each request; what the first ones wait for is not counted."""
    times, found = [], []
    for asked in asks[:3]:
        connection.execute(query, {"asked": _text(asked)}).fetchall()
    for asked in asks:
        began = time.perf_counter()
        rows = connection.execute(query, {"asked": _text(asked)}).fetchall()
        times.append(1000 * (time.perf_counter() - began))
        found.append([row for (row,) in rows])
    return times, found


def _recall(items: Floats, asks: Floats, found: list[list[int]], least: Floats) -> float:
    """Share of the exact best K; one as good as the last of them counts as found."""
    shares = [
        min(1.0, float((items[rows] @ asked >= last - 1e-5).sum()) / K)
        for asked, rows, last in zip(asks, found, least, strict=False)
    ]
    return float(np.mean(shares))


def _tell(
    name: str, value: int, recall: float, times: list[float], megabytes: float, built: float
) -> dict[str, float]:
    p50, p99 = np.quantile(times, [0.5, 0.99])
    print(
        f"| {name} | {value or ''} | {recall:.4f} | {p50:.2f} | {p99:.2f} "
        f"| {megabytes:.0f} | {built:.0f} |",
        flush=True,
    )
    return {"recall": recall, "p50": float(p50), "p99": float(p99), "megabytes": megabytes}


def _text(vector: Floats) -> str:
    return "[" + ",".join(f"{value:.7g}" for value in vector) + "]"
