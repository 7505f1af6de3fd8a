import threading
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from catalog import partitions
from catalog.models import Event, EventKind
from catalog.partitions import (
    ensure_partitions,
    ensure_partitions_ahead,
    forget_known_partitions,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_memory():
    forget_known_partitions()
    yield
    forget_known_partitions()


@pytest.fixture
def no_partitions():
    """A table without partitions; rolled back with the test."""
    with connection.cursor() as cursor:
        for name in existing():
            cursor.execute(f"DROP TABLE {name}")


@pytest.fixture
def today(monkeypatch):
    def freeze(year, month, day=15):
        monkeypatch.setattr(timezone, "now", lambda: datetime(year, month, day, tzinfo=UTC))

    return freeze


def existing():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = 'catalog_event'::regclass ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def at(year, month, day=1):
    return datetime(year, month, day, tzinfo=UTC)


def test_events_of_any_year_find_their_partition():
    times = [datetime(1995, 5, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)]
    ensure_partitions(times)
    for time in times:
        Event.objects.create(time=time, kind=EventKind.VIEW, item_id=1)
    assert Event.objects.filter(time__in=times).count() == 2


def test_the_past_gets_years_and_the_present_months(no_partitions, today):
    today(2026, 6)
    times = [at(1995, 5), at(1995, 9), at(2023, 12), at(2024, 1), at(2026, 6)]
    assert ensure_partitions(times) == [
        "catalog_event_1995", "catalog_event_2023", "catalog_event_2024_01",
        "catalog_event_2026_06",
    ]  # fmt: skip
    assert ensure_partitions([at(1995, 1), at(2024, 1, 31)]) == []


def test_a_year_that_became_past_goes_on_in_months(no_partitions, today):
    today(2026, 6)
    ensure_partitions([at(2025, 3)])
    today(2030, 6)
    assert ensure_partitions([at(2025, 7), at(2025, 3)]) == ["catalog_event_2025_07"]
    for month in (3, 7):
        Event.objects.create(time=at(2025, month, 9), kind=EventKind.VIEW, item_id=1)


def test_a_month_within_a_years_partition_needs_none_of_its_own(no_partitions, today):
    today(2030, 6)
    ensure_partitions([at(2025, 3)])
    today(2026, 6)  # a clock that was put right
    assert ensure_partitions([at(2025, 7)]) == []
    assert existing() == ["catalog_event_2025"]


def test_the_last_moment_of_a_month_is_in_it_whatever_the_zone(no_partitions, today):
    today(2026, 6)
    time = datetime.fromisoformat("2026-06-01T01:30:00+05:00")
    assert partitions.month_of(time) == date(2026, 5, 1)
    ensure_partitions([time])
    Event.objects.create(time=time, kind=EventKind.VIEW, item_id=1)


def test_the_next_months_are_ready_before_they_begin(no_partitions, today):
    today(2026, 11)
    assert ensure_partitions_ahead() == [
        "catalog_event_2026_11", "catalog_event_2026_12",
        "catalog_event_2027_01", "catalog_event_2027_02",
    ]  # fmt: skip
    assert ensure_partitions_ahead() == []


def test_a_rolled_back_partition_is_made_again(no_partitions):
    with transaction.atomic():
        ensure_partitions([at(1951, 1)])
        transaction.set_rollback(True)
    assert ensure_partitions([at(1951, 1)]) == ["catalog_event_1951"]


def test_partitions_carry_the_tables_rules(no_partitions):
    ensure_partitions([at(1950, 1)])
    with pytest.raises(IntegrityError, match="event_position_from_one"):
        Event.objects.create(time=at(1950, 1), kind=EventKind.VIEW, item_id=1, position=0)


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_meet_a_new_year_at_once_make_it_once():
    errors, created = [], []
    together = threading.Barrier(4)

    def make():
        try:
            together.wait()
            # Each thread is a process here: none may trust what another one knows.
            forget_known_partitions()
            created.extend(ensure_partitions([at(1961, month) for month in range(1, 13)]))
        except Exception as error:  # noqa: BLE001  told by the assertion below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE catalog_event_1961")
    assert errors == []
    assert created == ["catalog_event_1961"]
