"""Read content vectors of another modality, made elsewhere, from a file.

Each row has the item's `id` and its `vector`; JSON Lines: {"id": "a1", "vector": [0.1, -0.2]}.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.progress import BarProgress
from recs.vector_files import import_vectors


class Command(BaseCommand):
    """`manage.py import_vectors --modality audio --encoder vggish sounds.jsonl`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and what the vectors are of."""
        parser.add_argument("path", help="JSON Lines (may be gzipped) or Parquet")
        parser.add_argument("--modality", required=True, help="such as audio")
        parser.add_argument("--encoder", required=True, help="what made the vectors")
        parser.add_argument("--revision", default="1", help="which one of it (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and tell what became of the rows."""
        names = ("path", "modality", "encoder", "revision")
        try:
            with BarProgress("vectors") as progress:
                report = import_vectors(**{n: options[n] for n in names}, progress=progress)
        except ProjectError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(
            f"{report.written} vectors written, {report.unknown} of items that are not there, "
            f"{report.bad} rows not usable."
        )
        for problem in report.problems:
            self.stderr.write(problem)
        if report.written:
            self.stdout.write("They count once the codes are made anew: manage.py build_codes")
