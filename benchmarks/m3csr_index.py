"""M3CSR's vectors in pgvector: recall of the index, and how soon a new film can be retrieved."""

import os
import time

import numpy as np
import psycopg

from benchmarks.m3csr_rows import Split, fit_row
from recs.ml.m3csr_fitted import Fitted
from recs.ml.text_encoder import TextEncoder, packaged_model_dir

TABLE = "m3csr_vectors"
K = 10
SEARCHED = (40, 100, 200)
# The most that pgvector allows.
DEEPEST = 1000
NEW_TEXT = (
    "The Orchard at Low Tide (2017). A retired lighthouse keeper and a young marine biologist "
    "restore an abandoned orchard on a tidal island while a storm draws near."
)


def measure_index(split: Split) -> None:
    """Print recall@10 of HNSW against exact inner products, and the seconds of a new film's way."""
    fitted = fit_row("m3csr", 0, split)
    users = fitted.encode_users(split.test.histories, split.test.as_of)
    items = fitted.encode_items(split.test.as_of)
    exact = np.argsort(-(users @ items[1:].T), axis=1)[:, :K] + 1
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        load(connection, items[1:])
        for depth in SEARCHED:
            found, seconds = search(connection, users, depth)
            recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(exact, found, strict=True)])
            print(f"ef_search {depth}: recall@{K} {recall:.4f}, {1000 * seconds:.2f} ms each")
        _measure_new(connection, fitted, split)
        connection.rollback()


def load(connection: psycopg.Connection, vectors: np.ndarray) -> None:
    """Vectors (N, D) as rows 1 to N of a temporary table with an HNSW index of inner products."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        size = vectors.shape[1]
        cursor.execute(f"CREATE TEMP TABLE {TABLE} (row int PRIMARY KEY, vector vector({size}))")
        with cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            for row, vector in enumerate(vectors, start=1):
                copy.write_row((row, _text(vector)))
        cursor.execute(f"CREATE INDEX ON {TABLE} USING hnsw (vector vector_ip_ops)")
        cursor.execute(f"ANALYZE {TABLE}")


def search(
    connection: psycopg.Connection, users: np.ndarray, depth: int, k: int = K
) -> tuple[list[list[int]], float]:
    """Rows of the best k for each of users (U, D) by the index, and seconds for each."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL hnsw.ef_search = {depth}")
        # Else a small table is read from end to end, which is no test of the index.
        cursor.execute("SET LOCAL enable_seqscan = off")
        started = time.perf_counter()
        for user in users:
            cursor.execute(
                f"SELECT row FROM {TABLE} ORDER BY vector <#> %s::vector LIMIT {k}", [_text(user)]
            )
            found.append([row for (row,) in cursor.fetchall()])
    return found, (time.perf_counter() - started) / max(len(users), 1)


def _measure_new(connection: psycopg.Connection, fitted: Fitted, split: Split) -> None:
    """Encode -> assign -> tower -> insert -> found, each step timed; text is all that is known."""
    encoder = TextEncoder(packaged_model_dir())
    encoder.encode_documents(["warm"])
    times = [time.perf_counter()]
    vectors = {"text": encoder.encode_documents([NEW_TEXT])}
    times.append(time.perf_counter())
    tower = fitted.encode_new(vectors)[0]
    times.append(time.perf_counter())
    row = split.films.content.item_count + 1
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", [row, _text(tower)])
        times.append(time.perf_counter())
    found, _ = search(connection, tower[None], SEARCHED[0], k=1)
    times.append(time.perf_counter())
    steps = np.diff(times) * 1000
    names = ("encode", "assign and tower", "insert", "search")
    print(", ".join(f"{n} {ms:.1f} ms" for n, ms in zip(names, steps, strict=True)))
    # The tower itself as a question: what is nearest to it by inner product.
    users = fitted.encode_users(split.test.histories, split.test.as_of)
    scores = users @ np.concatenate([fitted.encode_items(split.test.as_of)[1:], tower[None]]).T
    ranks = (scores >= scores[:, -1:]).sum(axis=1)
    print(f"found as nearest to itself: {found[0] == [row]}; best rank for a person {ranks.min()}")
    person = int(ranks.argmin())
    listed, _ = search(connection, users[[person]], DEEPEST, k=int(ranks.min()) + 5)
    print(f"in that person's list from the index: {row in listed[0]}")


def _text(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{value:.7g}" for value in vector) + "]"
