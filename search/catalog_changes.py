"""Whether the catalog is what it was: a number that every committed change of an item raises.

A trigger writes a row in each transaction that changes items (migration 0010). Rows only come, and
are folded into one with their sum, so two moments with the same sum see the same items. Dates of
availability change what is visible without any change of an item: `next_change` tells when.
"""

from datetime import datetime

from django.db import connection

# The number of the table's file is another one after it was emptied or restored, the start of the
# server after the whole database was put back.
_VERSION = """
    SELECT concat_ws('-', pg_relation_filenode('search_catalogchange'::regclass),
                     extract(epoch FROM pg_postmaster_start_time()), current_database(),
                     (SELECT coalesce(sum(n), 0) FROM search_catalogchange))"""
_FOLD = """
    WITH gone AS (DELETE FROM search_catalogchange RETURNING n)
    INSERT INTO search_catalogchange (n) SELECT sum(n) FROM gone HAVING count(*) > 0"""
_NEXT = """
    SELECT least(min(available_from) FILTER (WHERE available_from > %(at)s),
                 min(available_until) FILTER (WHERE available_until > %(at)s))
    FROM catalog_item WHERE available_from > %(at)s OR available_until > %(at)s"""


def version() -> str | None:
    """What is the same as long as no item changes; None where that cannot be told.

    Inside a transaction its own changes are seen, which may never be true for anybody else.
    """
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        found: str = cursor.fetchone()[0]
    return found


def next_change(at: datetime) -> datetime | None:
    """When the next item after `at` comes or goes by its dates."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"at": at})
        found: datetime | None = cursor.fetchone()[0]
    return found


def fold() -> None:
    """One row with the sum in place of many; readers see either."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD)
