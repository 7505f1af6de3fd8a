"""Create or update items from a file.

Columns that carry our names, or names that other catalogs use (sku, name, genres, brand, ...), are
found by themselves; any other column is kept as an attribute.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.importers.tables import import_catalog
from catalog.importers.terminal import add_column_options, add_restart_option, mapping_of, tell
from catalog.progress import BarProgress


class Command(BaseCommand):
    """`manage.py import_catalog products.csv --map title=Name --split categories=,`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file and how to read it."""
        add_column_options(parser)
        add_restart_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of the rows."""
        try:
            with BarProgress("items") as progress:
                report = import_catalog(
                    path=options["path"],
                    mapping=mapping_of(options),
                    format=options["format"],
                    delimiter=options["delimiter"],
                    restart=options["restart"],
                    progress=progress,
                )
        except ProjectError as error:
            raise CommandError(error.detail) from error
        more = ["running workers encode new items now, and then they are found by meaning too"]
        changed = report.tally.created or report.tally.updated
        tell(report, noun="items", out=self.stdout, more=more if changed else ())
