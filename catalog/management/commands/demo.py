"""Load a demo: films with the ratings of real people, or a store with its orders."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.enqueue import enqueue_refresh
from catalog.errors import ProjectError
from catalog.importers.demos import DEMOS, load_demo
from catalog.jobs import track


class Command(BaseCommand):
    """`manage.py demo films`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which demo, and what to do with a catalog that is there."""
        parser.add_argument("name", choices=sorted(DEMOS))
        parser.add_argument(
            "--replace",
            action="store_true",
            help="remove the catalog that is there, with its history and labels",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it, and say what was loaded and what comes next."""
        name, replace = options["name"], options["replace"]
        params = {"name": name, "replace": replace}
        try:
            with track(
                kind="catalog.demo", params=params, bar=options["verbosity"] > 0
            ) as progress:
                outcome = load_demo(name=name, replace=replace, progress=progress)
                progress.result.update(outcome)
            enqueue_refresh()
        except ProjectError as error:
            raise CommandError(error.detail) from error
        if options["verbosity"] > 0:
            self._tell(outcome)

    def _tell(self, outcome: dict[str, Any]) -> None:
        items, events = outcome["items"], outcome["events"]
        self.stdout.write(
            f"Items: {items['created']:,} new, {items['updated']:,} changed, "
            f"{items['unchanged']:,} unchanged. Events: {events['accepted']:,} new, "
            f"{events['duplicate']:,} already there. {outcome['collections']} collections, "
            f"{outcome['people']:,} people."
        )
        for note in outcome["notes"]:
            self.stdout.write(f"  {note}")
        self.stdout.write(
            "Running workers encode the items and rebuild the queries now. "
            "Without workers: encode_items, build_neighbours, build_terms, build_queries."
        )
