"""How many events there are, by kind and time: bounded reads for reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDay, TruncMonth
from django.utils import timezone

from catalog.models import Event, EventKind

CACHE_SECONDS = 300
PARTITIONS = """
SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(pg_class.oid)
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'catalog_event'::regclass ORDER BY relname DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """Counts with a row for each day or month and a column for each kind that occurred."""

    kinds: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[int, ...]], ...]
    as_of: str

    @property
    def total(self) -> int:
        """Events in the whole table."""
        return sum(total for _, total, _ in self.rows)

    @property
    def most(self) -> int:
        """The largest row's total, at least 1."""
        return max([1, *(total for _, total, _ in self.rows)])

    @property
    def oldest(self) -> str:
        """First day or month."""
        return self.rows[-1][0] if self.rows else ""

    @property
    def newest(self) -> str:
        """Last day or month."""
        return self.rows[0][0] if self.rows else ""

    @property
    def bars(self) -> list[dict[str, object]]:
        """Rectangles of a chart 100 high, oldest at the left, 100 apart."""
        bars = []
        for place, (start, total, _) in enumerate(reversed(self.rows)):
            height = round(100 * total / self.most, 1)
            bars.append(
                {
                    "start": start,
                    "total": total,
                    "x": place * 100 + 6,
                    "y": round(100 - height, 1),
                    "height": height,
                    "is_newest": start == self.newest,
                }
            )
        return bars


def counts_by_day(*, days: int) -> EventTable:
    """Counts of the last days, today included, with a row for each day."""
    today = timezone.now().astimezone(UTC).date()
    wanted = [today - timedelta(days=back) for back in range(days)]
    return _cached(f"events:days:{days}", TruncDay, wanted, today + timedelta(days=1))


def counts_by_month(*, year: int) -> EventTable:
    """Counts of one year's months; other years' partitions are not read."""
    year = min(max(year, 1), 9998)
    wanted = [date(year, month, 1) for month in range(12, 0, -1)]
    return _cached(f"events:months:{year}", TruncMonth, wanted, date(year + 1, 1, 1))


def rows_by_partition() -> list[tuple[str, int, int]]:
    """Each partition's name, the planner's estimate of its rows, and its bytes."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        return [
            (name.removeprefix("catalog_event_").replace("_", "-"), rows, size)
            for name, rows, size in cursor.fetchall()
        ]


def _cached(
    key: str, truncate: type[TruncDay | TruncMonth], wanted: Sequence[date], end: date
) -> EventTable:
    found = cache.get(key)
    if found is None:
        found = _count(truncate, min(wanted), end)
        cache.set(key, found, CACHE_SECONDS)
    counts = {(start, kind): count for start, kind, count in found["counts"]}
    present = [kind for kind in EventKind if any(known == kind for _, known in counts)]
    rows = []
    for start in wanted:
        numbers = tuple(counts.get((start.isoformat(), kind.value), 0) for kind in present)
        rows.append((start.isoformat(), sum(numbers), numbers))
    return EventTable(
        kinds=tuple(kind.label for kind in present), rows=tuple(rows), as_of=found["as_of"]
    )


def _count(truncate: type[TruncDay | TruncMonth], start: date, end: date) -> dict[str, object]:
    rows = (
        Event.objects.filter(time__gte=_midnight(start), time__lt=_midnight(end))
        .annotate(start=truncate("time", tzinfo=UTC))
        .values_list("start", "kind")
        .annotate(count=Count("id"))
        .order_by()
    )
    return {
        "counts": [[moment.date().isoformat(), kind, count] for moment, kind, count in rows],
        "as_of": timezone.now().strftime("%Y-%m-%d %H:%M UTC"),
    }


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
