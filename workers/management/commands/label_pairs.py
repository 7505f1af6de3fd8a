"""Have a language model grade pairs that were shown: of a query and an item, or of a person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import ProjectError
from catalog.models import Label
from workers.augmentation import labels


class Command(BaseCommand):
    """`manage.py label_pairs --kind relevance --pairs 200`."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, how many, and whether really."""
        parser.add_argument("--kind", choices=Label.Kind.values, default=labels.RELEVANCE)
        parser.add_argument("--pairs", type=int, default=200)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--dry-run", action="store_true", help="say what it would cost")

    def handle(self, *args: Any, **options: Any) -> None:
        """Judge, keep the grades, and say where they are."""
        if options["pairs"] < 1:
            raise CommandError("--pairs is at least 1.")
        asked = {name: options[name] for name in ("kind", "pairs", "seed")}
        try:
            if options["dry_run"]:
                told = labels.estimate(**asked)
                self.stdout.write(
                    f"{told.items} calls of {told.model}, about {told.tokens:,} tokens at most, "
                    f"{told.money} to pay."
                )
                return
            labels.label_pairs(**asked, bar=options["verbosity"] > 0)
        except ProjectError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("The grades stand in Admin -> Labels, with their reasons.")
