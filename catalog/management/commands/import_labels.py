"""Import labels: what export_labels writes, and files like it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.importers.labels import import_labels
from catalog.importers.terminal import add_restart_option, tell
from catalog.judging.exports import FORMATS
from catalog.models import Label
from catalog.progress import BarProgress


class Command(BaseCommand):
    """`manage.py import_labels labels.csv`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and what it does not say."""
        parser.add_argument("path", help="CSV, JSON Lines (.gz too), or qrels")
        parser.add_argument("--format", choices=FORMATS, help="where the name does not say it")
        parser.add_argument("--labeller", default="", help="whose grades, where rows do not say it")
        parser.add_argument(
            "--kind", choices=Label.Kind.values, default=Label.Kind.RELEVANCE.value,
            help="where rows do not say it",
        )  # fmt: skip
        add_restart_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of the rows."""
        given = {name: options[name] for name in ("path", "format", "labeller", "kind", "restart")}
        try:
            with BarProgress("Labels") as progress:
                report = import_labels(**given, progress=progress)
        except ProjectError as error:
            raise CommandError(error.detail) from error
        tell(report, noun="labels", out=self.stdout)
