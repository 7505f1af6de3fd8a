"""Import a MovieLens folder: films with genres and years, and the ratings of its people."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.importers.movielens import import_movielens
from catalog.importers.terminal import add_restart_option, tell
from catalog.progress import BarProgress


class Command(BaseCommand):
    """`manage.py import_movielens ml-latest-small/`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder."""
        parser.add_argument("path", help="folder with movies.csv and ratings.csv (or .dat)")
        add_restart_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of the rows."""
        try:
            with BarProgress("MovieLens") as progress:
                films, ratings = import_movielens(
                    folder=options["path"], restart=options["restart"], progress=progress
                )
        except ProjectError as error:
            raise CommandError(error.detail) from error
        tell(films, noun="films", out=self.stdout)
        tell(ratings, noun="ratings", out=self.stdout)
