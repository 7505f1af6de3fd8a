"""Locks of work that one process does at a time in a catalog: PostgreSQL's advisory locks.

They belong to a database, so each is made of a number and of the catalog's schema. `space` is the
number, another for each kind of work; `what` tells things of that kind apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connection

_WHAT = "hashtext(current_schema() || ' ' || %s)"
# Constants of this file, no input.
_HELD = f"""
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
      AND classid::bigint = %s AND objid::bigint = {_WHAT}::bigint & 4294967295
)
"""  # noqa: S608


@contextmanager
def only_one(space: int, what: str = "") -> Iterator[bool]:
    """Hold the lock of some work; False where another process has it. Nobody waits.

    It goes with its session: also where the process is killed.
    """
    is_ours = _answer(f"SELECT pg_try_advisory_lock(%s, {_WHAT})", space, what)
    try:
        yield is_ours
    finally:
        if is_ours:
            # Where the connection is lost, the lock went with it: let the first error be told.
            with suppress(DatabaseError, InterfaceError):
                _answer(f"SELECT pg_advisory_unlock(%s, {_WHAT})", space, what)


def wait_for(space: int, what: str = "") -> None:
    """Wait for the lock of some work, and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock(%s, {_WHAT})", [space, what])


def is_held(space: int, what: str = "") -> bool:
    """Whether some process is at this work now."""
    return _answer(_HELD, space, what)


def _answer(statement: str, space: int, what: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [space, what])
        return bool(cursor.fetchone()[0])
