"""Generate and check the queries that can be recommended."""

from typing import Any

from django.core.management.base import BaseCommand

from search.pipeline import build_queries
from search.query_store import source_report


class Command(BaseCommand):
    """Build the store of queries from every source that is switched on."""

    help = "Generate, check and store the queries that can be recommended and completed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the build with a bar and say what each source keeps."""
        build_queries(bar=True)
        for row in source_report()["sources"]:
            self.stdout.write(
                f"{row['source']:<12}{row['kept']:>8} kept {row['offered']:>8} offered"
            )
