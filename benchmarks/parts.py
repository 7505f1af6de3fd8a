"""The bare parts, timed beside the whole: one encoder call, one vector query, bulk encoding."""

import json
import time
from pathlib import Path

import psycopg

from benchmarks.load import Timing, timing
from benchmarks.queries import SEARCHES
from recs.ml.query_encoder import QueryEncoder

NEAREST = """
SELECT item_id, vector::halfvec(384) <=> %(vector)s::halfvec(384) AS distance
FROM recs_contentembedding WHERE version_id = {version}
ORDER BY vector::halfvec(384) <=> %(vector)s::halfvec(384) LIMIT {k}
"""
# As deep as search itself looks; a test compares them.
K = 150
EF_SEARCH = 300


def database_url(home: Path) -> str:
    """Address of the running product's database."""
    return str(json.loads((home / "run" / "services.json").read_text())["database_url"])


def bare_encoder(model_dir: Path) -> tuple[Timing, dict[str, list[float]]]:
    """Each query through the encoder alone; also its vectors, for the bare vector query."""
    encoder = QueryEncoder(model_dir)
    encoder.encode(["warm up"])
    times, vectors = [], {}
    for query in SEARCHES:
        begin = time.perf_counter()
        vector = encoder.encode([query])[0]
        times.append((time.perf_counter() - begin) * 1000)
        vectors[query] = [float(x) for x in vector]
    return timing(times), vectors


def bare_vector_query(url: str, vectors: dict[str, list[float]]) -> Timing:
    """The nearest items by one prepared statement on one connection, each vector once."""
    times = []
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT id FROM recs_contentversion WHERE is_live").fetchone()
        if row is None:
            raise RuntimeError("no live content version: run the set-up first")
        statement = NEAREST.format(version=int(row[0]), k=K)
        connection.execute("SET hnsw.iterative_scan = relaxed_order")
        connection.execute(f"SET hnsw.ef_search = {EF_SEARCH}")
        for vector in vectors.values():
            begin = time.perf_counter()
            connection.execute(statement, {"vector": str(vector)}, prepare=True).fetchall()
            times.append((time.perf_counter() - begin) * 1000)
    return timing(times)


def stages_since(url: str, moment: str) -> dict[str, Timing]:
    """Milliseconds of each stage of the searches answered since a moment, from the answers' log."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT stages, latency_ms FROM catalog_answer WHERE kind = 'search' AND time >= %s",
            [moment],
        ).fetchall()
    names = sorted({name for stages, _ in rows for name in stages})
    found = {name: timing([stages.get(name, 0.0) for stages, _ in rows]) for name in names}
    return {**found, "all stages": timing([latency for _, latency in rows])}


def index_rate(url: str) -> tuple[int, float]:
    """Vectors, and the seconds that building an HNSW index over a copy of them takes."""
    with psycopg.connect(url) as connection:
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute(
            "CREATE TEMP TABLE benchmark_vectors AS SELECT vector::halfvec(384) AS vector "
            "FROM recs_contentembedding"
        )
        begin = time.perf_counter()
        connection.execute(
            "CREATE INDEX ON benchmark_vectors USING hnsw (vector halfvec_cosine_ops) "
            "WITH (m = 16, ef_construction = 64)"
        )
        seconds = time.perf_counter() - begin
        row = connection.execute("SELECT count(*) FROM benchmark_vectors").fetchone()
        connection.rollback()
    return (int(row[0]) if row else 0), seconds


def job_rates(url: str) -> list[tuple[str, int, float]]:
    """Kind, rows and seconds of the set-up's jobs."""
    with psycopg.connect(url) as connection:
        return [
            (kind, int(done), float(seconds))
            for kind, done, seconds in connection.execute(
                "SELECT DISTINCT ON (kind) kind, done, "
                "extract(epoch FROM finished_at - started_at) FROM catalog_job "
                "WHERE state = 'done' ORDER BY kind, done DESC, created_at"
            ).fetchall()
        ]
