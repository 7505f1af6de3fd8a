"""Try the stored queries on the live search."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from search.pipeline import check_queries
from search.query_checks import check_report


class Command(BaseCommand):
    """Run what was not run in this release of the index, fold duplicates, report by source."""

    help = "Try the stored queries on the live search; those that fail are not shown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether all are run."""
        parser.add_argument(
            "--every",
            action="store_true",
            help="Run each query one by one, also those that a statement confirms.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run with a bar and say how each source stands."""
        counts = check_queries(every=options["every"], bar=True)
        self.stdout.write(", ".join(f"{count:,} {name}" for name, count in counts.items()))
        for row in check_report():
            rate = "not yet" if row.pass_rate is None else f"{row.pass_rate:.1%}"
            self.stdout.write(
                f"{row.source:<12}{row.checked:>8} of {row.kept} checked {row.ran:>8} run"
                f" {rate:>8} pass {row.nothing:>6} find nothing {row.lost:>6} lose their item"
                f" {row.folded:>6} folded"
            )
