"""Partitions of the event table: a month each for what is live, a year each for the past.

Imported history may reach back decades. A partition for each of its months would make the
planner open hundreds of them for one person's history, so months older than RECENT_MONTHS go into
a partition of their year (measured in docs/decisions/0004-event-partitions.md). A year that has
months of its own, from when it was recent, goes on in months: a year would overlap them.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from catalog.locks import wait_for
from catalog.scope import PerCatalog

RECENT_MONTHS = 24
MONTHS_AHEAD = 3
# Any constant works, as long as everybody who creates partitions takes the same lock.
LOCK_SPACE = 7_140_311
_NAME = re.compile(r"^catalog_event_(\d{4})(?:_(\d{2}))?$")

# Months this process knows to have a partition: none is dropped while it runs.
_known: PerCatalog[set[date]] = PerCatalog(set)


def ensure_partitions(times: Iterable[datetime]) -> list[str]:
    """Create the partitions that these moments need; the names of those that are new.

    Call it before the transaction that writes the events, so that the rows wait for nobody.
    """
    missing = {month_of(time) for time in times} - _known.value
    if not missing:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        # Two processes that meet the same new month: the second waits, then finds it made.
        wait_for(LOCK_SPACE)
        existing = _existing(cursor)
        created = []
        for month in sorted(missing):
            if partition := _needed(month, existing):
                _create(cursor, *partition)
                existing.add(partition[0])
                created.append(partition[0])
    # Only what is committed is known: a rolled back table must be made again.
    transaction.on_commit(lambda: _known.value.update(missing))
    return created


def ensure_partitions_ahead() -> list[str]:
    """Create the partitions of this month and the next ones (run daily by the schedule)."""
    this_month = month_of(timezone.now())
    months = [_add_months(this_month, n) for n in range(MONTHS_AHEAD + 1)]
    return ensure_partitions([datetime(m.year, m.month, 1, tzinfo=UTC) for m in months])


def month_of(time: datetime) -> date:
    """First day of the moment's month, in UTC."""
    return time.astimezone(UTC).date().replace(day=1)


def forget_known_partitions() -> None:
    """Ask the database again; needed where tables are dropped."""
    _known.forget_all()


def _needed(month: date, existing: set[str]) -> tuple[str, date, date] | None:
    """Name and bounds of the partition to make for a month, None where it has one."""
    year_name, month_name = f"catalog_event_{month:%Y}", f"catalog_event_{month:%Y_%m}"
    if year_name in existing or month_name in existing:
        return None
    first_recent = _add_months(month_of(timezone.now()), -RECENT_MONTHS)
    has_months = any(name.startswith(f"{year_name}_") for name in existing)
    # The whole year that holds the border is kept in months, as its later ones are recent.
    if month.year < first_recent.year and not has_months:
        return year_name, date(month.year, 1, 1), date(month.year + 1, 1, 1)
    return month_name, month, _add_months(month, 1)


def _existing(cursor: CursorWrapper) -> set[str]:
    cursor.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
        "WHERE inhparent = 'catalog_event'::regclass"
    )
    return {name for (name,) in cursor.fetchall() if _NAME.match(name)}


def _create(cursor: CursorWrapper, name: str, first: date, after: date) -> None:
    # Made apart and then attached: PARTITION OF would stop all readers and writers of the table
    # until this transaction ends, ATTACH stops none of them.
    cursor.execute(
        f"CREATE TABLE {name} (LIKE catalog_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    )
    cursor.execute(
        f"ALTER TABLE catalog_event ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{first} 00:00+00') TO ('{after} 00:00+00')"
    )


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
