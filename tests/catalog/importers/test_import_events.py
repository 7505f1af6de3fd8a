"""Importing events: once each, whoever sends them again; unknown items told."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from catalog.errors import InvalidInput
from catalog.importers import tables
from catalog.importers.bulk import copy_events, copy_items
from catalog.importers.columns import ColumnMapping
from catalog.importers.tables import import_events
from catalog.models import Event, EventKey, Person
from catalog.types import EventInput, ItemInput

pytestmark = pytest.mark.django_db

PURCHASES = ColumnMapping(constants={"kind": "purchase"})


@pytest.fixture(autouse=True)
def items():
    copy_items(items=[ItemInput(external_id=f"i{n}", title=f"Item {n}") for n in range(5)])


def orders(count):
    lines = [
        f"u{n % 7},i{n % 5},2026-01-{n % 28 + 1:02d}T10:00:{n % 60:02d}Z" for n in range(count)
    ]
    return "customer_id,sku,time\n" + "\n".join(lines) + "\n"


def test_events_are_stored_with_their_people_and_time(write):
    report = import_events(path=write("a.csv", orders(50)), mapping=PURCHASES)
    assert (report.tally.created, Event.objects.count()) == (50, 50)
    assert Person.objects.count() == 7
    first = Event.objects.order_by("time", "id").first()
    assert (first.get_kind_display(), first.surface) == ("purchase", "import")
    assert first.time == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_importing_again_stores_nothing_twice(write):
    path = write("a.csv", orders(50))
    import_events(path=path, mapping=PURCHASES)
    again = import_events(path=path, mapping=PURCHASES).tally
    assert (again.created, again.unchanged, Event.objects.count()) == (0, 50, 50)
    longer = import_events(path=write("b.csv", orders(60)), mapping=PURCHASES).tally
    assert (longer.created, longer.unchanged) == (10, 50)


def test_an_event_id_decides_where_there_is_one(write):
    rows = [
        {"event_id": f"e{n % 3}", "kind": "view", "item_id": "i0", "user_id": "u",
         "time": f"2026-01-01T00:00:0{n}Z"} for n in range(6)
    ]  # fmt: skip
    tally = import_events(path=write("a.jsonl", rows)).tally
    assert (tally.created, tally.unchanged) == (3, 3)
    assert EventKey.objects.count() == 3
    assert import_events(path=write("a.jsonl", rows)).tally.created == 0


def test_events_that_differ_in_anything_that_matters_are_all_kept():
    time = datetime(2026, 1, 1, tzinfo=UTC)
    base = {"kind": "view", "item_id": "i0", "time": time, "anonymous_id": "a"}
    query = "6f1c8a52-1111-4222-8333-944455556666"
    events = [
        EventInput(**base | change)
        for change in (
            {}, {"kind": "click"}, {"item_id": "i1"}, {"anonymous_id": "b"}, {"user_id": "u"},
            {"session_id": "s"}, {"query_id": query}, {"position": 2},
            {"time": datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)},
        )
    ]  # fmt: skip
    first = copy_events(events=events)
    assert (first.accepted, first.duplicate) == (len(events), 0)
    again = copy_events(events=[*events, *events])
    assert (again.accepted, again.duplicate) == (0, 2 * len(events))


def test_unknown_items_bad_kinds_and_events_from_the_future_are_told(write):
    path = write(
        "a.csv",
        "kind,item_id,time,user_id,position\n"
        "view,i0,2026-01-01T00:00:00Z,u,1\n"
        "view,nothing,2026-01-01T00:00:00Z,u,1\n"
        "stare,i0,2026-01-01T00:00:00Z,u,1\n"
        "view,i0,2126-01-01T00:00:00Z,u,1\n"
        "view,i0,,u,1\n"
        "view,i0,2026-01-01T00:00:00Z,,1\n"
        "view,i0,2026-01-01T00:00:00Z,u,0\n",
    )
    report = import_events(path=path)
    assert report.tally.created == 1
    assert [(p.line, p.field) for p in report.problems] == [
        (3, "item_id"), (4, "kind"), (5, "time"), (6, "time"), (7, "user_id"), (8, "position"),
    ]  # fmt: skip
    assert "import the items first" in report.problems[0].reason


def test_a_killed_import_of_events_doubles_nothing(write, monkeypatch, kill_after, killed):
    monkeypatch.setattr(tables, "EVENT_BATCH", 20)
    path = write("a.csv", orders(90))
    with pytest.raises(killed):
        import_events(path=path, mapping=PURCHASES, progress=kill_after(40))
    report = import_events(path=path, mapping=PURCHASES)
    assert (report.resumed_at, report.tally.created) == (40, 90)
    assert Event.objects.count() == 90


def test_times_in_seconds_are_asked_for_and_not_guessed(write):
    path = write("a.csv", "kind,item_id,user_id,time\nview,i0,u,1260759144\n")
    assert import_events(path=path).tally.rejected == 1
    import_events(path=path, seconds=True, restart=True)
    assert Event.objects.get().time == datetime(2009, 12, 14, 2, 52, 24, tzinfo=UTC)


def test_events_without_a_column_for_who_or_what_are_refused(write):
    with pytest.raises(InvalidInput, match="anonymous_id"):
        import_events(path=write("a.csv", "kind,item_id,time\nview,i0,2026-01-01\n"))
    with pytest.raises(InvalidInput, match="--map kind=COLUMN"):
        import_events(path=write("a.csv", "item_id,time,user_id\ni0,2026-01-01,u\n"))


def test_the_command_takes_a_kind_for_all_rows(write):
    out = StringIO()
    path = str(write("a.csv", orders(12)))
    call_command("import_events", path, "--set", "kind=purchase", stdout=out)
    assert "12 events: 12 new" in out.getvalue()
