"""One person's history from a table partitioned by month against one as Foray partitions it.

    .venv/bin/python -m config.embedded exec -- .venv/bin/python -m benchmarks.partitions

Copies the demo's events into a scratch table with a partition for each month, reads the same
histories from both in turn, and drops the copy.
"""

import os
import statistics
import time
from datetime import datetime

import psycopg
from psycopg import sql

HISTORY = sql.SQL(
    "SELECT item_id FROM {} WHERE person_id = %s AND time < now() ORDER BY time DESC LIMIT 50"
)
ROUNDS = 20
SCRATCH = sql.Identifier("benchmark_event_by_month")


def main() -> None:
    """Print the median milliseconds of both and their ratio."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        months = copy_by_month(connection)
        people = [
            row[0]
            for row in connection.execute("SELECT id FROM catalog_person ORDER BY id LIMIT 30")
        ]
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(read_all(connection, sql.Identifier("catalog_event"), people))
            theirs.append(read_all(connection, SCRATCH, people))
        found = connection.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'catalog_event'::regclass"
        ).fetchone()
        connection.rollback()
    a, b = statistics.median(ours), statistics.median(theirs)
    partitions = found[0] if found else 0
    print(f"{partitions} partitions: {a:.2f} ms; {months} by month: {b:.2f} ms; ratio {b / a:.1f}")


def copy_by_month(connection: psycopg.Connection) -> int:
    """Make the scratch table (rolled back at the end); how many months it has."""
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE catalog_event) PARTITION BY RANGE (time)").format(SCRATCH)
    )
    months = connection.execute(
        "SELECT generate_series(date_trunc('month', min(time)), max(time), '1 month')"
        " FROM catalog_event"
    ).fetchall()
    for number, (first,) in enumerate(months):
        connection.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(f"benchmark_event_{number}"),
                SCRATCH,
                sql.Literal(first.isoformat()),
                sql.Literal(_next_month(first).isoformat()),
            )
        )
    connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM catalog_event").format(SCRATCH))
    connection.execute(sql.SQL("CREATE INDEX ON {} (person_id, time DESC)").format(SCRATCH))
    connection.execute(sql.SQL("ANALYZE {}").format(SCRATCH))
    return len(months)


def _next_month(first: datetime) -> datetime:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def read_all(connection: psycopg.Connection, table: sql.Identifier, people: list[int]) -> float:
    """Mean milliseconds of one person's history."""
    statement = HISTORY.format(table)
    begin = time.perf_counter()
    for person in people:
        connection.execute(statement, [person], prepare=False).fetchall()
    return (time.perf_counter() - begin) * 1000 / len(people)


if __name__ == "__main__":
    main()
