"""Build the index of the live vectors anew."""

from typing import Any

from django.core.management.base import BaseCommand

from catalog.jobs import track
from recs.index import build_index
from recs.versions import live_version


class Command(BaseCommand):
    """The old index answers until the new one stands."""

    help = "Build the nearest-neighbour index of the live vectors and measure its recall."

    def handle(self, *args: Any, **options: Any) -> None:
        """Build and measure."""
        version = live_version()
        with track(kind="recs.build_index", bar=True) as progress:
            progress.set_total(1)
            build_index(version=version)
            progress.advance(message="built")
        version.refresh_from_db()
        recall = (
            "nothing to measure" if version.index_recall is None else f"{version.index_recall:.3f}"
        )
        self.stdout.write(f"Index of {version} built; recall@10: {recall}")
