"""Have a language model write exploratory queries for items; people approve them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from workers.augmentation import queries
from workers.augmented import offer_queries


class Command(BaseCommand):
    """`manage.py write_queries --items 200`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, and whether really."""
        parser.add_argument("--items", type=int, default=200)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--dry-run", action="store_true", help="say what it would cost")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, offer to the store, and say what came of it."""
        if options["items"] < 1:
            raise CommandError("--items is at least 1.")
        try:
            if options["dry_run"]:
                cost = queries.estimate(items=options["items"], seed=options["seed"])
                self.stdout.write(
                    f"{cost.items} calls of {cost.model}, about {cost.tokens:,} tokens at most, "
                    f"{cost.money} to pay."
                )
                return
            queries.write_queries(
                items=options["items"], seed=options["seed"], bar=options["verbosity"] > 0
            )
            told = offer_queries()
        except ProjectError as error:
            raise CommandError(error.detail) from error
        if "ran" not in told:
            self.stdout.write(
                "Another process tries the queries on the live search: the schedule tries these "
                "and accepts what passes; all of it stands in Admin -> Proposals."
            )
            return
        accepted = told.get("accepted", 0)
        self.stdout.write(
            f"{accepted:,} accepted by policy; what else was written waits in Admin -> Proposals."
        )
