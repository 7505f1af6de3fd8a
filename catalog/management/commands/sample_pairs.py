"""Draw pairs from the log into the queue of judging."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import ProjectError
from catalog.judging.sampling import DRAW_CHARACTERS, sample_pairs
from catalog.judging.stale import requeue_stale
from catalog.models import Label


class Command(BaseCommand):
    """`manage.py sample_pairs --size 100`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """What, how many, and the name of the draw."""
        parser.add_argument("--kind", choices=Label.Kind.values, help="both where it is left out")
        parser.add_argument(
            "--size", type=int, help="pairs of each kind; else what fills CATALOG_JUDGING_QUEUE"
        )
        parser.add_argument(
            "--draw", default="", metavar="NAME",
            help=f"its name and seed, at most {DRAW_CHARACTERS} characters; a draw is made once."
            " Today's date where it is left out",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw, and say what came."""
        kinds = [options["kind"]] if options["kind"] else Label.Kind.values
        try:
            self.stdout.write(_told(requeue_stale(), "went stale and is asked anew"))
            for kind in kinds:
                new = sample_pairs(kind=kind, size=options["size"], name=options["draw"])
                self.stdout.write(f"{new:,} new pair{'' if new == 1 else 's'} of {kind}.\n")
        except ProjectError as error:
            raise CommandError(error.detail) from error


def _told(count: int, what: str) -> str:
    return f"{count:,} {what}.\n"
