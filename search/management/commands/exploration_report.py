"""Print how much people explore."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import InvalidInput
from search.analytics.scope import CHOICES, DEFAULT_DAYS, Scope
from search.exploration.charts import NAMES, interval_words, told
from search.exploration.measures import Exploration
from search.exploration.report import CategoryReach, exploration

WIDTH = 18


class Command(BaseCommand):
    """The numbers by day and the whole; docs/exploration.md says what each is."""

    help = "Print how much people explore: by day, as a whole, and how a category is reached."

    def add_arguments(self, parser: CommandParser) -> None:
        """The days, the part of the searches, and a category."""
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS)
        parser.add_argument("--category", default="", help="how it is reached, as a path")
        for name, choices in CHOICES.items():
            parser.add_argument(f"--{name}", choices=[one for one in choices if one], default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and print."""
        try:
            scope = Scope.read(
                {"days": str(options["days"]), **{name: options[name] or "" for name in CHOICES}}
            )
        except InvalidInput as error:
            raise CommandError(error.detail) from error
        found = exploration(scope, category=options["category"])
        self._line("day", "searches", *NAMES.values())
        for day, numbers in found.days.items():
            self._line(day, *_cells(numbers))
        self._line("whole", *_cells(found.totals))
        self._line("95 % interval", "", *(interval_words(found.totals, key) for key in NAMES))
        self.stdout.write(
            f"Wanted by nobody yet: {found.cold.shown:,} of {found.cold.items:,} items were among"
            " first hits"
        )
        if found.category is not None:
            self.stdout.write(_category(found.category))

    def _line(self, first: str, *cells: str) -> None:
        self.stdout.write(f"{first:<{WIDTH}}{''.join(f'{cell:>{WIDTH}}' for cell in cells)}")


def _cells(numbers: Exploration) -> tuple[str, ...]:
    return (f"{numbers.searches:,}", *(told(numbers, key) for key in NAMES))


def _category(reach: CategoryReach) -> str:
    return (
        f"{reach.category}: {reach.shown:,} of {reach.items:,} items were among first hits;"
        f" {100 * reach.searched.value:.1f} % of searches showed one,"
        f" {100 * reach.attended.value:.1f} % led to one; people reached: {reach.people:,}"
    )
