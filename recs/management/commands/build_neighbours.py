"""Compute neighbours by behaviour and popularity."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from catalog.jobs import track
from recs.neighbours import build_neighbours


class Command(BaseCommand):
    """Replaces the live neighbours in one step."""

    help = "Count which items people want together, and how popular each one is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Only the moment."""
        parser.add_argument("--as-of", help="Count events before this date or time (UTC).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and publish."""
        as_of = _moment(options["as_of"]) if options["as_of"] else None
        with track(kind="recs.train_neighbours", bar=True) as progress:
            version = build_neighbours(as_of=as_of, progress=progress)
        self.stdout.write(f"{version.events} events gave {version.pairs} neighbours.")


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError as error:
        raise CommandError(f"--as-of: {error}") from None
    if found is None and day is None:
        raise CommandError("--as-of is a date (2016-10-01) or a time (2016-10-01T12:00).")
    if found is None and day is not None:
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert found is not None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
