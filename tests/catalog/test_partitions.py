from datetime import UTC, datetime

import pytest

from catalog.models import Event, EventKind
from catalog.partitions import ensure_partitions

pytestmark = pytest.mark.django_db


def test_events_of_any_year_find_their_partition():
    times = [datetime(1995, 5, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)]
    ensure_partitions(times)
    for time in times:
        Event.objects.create(time=time, kind=EventKind.VIEW, item_id=1)
    assert Event.objects.filter(time__in=times).count() == 2
