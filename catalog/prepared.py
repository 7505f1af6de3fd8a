"""Statements that every request sends: planned once on a connection, not each time.

Django's own cursor writes the parameters into the text of the statement, so that the server plans
it anew at each call, which takes as long as running it where the statement is short. Not for
statements whose best plan depends on their parameters: after a few calls the server settles on one.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper


class _PreparedCursor(psycopg.Cursor[Any]):
    """Binds parameters on the server, and prepares each statement at its first call."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        # Django forbids its connections to prepare anything; this cursor alone may.
        before = self.connection.prepare_threshold
        self.connection.prepare_threshold = 0
        try:
            return super().execute(query, params, **{"prepare": True, **options})
        finally:
            self.connection.prepare_threshold = before


def prepared_cursor() -> CursorWrapper:
    """A cursor for statements with casts on their parameters, to be used as a context manager.

    It takes part in transactions and hooks like any other. Where statements are being logged it is
    Django's own, so that the log holds the parameters.
    """
    if connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw: Any = _PreparedCursor(connection.connection)
    return CursorWrapper(raw, connection)


def int_array(numbers: Iterable[int]) -> str:
    """Whole numbers as the text of an array; the driver's own way takes 1 ms for some hundred."""
    return f"{{{','.join(map(str, numbers))}}}"
