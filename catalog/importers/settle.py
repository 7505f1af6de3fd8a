"""After a bulk write: what the database or the night would do by itself is done now.

Searches right after an import are as fast as later, and the planner knows the new sizes. The
parent of the partitioned events is never analyzed by itself at all.
"""

from django.db import connection, transaction

from catalog.judging.stale import requeue_stale

# Below this many rows the database's own rhythm is good enough.
LEAST_ROWS = 1_000


def settle_items() -> None:
    """Move new rows from the pending lists into the GIN indexes; take statistics.

    Labels of items that read otherwise now go back to whoever judges.
    """
    _run(
        "SELECT gin_clean_pending_list(indexrelid) FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam "
        "WHERE indrelid = 'catalog_item'::regclass AND amname = 'gin'",
        "ANALYZE catalog_item",
    )
    requeue_stale()


def settle_events() -> None:
    """Summarize the new blocks of the BRIN indexes; take statistics."""
    _run(
        "SELECT brin_summarize_new_values(indexrelid) FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam "
        "JOIN pg_inherits ON pg_inherits.inhrelid = indrelid "
        "WHERE inhparent = 'catalog_event'::regclass AND amname = 'brin'",
        "ANALYZE catalog_event",
        "ANALYZE catalog_person",
    )


def _run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for statement in statements:
            cursor.execute(statement)
