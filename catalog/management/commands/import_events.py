"""Store what people did, from a file. Importing the same file again stores nothing twice."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.importers.tables import import_events
from catalog.importers.terminal import add_column_options, add_restart_option, mapping_of, tell
from catalog.progress import BarProgress


class Command(BaseCommand):
    """`manage.py import_events orders.csv --set kind=purchase --map user_id=customer`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file and how to read it."""
        add_column_options(parser)
        add_restart_option(parser)
        parser.add_argument(
            "--seconds", action="store_true", help="numbers in the time column count seconds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of the rows."""
        try:
            with BarProgress("events") as progress:
                report = import_events(
                    path=options["path"],
                    mapping=mapping_of(options),
                    format=options["format"],
                    delimiter=options["delimiter"],
                    seconds=options["seconds"],
                    restart=options["restart"],
                    progress=progress,
                )
        except ProjectError as error:
            raise CommandError(error.detail) from error
        tell(report, noun="events", out=self.stdout)
