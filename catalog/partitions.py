"""Partitions of the event table: a month each for what is live, a year each for the past.

Imported history may reach back decades. A partition for each of its months would make the
planner open hundreds of them for one person's history, so months older than RECENT_MONTHS go into
a partition of their year (measured in docs/decisions/0004-event-partitions.md).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.db import connection, transaction
from django.utils import timezone

RECENT_MONTHS = 24
MONTHS_AHEAD = 3
# Any constant works, as long as everybody who creates partitions takes the same lock.
LOCK_KEY = 7_140_311


def ensure_partitions(times: Iterable[datetime]) -> list[str]:
    """Create the partitions that these moments need; the names of those that are new."""
    wanted = {partition_bounds(time) for time in times}
    missing = sorted(wanted - _known)
    if not missing:
        return []
    created = _create(missing)
    _known.update(missing)
    return created


def ensure_partitions_ahead() -> list[str]:
    """Create the partitions of this month and the next ones (run daily by the schedule)."""
    today = timezone.now().date()
    months = [_add_months(today.replace(day=1), n) for n in range(MONTHS_AHEAD + 1)]
    return ensure_partitions([datetime(m.year, m.month, 1, tzinfo=UTC) for m in months])


def partition_bounds(time: datetime) -> tuple[date, date]:
    """First day of the partition that holds this moment, and first day after it."""
    day = time.astimezone(UTC).date()
    first_recent = _add_months(timezone.now().date().replace(day=1), -RECENT_MONTHS)
    # The whole year that holds the border is kept in months, or a year would overlap them.
    if day.year < first_recent.year:
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return day.replace(day=1), _add_months(day.replace(day=1), 1)


# Partitions this process knows to exist: they are never dropped while it runs.
_known: set[tuple[date, date]] = set()


def forget_known_partitions() -> None:
    """Ask the database again; tests that drop tables need it."""
    _known.clear()


def _create(bounds: list[tuple[date, date]]) -> list[str]:
    created = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        for first, after in bounds:
            if _is_covered(cursor, first):
                continue
            name = (
                f"catalog_event_{first:%Y_%m}"
                if (after - first).days < 40
                else f"catalog_event_{first:%Y}"
            )
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF catalog_event "
                f"FOR VALUES FROM ('{first} 00:00+00') TO ('{after} 00:00+00')"
            )
            created.append(name)
    return created


def _is_covered(cursor: object, first: date) -> bool:
    """Whether the month's or the year's partition exists already (a year may hold a later month)."""
    names = [f"catalog_event_{first:%Y}", f"catalog_event_{first:%Y_%m}"]
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT 1 FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
        "WHERE inhparent = 'catalog_event'::regclass AND relname = ANY(%s)",
        [names],
    )
    return cursor.fetchone() is not None  # type: ignore[attr-defined]


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
