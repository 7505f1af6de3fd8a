"""Import OpenSearch user behaviour insights: queries, what people did then, and judgments."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.importers.judgments import import_judgments
from catalog.importers.terminal import add_restart_option, tell
from catalog.importers.ubi import import_ubi
from catalog.progress import BarProgress


class Command(BaseCommand):
    """`manage.py import_ubi queries_events.ndjson --judgments judgments.json`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The files, and what to do with unknown items."""
        parser.add_argument("path", help="NDJSON with queries and events")
        parser.add_argument("--judgments", help="JSON with judgmentRatings, imported as labels")
        parser.add_argument("--labeller", default="", help="who judged")
        parser.add_argument(
            "--create-items",
            action="store_true",
            help="make an item of each unknown id (title: its description, or the id)",
        )
        add_restart_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of the rows."""
        restart = options["restart"]
        try:
            with BarProgress("UBI") as progress:
                report = import_ubi(
                    path=options["path"],
                    create_items=options["create_items"],
                    restart=restart,
                    progress=progress,
                )
            tell(report, noun="queries and events", out=self.stdout)
            if options["judgments"]:
                labels = import_judgments(
                    path=options["judgments"], labeller=options["labeller"], restart=restart
                )
                tell(labels, noun="judgments", out=self.stdout)
        except ProjectError as error:
            raise CommandError(error.detail) from error
